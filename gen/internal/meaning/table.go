package meaning

import (
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// table is the function that t describes; each number's first cut, if it has
// one, stands for the rules from there on. The cuts are sorted.
func (d *diagram) table(t table.Table, cuts []Cut) node {
	f := d.value(t.BadArch)
	for i, p := range t.Parts {
		var first []Cut
		for j, c := range cuts {
			if c.Part == i && (j == 0 || next(cuts, j-1) == nil) {
				first = append(first, c)
			}
		}
		f = d.ite(d.of(p), d.part(p, first), f)
	}
	return f
}

// of holds for the calls of a part.
func (d *diagram) of(p table.Part) node {
	return d.and(d.equal(d.word(table.Arch), uint64(p.Arch.Audit)), d.numbers(p.Numbers))
}

// part is first match: the last rule is laid down first, those before it on top.
func (d *diagram) part(p table.Part, cuts []Cut) node {
	f := d.value(p.Default)
	for _, c := range cuts {
		f = d.ite(d.numbers([]abi.Range{c.Numbers}), d.arrival(c.PC), f)
	}
	for i := len(p.Rules) - 1; i >= 0; i-- {
		r := p.Rules[i]
		calls := d.numbers(r.Numbers)
		for _, c := range cuts {
			if i >= c.Rule {
				calls = d.ite(d.numbers([]abi.Range{c.Numbers}), no, calls)
			}
		}
		if calls != no {
			f = d.ite(d.and(calls, d.condition(r)), d.value(r.Action), f)
		}
	}
	return f
}

func (d *diagram) condition(r table.Rule) node {
	if r.Cond == nil {
		return yes
	}
	return d.cond(r.Cond)
}

func (d *diagram) numbers(ranges []abi.Range) node {
	nr := d.word(table.Nr)
	f := no
	for _, r := range ranges {
		in := d.not(d.greater(nr, uint64(r.Hi)))
		if r.Lo > 0 {
			in = d.and(in, d.greater(nr, uint64(r.Lo)-1))
		}
		f = d.or(f, in)
	}
	return f
}

func (d *diagram) cond(c table.Cond) node {
	switch c := c.(type) {
	case table.All:
		f := yes
		for _, sub := range c {
			f = d.and(f, d.cond(sub))
		}
		return f
	case table.Any:
		f := no
		for _, sub := range c {
			f = d.or(f, d.cond(sub))
		}
		return f
	case table.Not:
		return d.not(d.cond(c.Cond))
	}
	return d.test(c.(table.Test))
}

func (d *diagram) test(t table.Test) node {
	v := d.word(t.Lo)
	if t.Bits > 32 {
		v = append(v, d.word(t.Hi)...)
	}
	v = d.masked(v[:t.Bits], t.Mask)
	if t.Op == table.In {
		f := no
		for _, k := range t.Values {
			f = d.or(f, d.equal(v, k))
		}
		return f
	}
	k := t.Values[0]
	if t.Signed { // flipping the sign bits turns the signed order into the unsigned one
		sign := t.Bits - 1
		v[sign] = d.not(v[sign])
		k ^= 1 << sign
	}
	switch t.Op {
	case table.Gt:
		return d.greater(v, k)
	case table.Ge:
		return d.or(d.greater(v, k), d.equal(v, k))
	case table.Lt:
		return d.not(d.or(d.greater(v, k), d.equal(v, k)))
	default: // table.Le
		return d.not(d.greater(v, k))
	}
}
