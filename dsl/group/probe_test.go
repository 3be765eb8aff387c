//go:build linux && (amd64 || arm64)

package group_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/group"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
)

// groups are the groups by name, each without the groups that it begins with.
var groups = map[string][]dsl.Rule{
	"GoRuntime":    group.GoRuntime,
	"GoStart":      group.GoStart,
	"GoConn":       group.GoConn,
	"GoNet":        group.GoNet[len(group.GoConn):],
	"GoExec":       group.GoExec,
	"GlibcThreads": group.GlibcThreads,
	"GlibcStart":   group.GlibcStart,
	"MuslThreads":  group.MuslThreads,
	"MuslStart":    group.MuslStart,
}

// A trial is a program that works hard under a filter which kills on what its
// rules do not allow.
type trial struct {
	program string   // see programs
	mode    string   // of testdata/probe; "start": the filter is there before the program
	groups  []string // the rules
	own     []dsl.Rule
	ends    string // how it ends, as os.ProcessState has it; "": exit status 0
	says    string // on standard error
	stopped bool   // and continued, over and over
}

func (t trial) name() string { return t.program + " " + t.mode }

var (
	sleeps = dsl.Allow.For(sys.Select, sys.Pselect6)
	kills  = dsl.Allow.For(sys.Kill)
	// The C program's own signal(3).
	handles = dsl.Allow.For(sys.RtSigaction).When(sys.RtSigaction.Signum.Eq(linux.SIGUSR1))

	// The launcher of C programs is a Go program until its execve, and may have to wait.
	launches = dsl.Allow.For(sys.Nanosleep, sys.SchedYield, sys.Getpid, sys.Tgkill)

	goRuntime = []string{"GoRuntime"}
	goConn    = []string{"GoRuntime", "GoConn"}
	goNet     = []string{"GoRuntime", "GoConn", "GoNet"}
	goCgo     = []string{"GoRuntime", "GlibcThreads"}

	// malloc counts the CPUs, as it may or as it must.
	uncounted = dsl.Errno(linux.EACCES).For(sys.Openat)
	counted   = dsl.Allow.For(sys.SchedGetaffinity)
)

