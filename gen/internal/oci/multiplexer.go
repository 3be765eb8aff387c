package oci

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// multiplexed are the rules on socketcall and ipc that libseccomp adds where a rule
// names calls that these make (src/syscalls.c, abi_rule_add): their first argument
// must be the call, whatever the rule says of it, and the others what it says.
func multiplexed(rule dsl.Rule, names []string, on []dsl.Arch) []dsl.Rule {
	var rules []dsl.Rule
	for _, m := range abi.Multiplexers {
		having := slices.DeleteFunc(slices.Clone(on), func(a dsl.Arch) bool { return !has(a, m.Name) })
		var codes []dsl.Value
		for _, name := range names {
			if code, ok := m.Calls[name]; ok {
				codes = append(codes, dsl.Int(code))
			}
		}
		if len(having) == 0 || len(codes) == 0 {
			continue
		}
		added := rule
		added.Calls, added.Arches = []dsl.Target{{Name: m.Name}}, having
		added.Conds = []dsl.Cond{dsl.Raw(0).In(codes...)}
		for _, c := range rule.Conds {
			if !about(c, dsl.Raw(0)) {
				added.Conds = append(added.Conds, c)
			}
		}
		rules = append(rules, added)
	}
	return rules
}

// about reports whether a condition that arg.cond made is on the argument.
func about(c dsl.Cond, a dsl.Arg) bool {
	if len(c.Conds) > 0 {
		return about(c.Conds[0], a)
	}
	return c.Arg == a.Name
}

// undecided are those of the rules that multiplexed gave which matter: one for each
// meaning, for the architectures on which no rule without conditions is before them,
// and those with fewer conditions first, as in libseccomp.
func undecided(multiplexed, plain []dsl.Rule, arches []dsl.Arch) []dsl.Rule {
	var rules []dsl.Rule
	for _, rule := range multiplexed {
		rule.Arches = slices.DeleteFunc(rule.Arches, func(a dsl.Arch) bool {
			return slices.ContainsFunc(plain, func(p dsl.Rule) bool {
				return slices.Contains(p.Calls, rule.Calls[0]) && (len(p.Arches) == 0 || slices.Contains(p.Arches, a))
			})
		})
		switch same := func(r dsl.Rule) bool { r.Made = rule.Made; return reflect.DeepEqual(r, rule) }; {
		case len(rule.Arches) == 0 || slices.ContainsFunc(rules, same):
			continue
		case len(rule.Arches) == len(arches):
			rule.Arches = nil
		}
		rules = append(rules, rule)
	}
	slices.SortStableFunc(rules, func(a, b dsl.Rule) int { return cmp.Compare(len(a.Conds), len(b.Conds)) })
	return rules
}

func has(a dsl.Arch, call string) bool {
	_, ok := abi.Lookup(string(a)).Number(call)
	return ok
}
