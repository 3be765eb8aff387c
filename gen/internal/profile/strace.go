package profile

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// StraceOptions are what strace does not print.
type StraceOptions struct {
	Arch   dsl.Arch // ABI of the calls, where the log does not say; empty: this machine's
	Marker string   // the call after which phase serve begins; empty: it never does
}

// ReadStrace reads what strace prints, of one process or with -f of several, or the
// tables of strace -c, which count and say nothing of arguments. Where both are in
// the text, as with -C, the log counts. A call that is decoded from another, as i386's
// socketcall is, goes by the name that strace prints.
func ReadStrace(name string, text []byte, o StraceOptions) (*Profile, error) {
	native, err := nativeArch(o.Arch)
	if err != nil {
		return nil, err
	}
	r := strace{profile: &Profile{}, native: native, marker: o.Marker, phase: Start, tasks: map[int]*task{}}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if err := r.line(strings.TrimRight(string(line), "\r\n")); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if r.profile.Len() == 0 {
		if err := r.profile.addTables(text, native); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if r.profile.Len() == 0 {
		return nil, fmt.Errorf("%s: no calls: neither a log of strace's nor the table of strace -c", name)
	}
	return r.profile, nil
}

// nativeArch is the ABI of a name, or that of this machine's Go.
func nativeArch(name dsl.Arch) (*abi.Arch, error) {
	for _, a := range abi.Arches() {
		if a.Name == string(name) || name == "" && a.GOARCH == runtime.GOARCH {
			return a, nil
		}
	}
	return nil, fmt.Errorf("unknown architecture %q", cmp.Or(string(name), runtime.GOARCH))
}

// mode is the ABI that strace means by a mode of an architecture's processes, such as
// 32 bit; nil if there is none.
func mode(native *abi.Arch, text string) *abi.Arch {
	for _, a := range abi.Arches() {
		if a.Family != native.Family {
			continue
		}
		if text == "x32" && a.Name == "x32" || a.Name != "x32" && text == fmt.Sprintf("%d bit", a.Word) {
			return a
		}
	}
	return nil
}

// strace is the reading of a log.
type strace struct {
	profile *Profile
	native  *abi.Arch
	marker  string
	phase   string
	tasks   map[int]*task
	newest  *task // the last that was seen to make another
}

// task is a thread, or a process of one.
type task struct {
	program string
	thread  string
	arch    *abi.Arch
	begun   string // a call that has not returned yet, as far as it was printed
}

// What is before a call: the thread, with its name (-Y), times (-t, -r), the
// instruction's address (-i) and the number of the call (-n).
var prefix = regexp.MustCompile(`^(?:\[pid +(\d+)(?:<([^>]*)>)?\] *|(\d+)(?:<([^>]*)>)? +)?` +
	`(?: *(?:\d\d:\d\d:\d\d(?:\.\d+)?|\d+\.\d+|\(\+ *\d+\.\d+\)|\[[0-9a-f?]{8,16}\]|\[ *\d+\]) +)*`)

var (
	modeLine   = regexp.MustCompile(`\[ Process PID=(\d+) runs in (\w+(?: bit)?) mode\. \]`)
	superseded = regexp.MustCompile(`^\+\+\+ superseded by execve in pid (\d+)`)
	resumed    = regexp.MustCompile(`^<\.\.\. \w+ resumed> ?`)
	callStart  = regexp.MustCompile(`^\w+\(`)
	// As strace's own messages break into a line that is written to a terminal.
	unfinished = regexp.MustCompile(` *(?:<(?:unfinished|detached) \.\.\.>|strace: Process \d+ attached$)`)
)

func (r *strace) line(text string) error {
	if m := modeLine.FindStringSubmatch(text); m != nil {
		if a := mode(r.native, m[2]); a != nil {
			r.task(m[1]).arch = a
		}
		return nil
	}
	m := prefix.FindStringSubmatch(text)
	rest := text[len(m[0]):]
	isCall, isResumed := callStart.MatchString(rest), resumed.FindString(rest)
	if !isCall && isResumed == "" && !strings.HasPrefix(rest, "+++ ") {
		return nil
	}
	if pid, _ := strconv.Atoi(m[1]); isResumed != "" && r.tasks[pid] == nil && r.tasks[0] != nil {
		r.tasks[pid] = r.tasks[0] // its number is written from now on, since there is another
	}
	t := r.task(m[1] + m[3])
	t.thread = cmp.Or(m[2]+m[4], t.thread)
	switch s := superseded.FindStringSubmatch(rest); {
	case s != nil: // its execve returns in the thread that leads the process
		err := r.call(t)
		t.begun = r.task(s[1]).begun
		r.task(s[1]).begun = ""
		return err
	case strings.HasPrefix(rest, "+++ "):
		err := r.call(t)
		r.end(t)
		return err
	case isResumed != "" && t.begun == "": // the log begins within the call
		return nil
	case isResumed != "":
		t.begun += rest[len(isResumed):]
	default:
		if err := r.call(t); err != nil {
			return err
		}
		t.begun = rest
	}
	if at := unfinished.FindStringIndex(t.begun); at != nil {
		ends := strings.Contains(t.begun[at[1]:], "= ?")
		t.begun = t.begun[:at[0]]
		if !ends {
			if makesTask(t.begun) {
				r.newest = t
			}
			return nil
		}
	}
	return r.call(t)
}

// finish counts the calls that never returned.
func (r *strace) finish() error {
	for _, pid := range slices.Sorted(maps.Keys(r.tasks)) {
		if err := r.call(r.tasks[pid]); err != nil {
			return err
		}
	}
	return nil
}

// task is the one of a thread. A new one is like the one that made it.
func (r *strace) task(number string) *task {
	pid, _ := strconv.Atoi(number) // none: there is one
	t := r.tasks[pid]
	if t == nil {
		t = &task{arch: r.native}
		if r.newest != nil {
			t.program, t.thread, t.arch = r.newest.program, r.newest.thread, r.newest.arch
		}
		r.tasks[pid] = t
	}
	return t
}

// end takes a task out. Of a last one, strace may write no number.
func (r *strace) end(t *task) {
	maps.DeleteFunc(r.tasks, func(_ int, other *task) bool { return other == t })
	if len(r.tasks) == 1 {
		for _, last := range r.tasks {
			r.tasks[0] = last
		}
	}
}

func makesTask(call string) bool {
	name, _, _ := strings.Cut(call, "(")
	return slices.Contains([]string{"clone", "clone3", "fork", "vfork"}, name)
}

// call counts the call that a task has begun.
func (r *strace) call(t *task) error {
	text := t.begun
	t.begun = ""
	if text == "" {
		return nil
	}
	name, text, _ := strings.Cut(text, "(")
	args, result := arguments(text)
	k := Key{Program: t.program, Thread: t.thread, Phase: r.phase, Arch: dsl.Arch(t.arch.Name)}
	if number, ok := strings.CutPrefix(name, "syscall_"); ok {
		nr, err := strconv.ParseUint(number, 0, 32)
		if err != nil {
			return fmt.Errorf("%s is no number of a call", name)
		}
		k.Number = uint32(nr)
	} else if k.Number, ok = t.arch.Number(name); !ok {
		return fmt.Errorf("%s has no call %s: if the log is another architecture's, say which", t.arch.Name, name)
	}
	if makesTask(name) {
		r.newest = t
	}
	if (name == "execve" || name == "execveat") && strings.HasPrefix(result, "= 0") {
		if path := executed(args); path != "" {
			t.program = path
			k.Program = cmp.Or(k.Program, path)
		}
	}
	r.profile.AddKnown(k, known(t.arch, k.Name(), args))
	if name == r.marker {
		r.phase = Serve
	}
	return nil
}

// executed is the path that execve's arguments, or execveat's, begin with.
func executed(args []string) string {
	for _, a := range args {
		if path, err := strconv.Unquote(a); err == nil {
			return path
		}
	}
	return ""
}

// Table reads rows such as those of strace -c,
//
//	% time     seconds  usecs/call     calls    errors syscall
//	 40.00    0.000012           3         4         1 openat
//
// where errors may be empty; -U chooses other columns, which the head names. each is
// told the mode that a heading gives to what is below it, such as 32 bit.
func Table(text []byte, each func(mode, call string, count float64) error) error {
	var head []string
	mode, n := "", 0
	for line := range bytes.Lines(text) {
		n++
		fields := strings.Fields(string(line))
		if m := tableMode.FindStringSubmatch(string(line)); m != nil {
			mode = m[1]
		}
		switch {
		case len(fields) > 1 && fields[len(fields)-1] == "syscall":
			head = strings.Fields(strings.Replace(string(line), "% time", "%time", 1))
			continue
		case head == nil || len(fields) == 0 || strings.HasPrefix(fields[0], "-"):
			continue
		}
		call := fields[len(fields)-1]
		if call == "total" {
			head, mode = nil, "" // what another process did may follow
			continue
		}
		column := slices.Index(head, "calls")
		if column < 0 || column >= len(fields)-1 {
			return fmt.Errorf("line %d: there is no column of calls", n)
		}
		count, err := strconv.ParseFloat(fields[column], 64)
		if err == nil {
			err = each(mode, call, count)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

var tableMode = regexp.MustCompile(`^System call usage summary for (\w+(?: bit)?) mode:`)

// addTables counts what tables of strace -c say.
func (p *Profile) addTables(text []byte, native *abi.Arch) error {
	sum := 0.0
	return Table(text, func(m, call string, count float64) error {
		arch := native
		if a := mode(native, m); a != nil {
			arch = a
		}
		nr, ok := arch.Number(call)
		if !ok {
			return fmt.Errorf("%s has no call %s: if the table is another architecture's, say which", arch.Name, call)
		}
		if sum += count; !(count >= 0 && sum < mostCalls) {
			return fmt.Errorf("%s: %v is no count", call, count)
		}
		p.AddCount(Key{Arch: dsl.Arch(arch.Name), Number: nr}, uint64(count))
		return nil
	})
}
