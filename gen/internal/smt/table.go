package smt

import (
	"fmt"
	"math"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// table defines want, the table's answer: that of the first part that a call
// belongs to, in it that of the first rule that matches, else the part's
// default; and BadArch for calls that belong to no part.
func (w *writer) table(t table.Table) {
	var parts []choice
	for i, p := range t.Parts {
		w.line("")
		w.line("; The table for %s.", p.Arch.Name)
		var rules []choice
		for j, r := range p.Rules {
			rules = append(rules, choice{w.define(fmt.Sprintf("rule_%d_%d", i, j), boolSort, w.match(r)), word(r.Action)})
		}
		mine := w.define(fmt.Sprintf("part_%d", i), boolSort,
			and(apply("=", term(w.words[table.Arch]), word(p.Arch.Audit)), w.numbers(p.Numbers)))
		answer := w.first(fmt.Sprintf("want_%d", i), rules, word(p.Default))
		parts = append(parts, choice{mine, answer})
	}
	w.line("")
	w.line("; The table: calls of no part come last.")
	w.first("want", parts, word(t.BadArch))
}

// choice is an answer for the calls of which a condition holds.
type choice struct{ when, answer term }

// first defines the answer of the first choice that holds, or else the other.
func (w *writer) first(name string, choices []choice, other term) term {
	w.line("(define-fun %s () %s", name, wordSort)
	for _, c := range choices {
		w.line("\t(ite %s %s", c.when, c.answer)
	}
	w.line("\t%s%s)", other, strings.Repeat(")", len(choices)))
	return term(name)
}

func (w *writer) match(r table.Rule) term {
	if r.Cond == nil {
		return w.numbers(r.Numbers)
	}
	return and(w.numbers(r.Numbers), w.cond(r.Cond))
}

func (w *writer) numbers(ranges []abi.Range) term {
	nr := term(w.words[table.Nr])
	var in []term
	for _, r := range ranges {
		var ends []term
		switch {
		case r.Lo == r.Hi:
			ends = append(ends, apply("=", nr, word(r.Lo)))
		default:
			if r.Lo > 0 {
				ends = append(ends, apply("bvuge", nr, word(r.Lo)))
			}
			if r.Hi < math.MaxUint32 {
				ends = append(ends, apply("bvule", nr, word(r.Hi)))
			}
		}
		in = append(in, and(ends...))
	}
	return or(in...)
}

func (w *writer) cond(c table.Cond) term {
	switch c := c.(type) {
	case table.All:
		return and(w.conds(c)...)
	case table.Any:
		return or(w.conds(c)...)
	case table.Not:
		return apply("not", w.cond(c.Cond))
	}
	return w.test(c.(table.Test))
}

func (w *writer) conds(cs []table.Cond) (ts []term) {
	for _, c := range cs {
		ts = append(ts, w.cond(c))
	}
	return ts
}

// orderings are QF_BV's for operands without and with sign.
var orderings = map[table.Op][2]string{
	table.Lt: {"bvult", "bvslt"},
	table.Le: {"bvule", "bvsle"},
	table.Gt: {"bvugt", "bvsgt"},
	table.Ge: {"bvuge", "bvsge"},
}

func (w *writer) test(t table.Test) term {
	operand, width := term(w.words[t.Lo]), 32
	if t.Bits > 32 {
		operand, width = apply("concat", term(w.words[t.Hi]), operand), 64
	}
	if t.Bits < width {
		operand = apply(fmt.Sprintf("(_ extract %d 0)", t.Bits-1), operand)
	}
	if t.Mask != ^uint64(0)>>(64-t.Bits) {
		operand = apply("bvand", operand, literal(t.Mask, t.Bits))
	}
	if t.Op == table.In {
		var is []term
		for _, v := range t.Values {
			is = append(is, apply("=", operand, literal(v, t.Bits)))
		}
		return or(is...)
	}
	names := orderings[t.Op]
	if t.Signed {
		return apply(names[1], operand, literal(t.Values[0], t.Bits))
	}
	return apply(names[0], operand, literal(t.Values[0], t.Bits))
}
