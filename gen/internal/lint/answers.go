package lint

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
)

// answers finds actions that do not do what they seem to.
func answers(v *view) []Finding {
	const ret = 0x06 // BPF_RET | BPF_K
	var found []Finding
	seen := map[string]bool{}
	for _, insn := range v.filter.Program {
		f := Finding{rule: noRule}
		var same func(a dsl.Action) bool
		switch data := insn.K & 0xffff; {
		case insn.Op != ret:
			continue
		case insn.K == 0 && !v.kills():
			if v.subject.Profile {
				continue // libseccomp's answer, which no profile changes
			}
			f.Severity, f.Rule = Note, "kill-thread"
			f.Why = "a call through another architecture's numbers kills one thread and leaves the rest of the process running"
			f.Fix = "let BadArch be KillProcess"
			same = func(dsl.Action) bool { return false }
		case insn.K == 0:
			f.Severity, f.Rule = Warning, "kill-thread"
			f.Why = "kill thread leaves the rest of the process running: in a Go program a goroutine is stuck for ever, and if the runtime made the call, everything is"
			f.Fix = "use KillProcess"
			same = func(a dsl.Action) bool { return a.Kind == dsl.KindKillThread }
		case insn.K>>16 == 3:
			f.Severity, f.Rule = Note, "trap"
			f.Why = "a Go program cannot handle SIGSYS: its runtime prints a trace and exits, or dies without one where it blocks signals"
			f.Fix = "use KillProcess, or an errno"
			same = func(a dsl.Action) bool { return a.Kind == dsl.KindTrap }
		case isErrno(insn.K) && data == 0:
			f.Severity, f.Rule = Warning, "errno"
			f.Why = "errno 0 tells the caller that the call succeeded, though it was not executed"
			f.Fix = "use an errno from 1 to 4094, such as EPERM"
			same = func(a dsl.Action) bool { return a.Kind == dsl.KindErrnoNumber && a.Data == 0 }
		case isErrno(insn.K) && data > 4094:
			f.Severity, f.Rule = Error, "errno"
			f.Why = "the kernel cuts an errno to 4095 (MAX_ERRNO of linux/err.h), which Go's system calls on amd64, 386 and arm take for success"
			f.Fix = "use an errno from 1 to 4094, such as EPERM"
			same = func(a dsl.Action) bool { return a.Kind == dsl.KindErrnoNumber && a.Data > 4094 }
		default:
			continue
		}
		if seen[f.Why] {
			continue
		}
		seen[f.Why] = true
		if p := v.subject.Policy; p != nil {
			f.rule = slices.IndexFunc(p.Rules, func(r dsl.Rule) bool { return same(r.Action) })
		}
		found = append(found, f)
	}
	return found
}

// kills reports whether a call of the ABI kills the thread; among those without a
// name, only the next new one is asked about.
func (v *view) kills() bool {
	kill := func(ret uint32) bool { return ret == 0 }
	return slices.ContainsFunc(abi.Calls(), func(call string) bool { return v.some(call, kill) }) ||
		slices.ContainsFunc(v.at(v.newest()+1), func(r meaning.Region) bool { return kill(r.Answers[0]) })
}

// denyList finds filters that let calls happen which came after them.
func denyList(v *view) []Finding {
	if !v.denies() {
		return nil
	}
	return []Finding{{Severity: Warning, Rule: "deny-list", rule: noRule,
		Why: "calls that are newer than the list happen, whatever they do (CVE-2021-41133: the newer mount calls and clone3)",
		Fix: "allow what is needed rather than deny what is known" + v.fix(", or set Newer to answer newer calls with ENOSYS", "")}}
}

// foreign finds filters that let calls of another ABI happen, which have other
// numbers for the same calls.
func foreign(v *view) []Finding {
	var found []Finding
	if v.arch != v.filter.Arches[0] {
		return nil // once a filter
	}
	const unknown = 0xdead // no AUDIT_ARCH_* value
	for _, call := range abi.Calls() {
		nr, ok := v.arch.Number(call)
		if ok && v.happensAt(unknown, nr) {
			return []Finding{{Severity: Error, Rule: "foreign-abi", rule: noRule,
				Why: "calls through an architecture that the filter does not know happen: the numbers mean other calls there (Documentation/userspace-api/seccomp_filter.rst, Pitfalls)",
				Fix: "check the architecture first and kill what is unknown; a policy does so unless BadArch says otherwise"}}
		}
	}
	for _, other := range abi.Arches() {
		if other.Family != v.arch.Family || slices.Contains(v.filter.Arches, other) {
			continue
		}
		some, all := false, true
		for _, call := range abi.Calls() {
			nr, ok := other.Number(call)
			if !ok {
				continue
			}
			if v.happensAt(other.Audit, nr) {
				some = true
			} else {
				all = false
			}
		}
		f := Finding{Rule: "foreign-abi", rule: noRule, Fix: "kill or deny the calls of ABIs that the program does not use"}
		switch {
		case all:
			f.Severity, f.Why = Error, fmt.Sprintf("all calls through %s happen, which the same kernel may serve: whatever is denied can be done that way", other.Name)
		case some:
			f.Severity, f.Why = Note, fmt.Sprintf("some calls through %s happen too, and were not looked at: lint the filter for that ABI as well", other.Name)
		default:
			continue
		}
		found = append(found, f)
	}
	return found
}

// happensAt reports whether a call can happen through any ABI.
func (v *view) happensAt(audit, nr uint32) bool {
	regions, err := v.space.Regions(v.space.At(v.f, audit, nr))
	if err != nil && v.err == nil {
		v.err = err
	}
	return slices.ContainsFunc(regions, func(r meaning.Region) bool { return kernel.Happens(r.Answers[0]) })
}

// stage finds stages that can be installed on one thread alone. Those that cannot be
// installed at all are no filters: gen.Compile refuses them.
func stage(v *view) []Finding {
	const setModeFilter, tsync = 1, 1 // linux/seccomp.h
	for _, f := range v.subject.Earlier {
		if !slices.Contains(f.Arches, v.arch) {
			continue
		}
		before, err := newView(v.subject, f, v.arch)
		if err != nil {
			v.err = err
			return nil
		}
		all := before.mayWith("seccomp", want{0, setModeFilter}, want{1, uint64(v.subject.Policy.Flags) | tsync})
		if before.err != nil {
			v.err = before.err
			return nil
		}
		if !all {
			return []Finding{{Severity: Warning, Rule: "stage", Calls: []string{"seccomp"}, rule: noRule,
				Why: "a stage before it (After) denies seccomp with SECCOMP_FILTER_FLAG_TSYNC: InstallThread can install this one on top of it, Install cannot",
				Fix: "let the stage before allow the flag, or install this one on each thread"}}
		}
	}
	return nil
}
