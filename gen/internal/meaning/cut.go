package meaning

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Cut claims that the calls of a part to Numbers which no rule before Rule
// decides come to PC, and from there get the answers of the rules from Rule on. With
// cuts, a proof goes in pieces where the whole would be too large. They come from
// whoever made the program and need not be believed: the claims are proved too.
type Cut struct {
	Part    int       // index into the table's parts
	Numbers abi.Range // of calls, to which the same rules apply
	Rule    int       // index into the part's rules
	PC      int       // index into the program
}

// checked returns the cuts by part, number and rule, or an error if they make
// no sense.
func checked(t table.Table, p kernel.Program, cuts []Cut) ([]Cut, error) {
	cuts = slices.Clone(cuts)
	slices.SortFunc(cuts, func(a, b Cut) int {
		return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.Numbers.Lo, b.Numbers.Lo), cmp.Compare(a.Rule, b.Rule))
	})
	uses := used(p)
	for i, c := range cuts {
		switch {
		case c.Part < 0 || c.Part >= len(t.Parts) || c.Rule < 0 || c.PC <= 0 || c.PC >= len(p):
			return nil, fmt.Errorf("the proof has a cut at nothing: %+v", c)
		case uses[c.PC] != 0:
			return nil, fmt.Errorf("the proof has a cut at instruction %d, which works with what registers hold", c.PC)
		case i > 0 && cuts[i-1].Part == c.Part && cuts[i-1].Numbers != c.Numbers && cuts[i-1].Numbers.Hi >= c.Numbers.Lo:
			return nil, fmt.Errorf("the proof has cuts whose numbers overlap: %+v and %+v", cuts[i-1], c)
		}
		for _, r := range t.Parts[c.Part].Rules[min(c.Rule, len(t.Parts[c.Part].Rules)):] {
			if !covers(r.Numbers, c.Numbers) && slices.ContainsFunc(r.Numbers, func(n abi.Range) bool { return n.Lo <= c.Numbers.Hi && c.Numbers.Lo <= n.Hi }) {
				return nil, fmt.Errorf("the proof has a cut for numbers that a rule tells apart: %+v", c)
			}
		}
	}
	return cuts, nil
}

// covers reports whether one of the ranges holds all of r.
func covers(ranges []abi.Range, r abi.Range) bool {
	return slices.ContainsFunc(ranges, func(n abi.Range) bool { return n.Lo <= r.Lo && r.Hi <= n.Hi })
}

// next is the cut behind the i-th that goes on with its rules, if there is one.
func next(cuts []Cut, i int) *Cut {
	if i+1 < len(cuts) && cuts[i+1].Part == cuts[i].Part && cuts[i+1].Numbers == cuts[i].Numbers {
		return &cuts[i+1]
	}
	return nil
}

// from is what the rules of a part answer to a cut's numbers, from the cut to
// the next one, or to the end if there is none.
func (d *diagram) from(c Cut, p table.Part, next *Cut) node {
	f, rules := d.value(p.Default), p.Rules
	if next != nil {
		f, rules = d.arrival(next.PC), rules[:next.Rule]
	}
	for i := len(rules) - 1; i >= c.Rule; i-- {
		if covers(rules[i].Numbers, c.Numbers) {
			f = d.ite(d.condition(rules[i]), d.value(rules[i].Action), f)
		}
	}
	return f
}
