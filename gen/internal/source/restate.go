// Package source writes policies as the Go source that an author would write.
package source

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// Rule is a rule with what is said about it.
type Rule struct {
	dsl.Rule
	Comments []string // above it, a line each
	Remark   string   // behind it
	Remarks  []string // behind each of the calls, which are then a line each; empty: none
	Twins    bool     // the calls stand in dsl.Twins, which adds their other forms
	Close    bool     // no empty line is before it
}

// Meant is the rule with the forms of its calls that Twins adds.
func (r Rule) Meant() dsl.Rule {
	rule := r.Rule
	if !r.Twins {
		return rule
	}
	rule.Calls = nil
	for _, t := range r.Calls {
		for _, form := range append([]dsl.Target{t}, t.Twins()...) {
			if !slices.Contains(rule.Calls, form) {
				rule.Calls = append(rule.Calls, form)
			}
		}
	}
	return rule
}

// Restate says what a policy says as an author would: each call that is decided
// whatever its arguments once, with others of the same action, then the rest in
// its order, with names of arguments, constants and errnos where they mean the
// same. In the policy, rules without conditions come first, calls and conditions
// are by package oci. Comments are those of the policy's rules.
func Restate(p *dsl.Policy, comments []string) (*dsl.Policy, []Rule) {
	r := restating{arches: p.Arches, decided: map[string][]dsl.Arch{}}
	for i, rule := range p.Rules {
		rule.Action = nameErrno(rule.Action, lookup(orAll(rule.Arches, p.Arches)))
		if len(rule.Conds) == 0 {
			r.plain(rule, comments[i])
		} else {
			r.conditional(rule, comments[i])
		}
	}
	slices.SortStableFunc(r.groups, func(a, b Rule) int { return cmp.Compare(len(a.Arches), len(b.Arches)) })
	var rules []Rule
	for _, rule := range slices.Concat(r.groups, r.rest) {
		rule.name(p.Arches)
		if n := len(rules); n > 0 && rules[n-1].sameElsewhere(rule) {
			rules[n-1] = r.unite(rules[n-1], rule)
			continue
		}
		rules = append(rules, rule)
	}
	restated := *p
	restated.Default = nameErrno(p.Default, lookup(p.Arches))
	restated.Rules = nil
	for _, rule := range rules {
		restated.Rules = append(restated.Rules, rule.Rule)
	}
	return &restated, rules
}

type restating struct {
	arches  []dsl.Arch
	decided map[string][]dsl.Arch // calls by rules without conditions
	groups  []Rule                // rules without conditions, by action and architectures
	rest    []Rule
}

// plain adds the calls of a rule to the groups that they belong to.
func (r *restating) plain(rule dsl.Rule, comment string) {
	for _, call := range rule.Calls {
		on := r.undecided(call, rule.Arches)
		if len(on) == 0 {
			continue
		}
		r.decided[call.Name] = append(r.decided[call.Name], on...)
		if len(on) == len(having(r.arches, call)) && r.everywhere(call, rule.Arches) {
			on = nil
		}
		i := slices.IndexFunc(r.groups, func(g Rule) bool { return g.Action == rule.Action && slices.Equal(g.Arches, on) })
		if i < 0 {
			i = len(r.groups)
			r.groups = append(r.groups, Rule{Rule: dsl.Rule{Action: rule.Action, Arches: on}})
		}
		g := &r.groups[i]
		g.Calls = append(g.Calls, call)
		slices.SortFunc(g.Calls, func(a, b dsl.Target) int { return cmp.Compare(goName(a.Name), goName(b.Name)) })
		if comment != "" && !slices.Contains(g.Comments, comment) {
			g.Comments = append(g.Comments, comment)
		}
	}
}

// conditional adds a rule for those of its calls that are not decided yet, or its
// values to the rule before.
func (r *restating) conditional(rule dsl.Rule, comment string) {
	var calls []dsl.Target
	var on []dsl.Arch
	everywhere := true
	for _, call := range rule.Calls {
		own := r.undecided(call, rule.Arches)
		if len(own) == 0 {
			continue
		}
		calls = append(calls, call)
		on = append(on, own...)
		everywhere = everywhere && len(r.undecided(call, nil)) == len(own) && r.everywhere(call, rule.Arches)
	}
	if len(calls) == 0 {
		return
	}
	next := Rule{Rule: dsl.Rule{Action: rule.Action, Calls: calls, Conds: rule.Conds}}
	if !everywhere {
		next.Arches = slices.DeleteFunc(slices.Clone(r.arches), func(a dsl.Arch) bool { return !slices.Contains(on, a) })
	}
	if comment != "" {
		next.Comments = []string{comment}
	}
	if slices.ContainsFunc(r.rest, func(old Rule) bool { return reflect.DeepEqual(old.Rule, next.Rule) }) {
		return
	}
	if len(r.rest) == 0 || !r.rest[len(r.rest)-1].join(next) {
		r.rest = append(r.rest, next)
	}
}

// undecided are the architectures, of all if none are given, that have a call and
// no rule without conditions for it.
func (r *restating) undecided(call dsl.Target, of []dsl.Arch) []dsl.Arch {
	return slices.DeleteFunc(having(orAll(of, r.arches), call), func(a dsl.Arch) bool { return slices.Contains(r.decided[call.Name], a) })
}

