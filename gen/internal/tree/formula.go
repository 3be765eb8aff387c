package tree

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// formula is a condition on words: an index into formulas. Equal conditions,
// as far as the rules below find out, are equal indices.
type formula int32

const (
	never  formula = 0
	always formula = 1
)

type shape uint8

const (
	atom shape = iota // the word at a place is in a set
	all
	any
)

type inside struct {
	shape shape
	place place
	set   set
	subs  []formula // sorted

	places []place // once asked for
}

// formulas makes formulas and keeps them unique. Negation is pushed down to
// the sets, and conditions of one All or Any on the same place are joined into
// one set, so that a list of values is one atom.
type formulas struct {
	list   []inside
	unique map[string]formula
	key    []byte
	splits map[question][]piece
}

func newFormulas() *formulas {
	return &formulas{list: make([]inside, 2), unique: map[string]formula{}, splits: map[question][]piece{}}
}

func (fs *formulas) intern(in inside) formula {
	k := append(fs.key[:0], byte(in.shape))
	if in.shape == atom {
		k = append(k, byte(in.place.word))
		k = binary.LittleEndian.AppendUint32(k, in.place.mask)
		for _, sp := range in.set {
			k = binary.LittleEndian.AppendUint32(k, sp.lo)
			k = binary.LittleEndian.AppendUint32(k, sp.hi)
		}
	}
	for _, f := range in.subs {
		k = binary.LittleEndian.AppendUint32(k, uint32(f))
	}
	fs.key = k
	if f, ok := fs.unique[string(k)]; ok {
		return f
	}
	f := formula(len(fs.list))
	fs.list = append(fs.list, in)
	fs.unique[string(k)] = f
	return f
}

// in holds where the word at p is in s.
func (fs *formulas) in(p place, s set) formula {
	if p.mask == 0 {
		if s.contains(0) {
			return always
		}
		return never
	}
	s = s.within(p.mask)
	switch {
	case len(s) == 0:
		return never
	case len(s.complement().within(p.mask)) == 0:
		return always
	}
	return fs.intern(inside{shape: atom, place: p, set: s})
}

func (fs *formulas) not(f formula) formula {
	switch f {
	case never:
		return always
	case always:
		return never
	}
	in := fs.list[f]
	if in.shape == atom {
		return fs.in(in.place, in.set.complement())
	}
	subs := make([]formula, len(in.subs))
	for i, sub := range in.subs {
		subs[i] = fs.not(sub)
	}
	if in.shape == all {
		return fs.any(subs...)
	}
	return fs.all(subs...)
}

func (fs *formulas) all(subs ...formula) formula {
	return fs.join(all, never, always, subs)
}

func (fs *formulas) any(subs ...formula) formula {
	return fs.join(any, always, never, subs)
}

// join makes an All or Any: zero decides alone, one changes nothing, and atoms
// on one place become one.
func (fs *formulas) join(sh shape, zero, one formula, subs []formula) formula {
	var flat []formula
	for _, f := range subs {
		if f > always && fs.list[f].shape == sh {
			flat = append(flat, fs.list[f].subs...)
		} else {
			flat = append(flat, f)
		}
	}
	var rest []formula
	var order []place
	sets := map[place][]set{}
	for _, f := range flat {
		switch {
		case f == zero:
			return zero
		case f == one:
		case fs.list[f].shape == atom:
			in := fs.list[f]
			if sets[in.place] == nil {
				order = append(order, in.place)
			}
			sets[in.place] = append(sets[in.place], in.set)
		default:
			rest = append(rest, f)
		}
	}
	for _, p := range order {
		s := sets[p][0]
		if sh == any {
			s = union(sets[p]...)
		} else {
			for _, other := range sets[p][1:] {
				s = intersection(s, other)
			}
		}
		switch f := fs.in(p, s); f {
		case zero:
			return zero
		case one:
		default:
			rest = append(rest, f)
		}
	}
	slices.Sort(rest)
	rest = slices.Compact(rest)
	switch len(rest) {
	case 0:
		return one
	case 1:
		return rest[0]
	}
	return fs.intern(inside{shape: sh, subs: rest})
}

// bounds counts the ranges of values that f asks for.
func (fs *formulas) bounds(f formula) int {
	if f <= always {
		return 0
	}
	n := len(fs.list[f].set)
	for _, sub := range fs.list[f].subs {
		n += fs.bounds(sub)
	}
	return n
}

// cond translates a table's condition.
func (fs *formulas) cond(c table.Cond) formula {
	switch c := c.(type) {
	case nil:
		return always
	case table.All:
		return fs.all(fs.conds(c)...)
	case table.Any:
		return fs.any(fs.conds(c)...)
	case table.Not:
		return fs.not(fs.cond(c.Cond))
	}
	return fs.test(c.(table.Test))
}

func (fs *formulas) conds(cs []table.Cond) []formula {
	subs := make([]formula, len(cs))
	for i, c := range cs {
		subs[i] = fs.cond(c)
	}
	return subs
}

func (fs *formulas) test(t table.Test) formula {
	lo := place{t.Lo, uint32(t.Mask)}
	hi := place{t.Hi, uint32(t.Mask >> 32)}
	if t.Op == table.In {
		return fs.oneOf(t, lo, hi)
	}
	greater := t.Op == table.Gt || t.Op == table.Ge
	strict := t.Op == table.Gt || t.Op == table.Lt
	k := t.Values[0]
	if t.Bits <= 32 {
		return fs.in(lo, beyond(uint32(k), t.Bits, t.Signed, greater, strict))
	}
	// The upper halves decide, or they are equal and the lower halves do.
	kHi := uint32(k >> 32)
	return fs.any(
		fs.in(hi, beyond(kHi, 32, t.Signed, greater, true)),
		fs.all(fs.in(hi, points([]uint32{kHi})), fs.in(lo, beyond(uint32(k), 32, false, greater, strict))))
}

// beyond is the numbers of so many bits that are greater (or less) than k, or
// equal to it where the comparison is not strict.
func beyond(k uint32, width int, signed, greater, strict bool) set {
	top := uint32(math.MaxUint32) >> (32 - width)
	flip := uint32(0)
	if signed {
		flip = 1 << (width - 1) // maps the signed order onto the unsigned one
	}
	k ^= flip
	var s set
	switch {
	case greater && !strict:
		s = set{{k, top}}
	case greater && k < top:
		s = set{{k + 1, top}}
	case !greater && !strict:
		s = set{{0, k}}
	case !greater && k > 0:
		s = set{{0, k - 1}}
	default:
		return nil
	}
	if !signed {
		return s
	}
	// Back again: the lower half of the flipped order is the negative numbers.
	var out set
	for _, half := range []span{{0, flip - 1}, {flip, top}} {
		lo, hi := max(s[0].lo, half.lo), min(s[0].hi, half.hi)
		if lo <= hi {
			out = append(out, span{lo ^ flip, hi ^ flip})
		}
	}
	return out.normal()
}

// oneOf groups the values of 64 bits by their upper half.
func (fs *formulas) oneOf(t table.Test, lo, hi place) formula {
	lows := map[uint32][]uint32{}
	var highs []uint32
	for _, v := range t.Values {
		h := uint32(v >> 32)
		if lows[h] == nil {
			highs = append(highs, h)
		}
		lows[h] = append(lows[h], uint32(v))
	}
	subs := make([]formula, 0, len(highs))
	for _, h := range highs {
		f := fs.in(lo, points(lows[h]))
		if t.Bits > 32 {
			f = fs.all(fs.in(hi, points([]uint32{h})), f)
		}
		subs = append(subs, f)
	}
	return fs.any(subs...)
}
