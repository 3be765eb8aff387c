package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// remark says what the author of a policy should know of what was seen.
func (m *maker) remark(calls []*seen) {
	var unknown, many, nameless []string
	for _, s := range calls {
		target, on := s.target()
		if target.Name == "" {
			nameless = append(nameless, fmt.Sprintf("%s (%s)", target.Number, on[0]))
			continue
		}
		if s.unknown() {
			unknown = append(unknown, s.name)
		}
		many = append(many, s.many()...)
	}
	say := func(format string, args ...any) { m.remarks = append(m.remarks, fmt.Sprintf(format, args...)) }
	if len(unknown) > 0 {
		slices.Sort(unknown)
		say("Of some of these calls, arguments are not known, and what is not known limits nothing: %s.", strings.Join(unknown, ", "))
	}
	if len(many) > 0 {
		slices.Sort(many)
		say("%s: more different values than are kept, so any value is allowed.", strings.Join(slices.Compact(many), ", "))
	}
	if len(nameless) > 0 {
		say("These numbers have no name in secgen's tables, and are allowed whatever their arguments: %s.", strings.Join(nameless, ", "))
	}
	for _, name := range []string{"open", "openat"} {
		if s := find(calls, name); s != nil && s.writes() {
			say("%s may open any file to write that the program's user may, for a filter cannot see paths: if the files are few, decide which process opens them.", name)
		}
	}
	if s := find(calls, "openat2"); s != nil {
		say("openat2 is allowed with all flags, for they are in memory, where no filter sees them: answer it with ENOSYS if the program falls back to openat.")
	}
	if find(calls, "execve") == nil {
		say("execve was not seen: a filter that is there before the program, as with secgen run, has to allow it.")
	}
	for _, name := range []string{"execve", "execveat"} {
		if s := find(calls, name); s != nil && (s.count != 1 || name != "execve") {
			say("%s is allowed, %s: what is executed runs under the same filter, and any program can be.", name, Times(s.count, "call"))
		}
	}
	for _, name := range []string{"mmap", "mmap2", "mprotect", "pkey_mprotect"} {
		const both = 2 | protExec // PROT_WRITE
		if s := find(calls, name); s != nil && s.any("prot", func(v uint64) bool { return v&both == both }) {
			say("%s made memory writable and executable at once: a program that compiles at run time needs that, and whoever takes over another uses it.", name)
		}
	}
	if s := find(calls, "clone"); s != nil { // clone3's are among them
		const setTID, clearTID = 0x100000, 0x200000
		if s.any("flags", isGoThread) {
			say("Threads were made as Go's runtime makes them, so the rules begin with group.GoRuntime, for it needs more than a run shows. group.GoNet and group.GoExec have the like for packages net and os/exec.")
		}
		if s.any("flags", func(v uint64) bool { return v&setTID != 0 && v&clearTID != 0 && isGoThread(v&^(setTID|clearTID)) }) {
			say("Threads were made as glibc makes them: group.GlibcThreads has what they may need beyond this run.")
		}
	}
	if s := find(calls, "clone3"); s != nil {
		if s.any("flags", func(v uint64) bool { return v>>33 != 0 }) { // CLONE_CLEAR_SIGHAND is bit 32, and libcs do without
			say("clone3 was called with flags that clone does not have: see whether the program does without.")
		}
		if clone := find(calls, "clone"); clone != nil && clone.unknown() {
			say("The flags of clone3 are not known, so clone, which is made instead, is allowed with all flags.")
		}
	}
}

// unknown reports whether values of an argument are missing that would limit the call.
func (s *seen) unknown() bool {
	return slices.ContainsFunc(s.uses, func(u use) bool {
		return slices.ContainsFunc(u.arch.Args(s.name), func(arg abi.Arg) bool {
			return limits(s.name, arg) && u.call.Args[arg.Name].Noted() < u.call.Count
		})
	})
}

// many are the arguments that would limit the call, had they not too many values.
func (s *seen) many() []string {
	var list []string
	for _, u := range s.uses {
		for _, arg := range u.arch.Args(s.name) {
			if !limits(s.name, arg) {
				continue
			}
			keys, often := []string{arg.Name}, made
			if hasDomain(s.name) && u.call.Args["domain"].Seen != nil && arg.Name != "domain" {
				keys, often = nil, func(*Call) uint64 { return 1 }
				for domain := range u.call.Args["domain"].Seen {
					keys = append(keys, with(arg.Name, domainName(u.arch, domain)))
				}
			}
			for _, key := range keys {
				if a, ok := s.argument(u.arch, arg, key, often); ok && a.times == nil && a.cond() == nil {
					list = append(list, s.name+"."+arg.Name)
				}
			}
		}
	}
	return list
}

// writes reports whether files may be opened for more than reading.
func (s *seen) writes() bool {
	return s.unknown() || s.any("flags", func(v uint64) bool { return v&3 != 0 }) // O_ACCMODE
}

// any reports whether an argument had a value of which something holds, as far as its
// values are known.
func (s *seen) any(arg string, holds func(uint64) bool) bool {
	return slices.ContainsFunc(s.uses, func(u use) bool {
		v := u.call.Args[arg]
		for value := range v.Seen {
			if holds(value) {
				return true
			}
		}
		return v.Seen == nil && v.Times > 0 && holds(v.Any)
	})
}
