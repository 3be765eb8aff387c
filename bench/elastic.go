package main

import (
	"fmt"

	"github.com/elastic/go-seccomp-bpf"
	"golang.org/x/net/bpf"
)

// elastic makes a group for each action. What happens to another architecture's
// calls (the default) and to x32's (ENOSYS) is not to be chosen.
func elastic(p Policy) (Program, error) {
	policy := seccomp.Policy{DefaultAction: seccomp.Action(p.value())}
	if p.value() == errno|1 {
		policy.DefaultAction = seccomp.ActionErrno // always EPERM
	} else if p.value()&^0xffff == errno {
		return nil, fmt.Errorf("%w: a default errno other than EPERM", errInexpressible)
	}
	groups := map[seccomp.Action]int{}
	for _, r := range p.Rules {
		action := seccomp.Action(r.value())
		i, ok := groups[action]
		if !ok {
			i = len(policy.Syscalls)
			groups[action] = i
			policy.Syscalls = append(policy.Syscalls, seccomp.SyscallGroup{Action: action})
		}
		group := &policy.Syscalls[i]
		if len(r.Args) == 0 {
			group.Names = append(group.Names, r.Names...)
			continue
		}
		conditions, err := elasticConditions(r.Args)
		if err != nil {
			return nil, err
		}
		for _, name := range r.Names {
			group.NamesWithCondtions = append(group.NamesWithCondtions, seccomp.NameWithConditions{Name: name, Conditions: conditions})
		}
	}
	insns, err := policy.Assemble()
	if err != nil {
		return nil, err
	}
	return bpf.Assemble(insns)
}

func elasticConditions(args []Condition) (seccomp.ArgumentConditions, error) {
	operations := map[string]seccomp.Operation{
		"SCMP_CMP_EQ": seccomp.Equal, "SCMP_CMP_LT": seccomp.LessThan, "SCMP_CMP_GT": seccomp.GreaterThan,
		"SCMP_CMP_MASKED_EQ": seccomp.BitsNotSet,
	}
	var list seccomp.ArgumentConditions
	for _, a := range args {
		if a.ValueTwo != 0 {
			return nil, fmt.Errorf("%w: bits under a mask that are not all 0", errInexpressible)
		}
		list = append(list, seccomp.Condition{Argument: uint32(a.Index), Operation: operations[a.Op], Value: a.Value})
	}
	return list, nil
}
