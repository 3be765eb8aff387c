package oci

import (
	"errors"
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
)

type rule struct {
	Name               string
	Names              []string
	Action             string
	ErrnoRet           *uint16
	Errno              string // by name, as in Podman's
	Args               []arg
	Comment            string
	Includes, Excludes terms

	made []dsl.Frame
}

type arg struct {
	Index           int
	Value, ValueTwo uint64
	Op              string
}

// rules are the rules that a rule of the profile stands for: none where it does
// not apply, and several where one argument has several conditions, of which any
// will do (libcontainer/seccomp of runc: each becomes a rule of its own). Those
// on multiplexers come apart.
func (r *rule) rules(o Options, owns []own) (rules, muxed []dsl.Rule, err error) {
	a, err := action(r.Action, r.ErrnoRet, r.Errno)
	if err != nil {
		return nil, nil, err
	}
	names := r.Names
	if r.Name != "" {
		names = append(slices.Clone(names), r.Name)
	}
	if len(names) == 0 {
		return nil, nil, errors.New("names is empty: the rule is for no call")
	}
	var conds []dsl.Cond
	seen, repeated := [6]bool{}, false
	for i, a := range r.Args {
		c, err := a.cond()
		if err != nil {
			return nil, nil, fmt.Errorf("args[%d]: %w", i, err)
		}
		conds = append(conds, c)
		repeated = repeated || seen[a.Index]
		seen[a.Index] = true
	}

	var on []dsl.Arch
	for _, own := range owns {
		holds, err := r.applies(o, own.machine)
		if err != nil {
			return nil, nil, err
		}
		if holds {
			on = append(on, own.arch)
		}
	}
	rule := dsl.Rule{Action: a, Calls: calls(names, on), Conds: conds, Made: r.made}
	if len(on) < len(owns) {
		rule.Arches = on
	}
	alternatives := [][]dsl.Cond{conds}
	if repeated {
		alternatives = slices.Collect(slices.Chunk(conds, 1))
	}
	for _, rule.Conds = range alternatives {
		if len(rule.Calls) > 0 {
			rules = append(rules, rule)
		}
		muxed = append(muxed, multiplexed(rule, names, on)...)
	}
	return rules, muxed, nil
}

// calls are those of the names that some architecture has.
func calls(names []string, on []dsl.Arch) []dsl.Target {
	var known []dsl.Target
	for _, name := range names {
		if slices.ContainsFunc(on, func(a dsl.Arch) bool { return has(a, name) }) {
			known = append(known, dsl.Target{Name: name})
		}
	}
	return known
}

func (a arg) cond() (dsl.Cond, error) {
	if a.Index < 0 || a.Index > 5 {
		return dsl.Cond{}, fmt.Errorf("there is no argument %d: index goes from 0 to 5", a.Index)
	}
	raw, v := dsl.Raw(a.Index), dsl.Int(a.Value)
	switch a.Op {
	case "SCMP_CMP_EQ":
		return raw.Eq(v), nil
	case "SCMP_CMP_NE":
		return raw.Ne(v), nil
	case "SCMP_CMP_LT":
		return raw.Lt(v), nil
	case "SCMP_CMP_LE":
		return raw.Le(v), nil
	case "SCMP_CMP_GT":
		return raw.Gt(v), nil
	case "SCMP_CMP_GE":
		return raw.Ge(v), nil
	case "SCMP_CMP_MASKED_EQ":
		if a.Value == 0 { // holds always, and a mask of nothing is no mask in a policy
			return dsl.Any(raw.Eq(dsl.Int(0)), raw.Ne(dsl.Int(0))), nil
		}
		return raw.Masked(v).Eq(dsl.Int(a.ValueTwo & a.Value)), nil // libseccomp masks both
	}
	return dsl.Cond{}, fmt.Errorf("operator %q is not known; it is SCMP_CMP_ and EQ, NE, LT, LE, GT, GE or MASKED_EQ", a.Op)
}

// action is an action by its name, with an errno by number, by name, where the
// name decides, or neither.
func action(name string, errno *uint16, errnoName string) (dsl.Action, error) {
	data := uint16(1) // EPERM, where none is given
	if errno != nil {
		data = *errno
	}
	switch name {
	case "SCMP_ACT_ALLOW":
		return dsl.Allow, nil
	case "SCMP_ACT_LOG":
		return dsl.Log, nil
	case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD":
		return dsl.KillThread, nil
	case "SCMP_ACT_KILL_PROCESS":
		return dsl.KillProcess, nil
	case "SCMP_ACT_NOTIFY":
		return dsl.Notify, nil
	case "SCMP_ACT_TRAP":
		return dsl.Trap(0), nil
	case "SCMP_ACT_TRACE":
		return dsl.Trace(data), nil
	case "SCMP_ACT_ERRNO":
		if errnoName != "" {
			return dsl.Errno(dsl.ErrnoName(errnoName)), nil
		}
		return dsl.ErrnoNumber(data), nil
	case "":
		return dsl.Action{}, errors.New("no action is given")
	}
	return dsl.Action{}, fmt.Errorf("action %q is not known; it is SCMP_ACT_ and ALLOW, LOG, NOTIFY, TRACE, ERRNO, TRAP, KILL_THREAD or KILL_PROCESS", name)
}
