package main

import (
	"golang.org/x/net/bpf"
	"gvisor.dev/gvisor/pkg/seccomp"
)

// gvisor makes a rule set for each action, the errnos first.
func gvisor(p Policy) (Program, error) {
	allow, deny := seccomp.NewSyscallRules(), map[uint16]seccomp.SyscallRules{}
	for _, r := range p.Rules {
		set := allow
		if r.value() != allowed {
			if deny[r.Errno].Size() == 0 {
				deny[r.Errno] = seccomp.NewSyscallRules()
			}
			set = deny[r.Errno]
		}
		for _, name := range r.Names {
			addGVisor(set, uintptr(number(name)), r.Args)
		}
	}
	var sets []seccomp.RuleSet
	for number, rules := range deny {
		sets = append(sets, seccomp.RuleSet{Rules: rules, Action: seccomp.ReturnError.Code(number)})
	}
	program := seccomp.Program{
		RuleSets: append(sets, seccomp.RuleSet{Rules: allow, Action: seccomp.Allow}),
		Options:  seccomp.ProgramOptions{DefaultAction: gvisorAction(p), BadArchAction: seccomp.KillProcess},
	}
	insns, _, err := program.Build()
	var out Program
	for _, i := range insns {
		out = append(out, bpf.RawInstruction{Op: i.OpCode, Jt: i.JumpIfTrue, Jf: i.JumpIfFalse, K: i.K})
	}
	return out, err
}

func gvisorAction(p Policy) seccomp.Action {
	switch p.value() {
	case allowed:
		return seccomp.Allow
	case killProcess:
		return seccomp.KillProcess
	}
	return seccomp.ReturnError.Code(p.Errno)
}

// addGVisor joins the alternatives of a call into one Or, which gVisor's
// optimiser then takes apart.
func addGVisor(set seccomp.SyscallRules, nr uintptr, args []Condition) {
	if len(args) == 0 {
		set.Set(nr, seccomp.MatchAll{})
		return
	}
	var rule seccomp.PerArg
	for _, a := range args {
		v := uintptr(a.Value)
		switch a.Op {
		case "SCMP_CMP_EQ":
			rule[a.Index] = seccomp.EqualTo(v)
		case "SCMP_CMP_LT":
			rule[a.Index] = seccomp.LessThan(v)
		case "SCMP_CMP_GT":
			rule[a.Index] = seccomp.GreaterThan(v)
		case "SCMP_CMP_MASKED_EQ":
			rule[a.Index] = seccomp.MaskedEqual(v, uintptr(a.ValueTwo))
		}
	}
	before, _ := set.Get(nr).(seccomp.Or)
	if before != nil {
		set.Remove(nr)
	}
	set.Set(nr, append(before, rule))
}
