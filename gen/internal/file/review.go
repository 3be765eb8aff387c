package file

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// review is the policy as lines to read: first what calls get whatever their
// arguments, an action a paragraph, then the calls with conditions, each with
// all its rules in order, then everything else.
func review(p *dsl.Policy) []string {
	r := reviewer{policy: p, rules: map[string][]verdict{}}
	for _, rule := range p.Rules {
		r.add(rule)
	}
	rows := slices.Concat(r.plain(), r.conditional(), r.multiplexers(), r.rest())
	actionWidth, width := 0, 0
	for _, row := range rows {
		actionWidth = max(actionWidth, len(row.action))
		if row.when != "" {
			width = max(width, len(row.calls))
		}
	}
	var lines []string
	for _, row := range rows {
		if row.when == "" {
			lines = append(lines, fmt.Sprintf("%-*s  %s", actionWidth, row.action, row.calls))
			continue
		}
		head := fmt.Sprintf("%-*s  %-*s  ", actionWidth, row.action, width, row.calls)
		for i, part := range wrap(strings.Fields(row.when), 80) {
			if i == 1 {
				head = strings.Repeat(" ", len(head)+len("if "))
			}
			lines = append(lines, head+part)
		}
	}
	return lines
}

// callsWidth is about how wide the names of calls before a condition may get.
const callsWidth = 24

// verdict is what one rule says of one call.
type verdict struct{ action, when string }

type row struct{ action, calls, when string }

type reviewer struct {
	policy *dsl.Policy
	calls  []string // in order of first appearance
	rules  map[string][]verdict
}

func (r *reviewer) add(rule dsl.Rule) {
	v := verdict{action: actionText(rule.Action)}
	var own []dsl.Arch // of the policy's
	for _, a := range r.policy.Arches {
		if len(rule.Arches) == 0 || slices.Contains(rule.Arches, a) {
			own = append(own, a)
		}
	}
	if len(own) < len(r.policy.Arches) {
		v.when = "on " + archList(own)
	}
	if len(rule.Conds) > 0 {
		if v.when != "" {
			v.when += ": "
		}
		v.when += "if " + allText(rule.Conds)
	}
	for _, t := range rule.Calls {
		if nowhere(own, rule, t) {
			continue
		}
		name := t.String()
		if r.rules[name] == nil {
			r.calls = append(r.calls, name)
		}
		if slices.ContainsFunc(r.rules[name], func(v verdict) bool { return v.when == "" || v.when == "otherwise" }) {
			continue // an earlier rule decides the call whatever its arguments
		}
		own := v
		if own.when == "" && len(r.rules[name]) > 0 {
			own.when = "otherwise"
		}
		if slices.Contains(r.rules[name], own) {
			continue
		}
		r.rules[name] = append(r.rules[name], own)
	}
}

// nowhere reports whether a call is a form that none of the ABIs has, each of which
// has another that the rule names.
func nowhere(arches []dsl.Arch, rule dsl.Rule, t dsl.Target) bool {
	return len(arches) > 0 && !slices.ContainsFunc(arches, func(name dsl.Arch) bool {
		arch := abi.Lookup(string(name))
		_, ok := arch.Number(t.Name)
		return ok || !table.HasTwin(arch, rule, t)
	})
}

// plain gives the calls with one rule and no condition, a row of names at a time.
func (r *reviewer) plain() []row {
	var actions []string
	byAction := map[string][]string{}
	for _, call := range r.calls {
		if vs := r.rules[call]; len(vs) == 1 && vs[0].when == "" {
			if byAction[vs[0].action] == nil {
				actions = append(actions, vs[0].action)
			}
			byAction[vs[0].action] = append(byAction[vs[0].action], call)
		}
	}
	var rows []row
	for _, action := range actions {
		names := byAction[action]
		slices.Sort(names)
		for _, line := range wrap(names, 80) {
			rows = append(rows, row{action, line, ""})
		}
	}
	return rows
}

// conditional gives the other calls; those with equal rules share rows.
func (r *reviewer) conditional() []row {
	var rows []row
	shown := map[string]bool{}
	for _, call := range r.calls {
		vs := r.rules[call]
		if shown[call] || len(vs) == 1 && vs[0].when == "" {
			continue
		}
		var same []string
		for _, other := range r.calls {
			if slices.Equal(r.rules[other], vs) {
				same = append(same, other)
				shown[other] = true
			}
		}
		slices.Sort(same)
		for _, v := range vs {
			lines := wrap(same, callsWidth)
			for _, line := range lines[:len(lines)-1] {
				rows = append(rows, row{v.action, line, ""})
			}
			rows = append(rows, row{v.action, lines[len(lines)-1], v.when})
		}
	}
	return rows
}

// multiplexers gives the calls that the policy answers since they make others.
func (r *reviewer) multiplexers() []row {
	var rows []row
	for _, m := range abi.Multiplexers {
		on := map[string][]dsl.Arch{} // by what is limited there
		var whys []string
		for _, name := range r.policy.Arches {
			limited := table.Limited(r.policy, abi.Lookup(string(name)), m)
			if len(limited) == 0 {
				continue
			}
			why := "since rules limit " + list(limited, "and") + ", which it makes too"
			if on[why] == nil {
				whys = append(whys, why)
			}
			on[why] = append(on[why], name)
		}
		for _, why := range whys {
			when := why
			if len(on[why]) < len(r.policy.Arches) {
				when = "on " + archList(on[why]) + ": " + why
			}
			rows = append(rows, row{actionText(dsl.Errno("ENOSYS")), m.Name, when})
		}
	}
	return rows
}

