package meaning

import (
	"math/bits"
	"slices"
)

// fieldValues is a function of a field.
type fieldValues struct {
	field
	f node
}

// measured is values with their length to a reader, as Set.length.
type measured struct {
	Values
	length float64
}

// tooLong is the length of what cannot be written.
const tooLong = 1 << 20

// values writes a function of a field in the form that is shortest to read.
func (t *terms) values(f node, at field) measured {
	key := fieldValues{at, f}
	if m, ok := t.known[key]; ok {
		return m
	}
	looked := t.d.looked(f, at.last)
	whole := at.last-at.first == 64
	upper, lower := field{Argument{Bits: 32}, at.first, at.last - 32}, field{at.Argument, at.last - 32, at.last}
	best := t.d.shortest(f, at, looked)
	if whole && looked<<32 == 0 && f != yes {
		// Of an argument of 64 bits, one better reads the whole.
		if half := t.values(f, upper); half.length < best.length || half.length == best.length && at.Bits < 64 {
			half.Upper = true
			best = half
		}
	}
	const worth = 4 // the length from which halves may be shorter
	if whole && best.length > worth && looked>>32 != 0 && looked<<32 != 0 {
		halves := measured{}
		for _, p := range t.products(f, []field{upper, lower}) {
			hi, lo := t.values(p[0], upper), t.values(p[1], lower)
			hi.Upper = true
			halves.Halves = append(halves.Halves, [2]Values{hi.Values, lo.Values})
			halves.length += 2 + hi.length + lo.length
		}
		if halves.length < best.length {
			best = halves
		}
	}
	t.known[key] = best
	return best
}

// looked is the bits that f depends on, as a mask of the field that ends at last.
func (d *diagram) looked(f node, last int32) uint64 {
	mask := uint64(0)
	seen := map[node]bool{}
	var walk func(n node)
	walk = func(n node) {
		if seen[n] || d.isEnd(n) {
			return
		}
		seen[n] = true
		s := d.nodes[n]
		mask |= 1 << (last - 1 - s.bit)
		walk(s.lo)
		walk(s.hi)
	}
	walk(f)
	return mask
}

// maxWays is how many cubes are worth the work of making them fewer.
const maxWays = 512

// shortest writes a function of a field as spans or cubes.
func (d *diagram) shortest(f node, at field, looked uint64) measured {
	best := measured{length: tooLong}
	width := bits.Len64(looked)
	for _, not := range []bool{false, true} {
		g := f
		if not {
			g = d.not(f)
		}
		var forms []Set
		if spans, ok := d.spans(g, at.last, width, at.Signed && width == at.Bits); ok {
			forms = append(forms, Set{Not: not, Spans: spans})
		}
		if cubes, ok := d.listed(g, at.last, at.whole(looked)); ok {
			forms = append(forms, Set{Not: not, Cubes: cubes})
		}
		if cubes, ok := d.cubes(g, at.last); ok {
			if len(cubes) <= maxWays {
				cubes, _ = d.cover(g, g, at.last)
			}
			forms = append(forms, Set{Not: not, Cubes: cubes})
		}
		for _, s := range forms {
			if l := s.length() + at.extra(s, width); l < best.length {
				best = measured{Values{Bits: width, Set: s}, l}
			}
		}
	}
	return best
}

// whole is bits with those that are one number with some of them.
func (a Argument) whole(mask uint64) uint64 {
	if mask&a.Code != 0 {
		mask |= a.Code
	}
	return mask
}

// extra is what a set of an argument is longer to read than one of words, or
// shorter.
func (a Argument) extra(s Set, width int) float64 {
	extra := 0.0
	if len(s.Spans) > 0 && width != a.Bits && width != 32 && width != 64 {
		extra += 1.5 // for the mask
	}
	for _, p := range s.Spans {
		switch {
		case p.Hi-p.Lo == 1:
			extra++ // two values
		case a.Flags && p.Hi != p.Lo:
			extra += 2 // a range of flags says little
		case p.Hi != p.Lo:
			extra += 0.5
		}
	}
	for _, c := range s.Cubes {
		if a.whole(c.Mask) != c.Mask {
			extra += 2 // a part of a number says nothing
		}
	}
	if a.Flags && len(s.Cubes) == 1 && (s.Cubes[0].Value == 0 || s.Cubes[0].Value == s.Cubes[0].Mask) {
		extra -= 1.4 // has, lacks and the like
	}
	return extra
}

// maxListed is how many values of some bits are worth listing.
const maxListed = 16

// listed is the values of certain bits for which f, which looks at no others, holds.
func (d *diagram) listed(f node, last int32, mask uint64) ([]Cube, bool) {
	var list []Cube
	var walk func(n node, left, value uint64) bool
	walk = func(n node, left, value uint64) bool {
		if n == no {
			return true
		}
		if left == 0 {
			list = append(list, Cube{mask, value})
			return len(list) <= maxListed
		}
		bit := bits.Len64(left) - 1
		n0, n1 := d.at(n, last-1-int32(bit))
		left &^= 1 << bit
		return walk(n0, left, value) && walk(n1, left, value|1<<bit)
	}
	ok := walk(f, mask, 0)
	return list, ok
}

// cover is cubes that hold wherever least does and nowhere that most does not, none
// of which can be left out, and what they are together (Minato, "Fast Generation of
// Irredundant Sum-of-Products Forms from Binary Decision Diagrams", 1992). The bits
// end before last.
func (d *diagram) cover(least, most node, last int32) ([]Cube, node) {
	switch {
	case least == no || d.full:
		return nil, no
	case most == yes:
		return []Cube{{}}, yes
	}
	top := min(d.nodes[least].bit, d.nodes[most].bit)
	l0, l1 := d.at(least, top)
	m0, m1 := d.at(most, top)
	zeros, f0 := d.cover(d.and(l0, d.not(m1)), m0, last)
	ones, f1 := d.cover(d.and(l1, d.not(m0)), m1, last)
	left := d.or(d.and(l0, d.not(f0)), d.and(l1, d.not(f1)))
	either, f := d.cover(left, d.and(m0, m1), last)
	bit := uint64(1) << (last - 1 - top)
	for i := range zeros {
		zeros[i].Mask |= bit
	}
	for i := range ones {
		ones[i].Mask |= bit
		ones[i].Value |= bit
	}
	return slices.Concat(either, zeros, ones), d.ite(d.bit(top), d.or(f1, f), d.or(f0, f))
}