var trials = []trial{
	{program: "go", mode: "idle", groups: goRuntime, own: []dsl.Rule{sleeps}},
	{program: "go", mode: "sleep", groups: goRuntime, stopped: true},
	{program: "go", mode: "gc", groups: goRuntime},
	{program: "go", mode: "heap", groups: goRuntime},
	{program: "go", mode: "stack", groups: goRuntime},
	{program: "go", mode: "timers", groups: goRuntime},
	{program: "go", mode: "preempt", groups: goRuntime},
	{program: "go", mode: "threads", groups: goRuntime, own: []dsl.Rule{sleeps}},
	{program: "go", mode: "signal", groups: goRuntime, own: []dsl.Rule{kills}},
	{program: "go", mode: "recovered", groups: goRuntime},
	{program: "go", mode: "pipe", groups: goRuntime, own: []dsl.Rule{dsl.Allow.For(sys.Read, sys.Write)}},

	{program: "go", mode: "panic", groups: goRuntime, ends: "exit status 2", says: "panic: as it should"},
	{program: "go", mode: "nil", groups: goRuntime, ends: "exit status 2", says: "nil pointer dereference"},
	{program: "go", mode: "throw", groups: goRuntime, ends: "exit status 2", says: "fatal error: sync: unlock of unlocked mutex"},
	{program: "go", mode: "deadlock", groups: goRuntime, ends: "exit status 2", says: "all goroutines are asleep"},
	{program: "go", mode: "goexit", groups: goRuntime, ends: "exit status 2", says: "no goroutines (main called runtime.Goexit)"},
	{program: "go", mode: "overflow", groups: goRuntime, ends: "exit status 2", says: "fatal error: stack overflow"},
	{program: "go", mode: "SIGHUP", groups: goRuntime, own: []dsl.Rule{kills}, ends: "signal: hangup"},
	{program: "go", mode: "SIGINT", groups: goRuntime, own: []dsl.Rule{kills}, ends: "signal: interrupt"},
	{program: "go", mode: "SIGTERM", groups: goRuntime, own: []dsl.Rule{kills}, ends: "signal: terminated"},
	{program: "go", mode: "SIGQUIT", groups: goRuntime, own: []dsl.Rule{kills}, ends: "exit status 2", says: "SIGQUIT: quit"},
	{program: "go", mode: "SIGABRT", groups: goRuntime, own: []dsl.Rule{kills}, ends: "exit status 2", says: "SIGABRT: abort"},
	{program: "go", mode: "SIGSEGV", groups: goRuntime, own: []dsl.Rule{kills}, ends: "exit status 2", says: "SIGSEGV: segmentation violation"},
	{program: "go", mode: "sigpipe", groups: goRuntime, own: []dsl.Rule{dsl.Allow.For(sys.Write)}, ends: "signal: broken pipe"},

	{program: "go", mode: "served", groups: goConn, own: []dsl.Rule{dsl.Allow.For(sys.Lseek)}},
	{program: "go", mode: "close", groups: goConn},
	{program: "go", mode: "tcp", groups: goNet},
	{program: "go", mode: "unix", groups: goNet, own: []dsl.Rule{dsl.Allow.For(sys.Mkdirat, sys.Unlinkat)}},
	{program: "go", mode: "udp", groups: goNet},
	{program: "go", mode: "http", groups: goNet, own: []dsl.Rule{dsl.Allow.For(sys.Lseek)}}, // http.ServeFile looks for the size
	{program: "go", mode: "dns", groups: goNet},

	// The children are Go programs, which need rules of their own.
	{program: "go", mode: "exec", groups: []string{"GoRuntime", "GoExec", "GoStart"}, own: []dsl.Rule{sleeps}},

	{program: "go", mode: "start", groups: []string{"GoRuntime", "GoStart"}},
	{program: "cgo", mode: "start", groups: []string{"GoRuntime", "GlibcThreads", "GoStart", "GlibcStart"}},

	{program: "cgo", mode: "cgo", groups: goCgo, own: []dsl.Rule{uncounted}},
	{program: "cgo", mode: "gc", groups: goCgo, own: []dsl.Rule{uncounted}},
	{program: "cgo", mode: "timers", groups: goCgo, own: []dsl.Rule{uncounted}},
	{program: "cgo", mode: "preempt", groups: goCgo, own: []dsl.Rule{uncounted}},
	{program: "cgo", mode: "threads", groups: goCgo, own: []dsl.Rule{sleeps, uncounted}},
	{program: "cgo", mode: "panic", groups: goCgo, own: []dsl.Rule{uncounted}, ends: "exit status 2", says: "panic: as it should"},
	{program: "cgo", mode: "SIGTERM", groups: goCgo, own: []dsl.Rule{kills, uncounted}, ends: "signal: terminated"},

	{program: "glibc", mode: "threads", groups: []string{"GlibcThreads"}, own: []dsl.Rule{uncounted, counted}},
	{program: "glibc", mode: "start", groups: []string{"GlibcThreads", "GlibcStart"}, own: []dsl.Rule{launches, handles, counted}},
	{program: "glibc-static", mode: "start", groups: []string{"GlibcThreads", "GlibcStart"}, own: []dsl.Rule{launches, handles, counted}},
	{program: "musl", mode: "threads", groups: []string{"MuslThreads"}},
	{program: "musl", mode: "start", groups: []string{"MuslThreads", "MuslStart"}, own: []dsl.Rule{launches, handles}},
	{program: "musl-static", mode: "start", groups: []string{"MuslThreads", "MuslStart"}, own: []dsl.Rule{launches, handles}},
}

// programs are made once, by these commands; $O is where they go.
var programs = map[string]*program{
	"go":           {env: []string{"CGO_ENABLED=0"}, build: "go build -o $O ./testdata/probe"},
	"cgo":          {env: []string{"CGO_ENABLED=1"}, build: "go build -o $O ./testdata/probe", wants: "gcc"},
	"glibc":        {build: "gcc -pthread -o $O testdata/c/main.c", wants: "gcc"},
	"glibc-static": {build: "gcc -pthread -static -o $O testdata/c/main.c", wants: "gcc"},
	"musl": {build: "musl-gcc -shared -fPIC -o $O.so testdata/c/library.c && " +
		"musl-gcc -idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu -DLIBRARY -o $O testdata/c/main.c $O.so", wants: "musl-gcc"},
	"musl-static": {build: "musl-gcc -idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu -static -o $O testdata/c/main.c", wants: "musl-gcc"},
}

type program struct {
	env   []string
	build string
	wants string

	once sync.Once
	path string
	err  error
}