// everywhere reports whether a rule for some architectures, or for all if none are
// given, is for all on which the call can be made: where socketcall or ipc makes it,
// a rule on it is one on them.
func (r *restating) everywhere(call dsl.Target, some []dsl.Arch) bool {
	return !slices.ContainsFunc(r.arches, func(a dsl.Arch) bool {
		return abi.Lookup(string(a)).Makes(call.Name) && !slices.Contains(orAll(some, r.arches), a)
	})
}

func orAll(some, all []dsl.Arch) []dsl.Arch {
	if len(some) > 0 {
		return some
	}
	return all
}

func having(arches []dsl.Arch, call dsl.Target) []dsl.Arch {
	return slices.DeleteFunc(slices.Clone(arches), func(a dsl.Arch) bool {
		_, ok := abi.Lookup(string(a)).Number(call.Name)
		return !ok
	})
}

// join adds the values that another rule compares the same argument with, if that
// is all in which they differ.
func (r *Rule) join(next Rule) bool {
	if r.Action != next.Action || !slices.Equal(r.Calls, next.Calls) || !slices.Equal(r.Arches, next.Arches) ||
		len(r.Conds) != 1 || len(next.Conds) != 1 || len(next.Comments) > 0 {
		return false
	}
	a, b := r.Conds[0], next.Conds[0]
	if a.Op != dsl.OpIn || b.Op != dsl.OpIn || a.Arg != b.Arg || !slices.Equal(a.Mask, b.Mask) {
		return false
	}
	for _, v := range b.Values {
		if !slices.Contains(a.Values, v) {
			a.Values = append(slices.Clone(a.Values), v)
		}
	}
	r.Conds = []dsl.Cond{a}
	return true
}

// sameElsewhere reports whether two rules differ in their architectures alone.
func (r Rule) sameElsewhere(next Rule) bool {
	a, b := r.Rule, next.Rule
	a.Arches, b.Arches = nil, nil
	return reflect.DeepEqual(a, b)
}

// unite makes one rule of two that differ in their architectures alone.
func (r *restating) unite(a, b Rule) Rule {
	lacks := func(arch dsl.Arch) bool { return !slices.Contains(a.Arches, arch) && !slices.Contains(b.Arches, arch) }
	both := slices.DeleteFunc(slices.Clone(r.arches), lacks)
	everywhere := len(a.Arches) == 0 || len(b.Arches) == 0 ||
		!slices.ContainsFunc(a.Calls, func(c dsl.Target) bool { return !r.everywhere(c, both) })
	a.Arches = both
	if everywhere {
		a.Arches = nil
	}
	for _, c := range b.Comments {
		if !slices.Contains(a.Comments, c) {
			a.Comments = append(a.Comments, c)
		}
	}
	return a
}

// name puts names for the numbers of a rule, and says what its registers are.
func (r *Rule) name(arches []dsl.Arch) {
	arches = orAll(r.Arches, arches)
	conds := make([]dsl.Cond, len(r.Conds))
	var registers, numbers []string
	for i, c := range r.Conds {
		o, known := operandOf(c, r.Calls, lookup(arches))
		if !known {
			conds[i] = c
			continue
		}
		conds[i] = o.cond(c)
		if remark := o.remark(conds[i]); remark != "" && !slices.Contains(registers, remark) {
			registers = append(registers, remark)
		}
		numbers = append(numbers, o.spelled(conds[i])...)
	}
	r.Conds = conds
	if len(registers) > 0 {
		r.Comments = append(r.Comments, strings.Join(registers, ", ")+".")
	}
	r.Comments = append(r.Comments, numbers...)
}

func lookup(arches []dsl.Arch) []*abi.Arch {
	list := make([]*abi.Arch, len(arches))
	for i, a := range arches {
		list[i] = abi.Lookup(string(a))
	}
	return list
}

// nameErrno names an errno that has one number on all the architectures.
func nameErrno(a dsl.Action, arches []*abi.Arch) dsl.Action {
	if a.Kind != dsl.KindErrnoNumber {
		return a
	}
	name := abi.ErrnoName(arches[0], a.Data)
	for _, arch := range arches {
		if n, ok := arch.Errno(name); !ok || n != a.Data {
			return a
		}
	}
	return dsl.Errno(dsl.ErrnoName(name))
}

// remark says what a register is that is still compared as one.
func (o operand) remark(c dsl.Cond) string {
	register := fmt.Sprintf("dsl.Raw(%s) is %s", c.Arg, o.arg.Name)
	switch {
	case c.Call != "":
		return ""
	case o.arg.Pointer:
		return register + " (a pointer)"
	case !o.whole():
		return fmt.Sprintf("%s (%d bits to the kernel)", register, o.arg.Bits)
	case o.arg.Signed:
		return register + " (without its sign)"
	}
	return register
}

// spelled tells what the numbers of a condition are made of.
func (o operand) spelled(c dsl.Cond) []string {
	var lines []string
	for _, l := range c.Values {
		if l.Name != "" {
			continue
		}
		text, _ := o.names().Value(number(l))
		if parts := strings.Split(text, "|"); len(parts) > 1 && o.mean(number(l), true, parts...) {
			lines = append(lines, fmt.Sprintf("%s is %s.", figure(c, number(l)), strings.Join(parts, " | ")))
		}
	}
	return lines
}
