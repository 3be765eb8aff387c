package profile

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/group"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/source"
)

// needed are calls that a run may not show, each with the reason.
var needed = []struct{ call, why string }{
	{"restart_syscall", "a thread that slept makes it after a stop (SIGSTOP, a debugger)"},
	{"exit", "counts and logs lose calls that do not return"},
	{"exit_group", "counts and logs lose calls that do not return"},
	{"rt_sigreturn", "the end of a signal's handler"},
	{"sigreturn", "the same, in 32-bit programs"},
	{"clock_gettime", "mostly answered without a call, but not on every clock source"},
	{"clock_getres", "mostly answered without a call, but not on every clock source"},
	{"gettimeofday", "mostly answered without a call, but not on every clock source"},
	{"time", "mostly answered without a call, but not on every clock source"},
	{"getcpu", "mostly answered without a call, but not on every clock source"},
}

// runtime is the variable of package group with what the runtime that the calls show
// needs, and its rules; it is empty where none is known.
func (m *maker) runtime(calls []*seen) (name string, rules []source.Rule) {
	clone := find(calls, "clone")
	if clone == nil || !clone.any("flags", isGoThread) {
		return "", nil
	}
	for _, r := range group.GoRuntime {
		if covers(r.Arches, m.arches) {
			r.Arches = nil // all of the policy's
		}
		rules = append(rules, source.Rule{Rule: r})
	}
	return "GoRuntime", rules
}

// isGoThread reports whether the Go runtime makes threads with these flags of clone.
func isGoThread(flags uint64) bool {
	const without = 0x50f00 // CLONE_VM, FS, FILES, SIGHAND, THREAD and SYSVSEM
	const settls = 0x80000
	return flags&^settls == without
}

// unseen allows what a run may not show, on the ABIs on which it did not, if the rules
// before do not.
func (m *maker) unseen(calls []*seen, before []source.Rule) []source.Rule {
	var rules []source.Rule
	last := map[int]string{} // the reason of a rule's last call
	for _, n := range needed {
		if slices.ContainsFunc(before, func(r source.Rule) bool {
			return len(r.Conds) == 0 && len(r.Arches) == 0 && slices.Contains(r.Calls, dsl.Target{Name: n.call})
		}) {
			continue
		}
		on, everywhere := m.lacking(n.call, find(calls, n.call))
		if len(on) == 0 {
			continue
		}
		if everywhere {
			on = nil
		}
		i := slices.IndexFunc(rules, func(r source.Rule) bool { return slices.Equal(r.Arches, on) })
		if i < 0 {
			i = len(rules)
			rules = append(rules, source.Rule{Rule: dsl.Rule{Action: dsl.Allow, Arches: on}, Twins: m.twins, Close: i > 0})
		}
		rules[i].Calls = append(rules[i].Calls, dsl.Target{Name: n.call})
		why := n.why
		if last[i] == why {
			why = "likewise"
		}
		last[i] = n.why
		rules[i].Remarks = append(rules[i].Remarks, why)
	}
	if len(rules) > 0 {
		rules[0].Comments = []string{"Not seen, and needed all the same."}
	}
	return rules
}

// lacking are the ABIs that have a call and on which it was not seen, and whether
// those are all that have it.
func (m *maker) lacking(call string, s *seen) (on []dsl.Arch, all bool) {
	all = true
	for _, arch := range m.abis {
		if _, ok := arch.Number(call); !ok {
			continue
		}
		if s != nil && slices.ContainsFunc(s.uses, func(u use) bool { return u.arch == arch }) {
			all = false
			continue
		}
		on = append(on, dsl.Arch(arch.Name))
	}
	return on, all
}

// fallback keeps libcs that try clone3 from failing where others that were seen do
// not.
func (m *maker) fallback(calls, all []*seen) []source.Rule {
	makes := slices.ContainsFunc([]string{"clone", "vfork", "fork"}, func(name string) bool { return find(calls, name) != nil })
	if !makes || !m.exists("clone3") || find(all, "clone3") != nil {
		return nil
	}
	return m.rules(&seen{name: "clone3"})
}

// installer allows the calls by which Serve is put on top, by the program or by who
// attaches it, as far as the program does not make them in one of the stages, and the
// rules before do not allow them plainly.
func (m *maker) installer(before []source.Rule, stages ...[]*seen) []source.Rule {
	seenWith := func(name string, args map[string]uint64) bool {
		return slices.ContainsFunc(stages, func(calls []*seen) bool {
			s := find(calls, name)
			return s != nil && !slices.ContainsFunc(m.abis, func(arch *abi.Arch) bool { return !s.with(arch, args) })
		})
	}
	var rules []source.Rule
	add := func(calls dsl.Call, conds ...dsl.Cond) {
		r := dsl.Allow.For(calls)
		r.Conds, r.Made = conds, nil
		rules = append(rules, source.Rule{Rule: r, Close: true})
	}
	if !seenWith("prctl", map[string]uint64{"option": 38}) { // PR_SET_NO_NEW_PRIVS
		add(sys.Prctl, sys.Prctl.Option.Eq(linux.PR_SET_NO_NEW_PRIVS))
	}
	if !seenWith("seccomp", map[string]uint64{"operation": 1, "flags": 1}) || !seenWith("seccomp", map[string]uint64{"operation": 2, "flags": 0}) {
		add(sys.Seccomp, sys.Seccomp.Operation.Eq(linux.SECCOMP_SET_MODE_FILTER), sys.Seccomp.Flags.Only(linux.SECCOMP_FILTER_FLAG_TSYNC))
		add(sys.Seccomp, sys.Seccomp.Operation.Eq(linux.SECCOMP_GET_ACTION_AVAIL))
	}
	attached := slices.DeleteFunc(slices.Clone(m.arches), func(a dsl.Arch) bool { return a != dsl.AMD64 && a != dsl.ARM64 })
	if own := len(rules); len(attached) > 0 {
		if !seenWith("mmap", map[string]uint64{"prot": 3, "flags": 0x22}) {
			add(sys.Mmap, sys.Mmap.Prot.Only(linux.PROT_READ, linux.PROT_WRITE), sys.Mmap.Flags.Only(linux.MAP_PRIVATE, linux.MAP_ANONYMOUS))
		}
		plain := func(r source.Rule) bool {
			return len(r.Conds) == 0 && len(r.Arches) == 0 && names([]source.Rule{r}, "munmap")
		}
		if !seenWith("munmap", nil) && !slices.ContainsFunc(before, plain) {
			add(sys.Munmap)
		}
		for i := range rules[own:] {
			if len(attached) < len(m.arches) {
				rules[own+i].Arches = attached
			}
		}
	}
	if len(rules) > 0 {
		rules[0].Close = false
		rules[0].Comments = []string{"Serve is put on top by these calls, by the program or by secgen attach. A filter can only take\naway; a listener could give."}
	}
	return rules
}

// with reports whether the call was made with each of these values, or is not limited
// by them.
func (s *seen) with(arch *abi.Arch, args map[string]uint64) bool {
	if _, ok := arch.Number(s.name); ok && s.on([]dsl.Arch{dsl.Arch(arch.Name)}) == 0 {
		return false
	}
	for name, v := range args {
		arg, ok := argOf(arch, s.name, name)
		if !ok {
			continue
		}
		if a, ok := s.argument(arch, arg, name, made); ok && (a.times == nil || a.times[v] == 0) {
			return false
		}
	}
	return true
}