var dir string // where the programs are

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "group"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// made is the path of a program.
func made(t *testing.T, name string) string {
	t.Helper()
	p := programs[name]
	if p.wants != "" {
		if _, err := exec.LookPath(p.wants); err != nil {
			t.Skipf("needs %s (Debian: apt-get install gcc libc6-dev musl-tools)", p.wants)
		}
	}
	p.once.Do(func() {
		p.path = filepath.Join(dir, name)
		cmd := exec.Command("sh", "-c", strings.ReplaceAll(p.build, "$O", p.path))
		cmd.Env = append(os.Environ(), p.env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			p.err = fmt.Errorf("%s: %w\n%s", p.build, err, out)
		}
	})
	if p.err != nil {
		t.Fatal(p.err)
	}
	return p.path
}

// filter compiles rules into a file for the probe.
func filter(t *testing.T, rules []dsl.Rule) string {
	t.Helper()
	filters, err := gen.Compile(dsl.Named{Name: "Probe", Policy: &dsl.Policy{
		Arches: []dsl.Arch{dsl.Arch(runtime.GOARCH)}, Default: dsl.KillProcess, Rules: rules,
	}})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.NativeEndian, filters[0].Program); err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(dir, "filter")
	if err == nil {
		_, err = f.Write(b.Bytes())
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// rules are all rules of a trial, after what becomes of each group.
func (t trial) rules(become func(name string, rules []dsl.Rule) []dsl.Rule) []dsl.Rule {
	var all []dsl.Rule
	for _, g := range t.groups {
		all = append(all, become(g, groups[g])...)
	}
	return slices.Concat(all, t.own)
}

// command is the trial under the filter in a file, for a while.
func (tr trial) command(t *testing.T, ctx context.Context, filter string, while time.Duration) *exec.Cmd {
	self := made(t, tr.program)
	var argv []string
	switch isGo := tr.program == "go" || tr.program == "cgo"; {
	case isGo && tr.mode == "start":
		argv = []string{made(t, "go"), filter, "exec", self, "-", "0s", "nothing"}
	case isGo:
		argv = []string{self, filter, while.String(), tr.mode}
	case tr.mode == "start":
		argv = []string{made(t, "go"), filter, "exec", self}
	default:
		argv = []string{self, filter}
	}
	return exec.CommandContext(ctx, argv[0], argv[1:]...)
}

// run says how the trial ended, and what it said.
func (tr trial) run(cmd *exec.Cmd, procs string) (ends, says string) {
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "GOMAXPROCS=") || strings.HasPrefix(s, "GOTRACEBACK=") || strings.HasPrefix(s, "GODEBUG=")
	})
	if procs != "" {
		cmd.Env = append(cmd.Env, "GOMAXPROCS="+procs)
	}
	var b bytes.Buffer
	cmd.Stderr = &b
	if err := cmd.Start(); err != nil {
		return err.Error(), ""
	}
	if tr.stopped {
		ended := make(chan bool)
		defer close(ended)
		go stop(cmd.Process, ended)
	}
	cmd.Wait()
	return cmd.ProcessState.String(), b.String()
}

// stop stops a process and lets it go on, until it has ended.
func stop(p *os.Process, ended chan bool) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(20 * time.Millisecond):
			p.Signal(syscall.SIGSTOP)
			p.Signal(syscall.SIGCONT)
		}
	}
}

func (tr trial) want() string {
	if tr.ends == "" {
		return "exit status 0"
	}
	return tr.ends
}

// Nothing dies: the groups as they are, under a filter that kills on everything
// else, for longer than the runtime takes to look at the CPU limit again.
func TestNothingDiesUnderTheGroups(t *testing.T) {
	for _, tr := range trials {
		t.Run(tr.name(), func(t *testing.T) {
			t.Parallel()
			made(t, tr.program)
			path := filter(t, tr.rules(func(_ string, rules []dsl.Rule) []dsl.Rule { return rules }))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var wg sync.WaitGroup
			for _, procs := range []string{"", "1", "2", "8"} {
				cmd := tr.command(t, ctx, path, 1200*time.Millisecond)
				wg.Go(func() {
					ends, says := tr.run(cmd, procs)
					if ends != tr.want() || !strings.Contains(says, tr.says) {
						t.Errorf("GOMAXPROCS=%s: %s, not %s\n%s", procs, ends, tr.want(), says)
					}
				})
			}
			wg.Wait()
		})
	}
}
