package meaning

import (
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// table is the function that t describes.
func (d *diagram) table(t table.Table) node {
	f := d.value(t.BadArch)
	for _, p := range t.Parts {
		mine := d.and(
			d.equal(d.word(table.Arch), uint64(p.Arch.Audit)),
			d.numbers(p.Numbers))
		f = d.ite(mine, d.part(p), f)
	}
	return f
}

// part is first match: the last rule is laid down first, those before it on top.
func (d *diagram) part(p table.Part) node {
	f := d.value(p.Default)
	for i := len(p.Rules) - 1; i >= 0; i-- {
		r := p.Rules[i]
		f = d.ite(d.match(r), d.value(r.Action), f)
	}
	return f
}

func (d *diagram) match(r table.Rule) node {
	f := d.numbers(r.Numbers)
	if r.Cond != nil {
		f = d.and(f, d.cond(r.Cond))
	}
	return f
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