func (r *reviewer) rest() []row {
	var rows []row
	if n := r.policy.Newer; n.Than != nil {
		than := dsl.Allow.For(n.Than).Calls
		rows = append(rows, row{actionText(n.Action), fmt.Sprintf("calls newer than %s that no rule names on that architecture", than[0]), ""})
	}
	bad := dsl.KillProcess
	if r.policy.BadArch.Kind != "" {
		bad = r.policy.BadArch
	}
	foreign := "calls through another architecture's numbers"
	if bad == r.policy.Default {
		return append(rows, row{actionText(bad), "everything else, and " + foreign, ""})
	}
	return append(rows,
		row{actionText(r.policy.Default), "everything else", ""},
		row{actionText(bad), foreign, ""})
}

// wrap joins words to lines of about the width.
func wrap(words []string, width int) []string {
	var lines []string
	line := ""
	for _, w := range words {
		if line != "" && len(line)+1+len(w) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + w)
	}
	return append(lines, line)
}

func archList(arches []dsl.Arch) string {
	names := make([]string, len(arches))
	for i, a := range arches {
		names[i] = string(a)
	}
	return list(names, "and")
}

// list is "a", "a and b", "a, b and c".
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

func actionText(a dsl.Action) string {
	switch a.Kind {
	case dsl.KindErrno:
		return fmt.Sprintf("errno(%s)", a.Errno)
	case dsl.KindErrnoNumber:
		return fmt.Sprintf("errno(%d)", a.Data)
	case dsl.KindTrap, dsl.KindTrace:
		return fmt.Sprintf("%s(%d)", a.Kind, a.Data)
	}
	return string(a.Kind)
}

func allText(cs []dsl.Cond) string {
	var texts []string
	for i := 0; i < len(cs); i++ {
		if i+1 < len(cs) && exactly(cs[i], cs[i+1]) {
			texts = append(texts, cs[i].Arg+" is exactly "+strings.Join(valueTexts(cs[i].Values, hexadecimal), " | "))
			i++
			continue
		}
		texts = append(texts, condText(cs[i], len(cs) > 1))
	}
	return strings.Join(texts, " and ")
}

// exactly reports whether a and b together ask for certain flags and no others.
func exactly(a, b dsl.Cond) bool {
	return a.Op == dsl.OpHas && b.Op == dsl.OpOnly && a.Call == b.Call && a.Arg == b.Arg &&
		slices.Equal(a.Values, b.Values)
}

// condText is a condition in words, in parentheses where it is inner and its
// own words would run into its neighbours'.
func condText(c dsl.Cond, inner bool) string {
	arg := c.Arg
	if c.Call == "" {
		arg = "argument " + c.Arg
	}
	if len(c.Mask) > 0 {
		mask := strings.Join(valueTexts(c.Mask, hexadecimal), "|")
		arg += " & " + parens(mask, len(c.Mask) > 1)
	}
	values := valueTexts(c.Values, base(c))
	first := strings.Join(values[:min(1, len(values))], "")
	switch c.Op {
	case dsl.OpIn:
		if len(values) > 1 {
			return arg + " in {" + strings.Join(values, ", ") + "}"
		}
		return arg + " is " + first
	case dsl.OpNotIn:
		if len(values) == 1 {
			return arg + " is not " + first
		}
		return arg + " not in {" + strings.Join(values, ", ") + "}"
	case dsl.OpLt:
		return arg + " < " + first
	case dsl.OpLe:
		return arg + " <= " + first
	case dsl.OpGt:
		return arg + " > " + first
	case dsl.OpGe:
		return arg + " >= " + first
	case dsl.OpBetween:
		return arg + " is " + strings.Join(values, " to ")
	case dsl.OpHas:
		return arg + " has " + strings.Join(values, " | ")
	case dsl.OpLacks:
		if len(values) > 1 {
			return arg + " has none of {" + strings.Join(values, ", ") + "}"
		}
		return arg + " lacks " + first
	case dsl.OpOnly:
		return arg + " has only bits of " + strings.Join(values, " | ")
	case dsl.OpNull:
		return arg + " is null"
	case dsl.OpNotNull:
		return arg + " is not null"
	case dsl.OpNot:
		return "not (" + condText(c.Conds[0], false) + ")"
	case dsl.OpAll, dsl.OpAny:
		if len(c.Conds) == 1 {
			return condText(c.Conds[0], inner)
		}
	}
	if c.Op == dsl.OpAll {
		return parens(allText(c.Conds), inner)
	}
	texts := make([]string, len(c.Conds))
	for i, sub := range c.Conds {
		texts[i] = condText(sub, true)
	}
	return parens(strings.Join(texts, " or "), inner)
}

func parens(s string, needed bool) string {
	if needed {
		return "(" + s + ")"
	}
	return s
}

// The formats of numbers.
const (
	decimal     = "%d"
	hexadecimal = "%#x"
	octal       = "%#o"
)

// base is the format in which the values of a condition are read most easily:
// file modes in octal, bits and what looks like a constant in hexadecimal.
func base(c dsl.Cond) string {
	switch {
	case c.Arg == "mode":
		return octal
	case c.Op == dsl.OpHas || c.Op == dsl.OpLacks || c.Op == dsl.OpOnly || len(c.Mask) > 0:
		return hexadecimal
	}
	return decimal
}

func valueTexts(ls []dsl.Literal, format string) []string {
	texts := make([]string, len(ls))
	for i, l := range ls {
		texts[i] = l.Name + l.Int
		if n, err := strconv.ParseUint(l.Int, 10, 64); err == nil && n > 9 {
			if format == decimal && n > math.MaxUint16 {
				format = hexadecimal
			}
			texts[i] = fmt.Sprintf(format, n)
		}
	}
	return texts
}
