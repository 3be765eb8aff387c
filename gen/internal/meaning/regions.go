package meaning

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Region is arguments to which each of some functions gives one answer.
type Region struct {
	Answers []uint32 // SECCOMP_RET_* values, in the order of the functions
	When    []Clause // one of them holds
	Example Call     // arguments of one such call, the rest zero
}

// Clause is words with the sets that they are in; an empty one always holds.
type Clause []Part

// Part says that a word of struct seccomp_data is in a set.
type Part struct {
	Word table.Word
	Set  Set
}

// Set is a set of words, as spans or as cubes, whichever are fewer; Not means
// all other words.
type Set struct {
	Not   bool
	Spans []Span
	Cubes []Cube
}

// Span is the numbers from Lo to Hi.
type Span struct{ Lo, Hi uint64 }

// Cube is the numbers that have Value in the bits of Mask.
type Cube struct{ Mask, Value uint64 }

// maxPieces is how many spans or cubes a set may have to be shown at all.
const maxPieces = 4096

var errPieces = errors.New("a set of values has too many pieces to be shown")

// Regions takes functions of arguments, as At returns them, apart into regions.
// Each combination of answers that occurs has one region.
func (s *Space) Regions(fs ...Function) ([]Region, error) {
	r := regions{d: s.d, done: map[string][]Region{}}
	t := make([]node, len(fs))
	for i, f := range fs {
		t[i] = f.n
	}
	regions, err := r.of(t)
	if err != nil {
		return nil, err
	}
	return regions, s.d.check()
}

type regions struct {
	d    *diagram
	done map[string][]Region
}

func key(t []node) string { return fmt.Sprint(t) }

// of takes a tuple of functions apart at the first word that any looks at.
func (r *regions) of(t []node) ([]Region, error) {
	if done, ok := r.done[key(t)]; ok {
		return done, nil
	}
	top := r.top(t)
	if top == end {
		answers := make([]uint32, len(t))
		for i, n := range t {
			answers[i] = r.d.valueOf(n)
		}
		return []Region{{Answers: answers, When: []Clause{nil}}}, nil
	}
	word := wordOf(top)
	last := (top/32 + 1) * 32
	var found []Region
	for _, next := range r.behind(t, last) {
		inside := r.indicator(t, last, next)
		set, err := r.d.set(inside, top/32*32)
		if err != nil {
			return nil, err
		}
		value := r.d.least(inside, top/32*32)
		sub, err := r.of(next)
		if err != nil {
			return nil, err
		}
		for _, region := range sub {
			found = add(found, region, Part{word, set}, value)
		}
	}
	r.done[key(t)] = found
	return found, nil
}

// add adds a region of what follows, with the part before each of its clauses.
func add(found []Region, region Region, part Part, value uint32) []Region {
	var clauses []Clause
	for _, c := range region.When {
		clauses = append(clauses, slices.Concat(Clause{part}, c))
	}
	for i := range found {
		if slices.Equal(found[i].Answers, region.Answers) {
			found[i].When = append(found[i].When, clauses...)
			return found
		}
	}
	example := region.Example
	example[part.Word] = value
	return append(found, Region{region.Answers, clauses, example})
}

func (r *regions) top(t []node) int32 {
	top := int32(end)
	for _, n := range t {
		top = min(top, r.d.nodes[n].bit)
	}
	return top
}

// halves are the tuple for the bit being 0 and 1.
func (r *regions) halves(t []node, bit int32) (lo, hi []node) {
	lo, hi = make([]node, len(t)), make([]node, len(t))
	for i, n := range t {
		lo[i], hi[i] = r.d.at(n, bit)
	}
	return lo, hi
}

// behind lists the different tuples that remain behind bit last-1.
func (r *regions) behind(t []node, last int32) [][]node {
	var list [][]node
	seen := map[string]bool{}
	var walk func(t []node)
	walk = func(t []node) {
		if seen[key(t)] {
			return
		}
		seen[key(t)] = true
		top := r.top(t)
		if top >= last {
			list = append(list, t)
			return
		}
		lo, hi := r.halves(t, top)
		walk(lo)
		walk(hi)
	}
	walk(t)
	return list
}

// indicator holds for the values of the word before bit last that lead to next.
func (r *regions) indicator(t []node, last int32, next []node) node {
	done := map[string]node{}
	var walk func(t []node) node
	walk = func(t []node) node {
		if n, ok := done[key(t)]; ok {
			return n
		}
		n := no
		if top := r.top(t); top >= last {
			if slices.Equal(t, next) {
				n = yes
			}
		} else {
			lo, hi := r.halves(t, top)
			n = r.d.ite(r.d.bit(top), walk(hi), walk(lo))
		}
		done[key(t)] = n
		return n
	}
	return walk(t)
}

// least is the least word for which f holds; f is a function of the 32 bits from
// first.
func (d *diagram) least(f node, first int32) uint32 {
	var v uint32
	for f != yes {
		s := d.nodes[f]
		if f = s.lo; f == no {
			v |= 1 << (31 - (s.bit - first))
			f = s.hi
		}
	}
	return v
}

// set writes a function of the 32 bits from first as a set, in the form that is
// shortest to read.
func (d *diagram) set(f node, first int32) (Set, error) {
	var best *Set
	for _, not := range []bool{false, true} {
		g := f
		if not {
			g = d.not(f)
		}
		if spans, ok := d.spans(g, first+32, 32, false); ok {
			best = shorter(best, Set{Not: not, Spans: spans})
		}
		if cubes, ok := d.cubes(g, first+32); ok {
			best = shorter(best, Set{Not: not, Cubes: cubes})
		}
	}
	if best == nil {
		return Set{}, errPieces
	}
	return *best, nil
}

func shorter(a *Set, b Set) *Set {
	if a == nil || b.length() < a.length() {
		return &b
	}
	return a
}

// length is about how long a set is to read: cubes with masks of their own are
// longer than numbers, and a negation is a little longer than none.
func (s Set) length() float64 {
	l := float64(len(s.Spans))
	for i, c := range s.Cubes {
		if l++; i == 0 || c.Mask != s.Cubes[0].Mask {
			l += 1.5
		}
	}
	if s.Not {
		l += 0.5
	}
	return l
}

// spans lists the numbers for which f holds as ranges, in order: numbers of so many
// bits before last, and none else does f look at.
func (d *diagram) spans(f node, last int32, width int, signed bool) ([]Span, bool) {
	var list []Span
	end := uint64(0) // of the last span, and 1
	var walk func(n node, left int, lo uint64) bool
	walk = func(n node, left int, lo uint64) bool {
		switch {
		case n == no:
			return true
		case n == yes:
			hi := lo + (1<<left - 1)
			if k := len(list); k > 0 && end == lo && lo != 0 {
				list[k-1].Hi = hi
			} else {
				list = append(list, Span{lo, hi})
			}
			end = hi + 1
			return len(list) <= maxPieces
		}
		n0, n1 := d.at(n, last-int32(left))
		if signed && left == width {
			n0, n1 = n1, n0
		}
		return walk(n0, left-1, lo) && walk(n1, left-1, lo+1<<(left-1))
	}
	ok := walk(f, width, 0)
	if signed { // in order, the numbers had their sign bit inverted
		sign := uint64(1) << (width - 1)
		for i := range list {
			list[i].Lo ^= sign
			list[i].Hi ^= sign
		}
	}
	return list, ok
}

// cubes lists f's ways to yes: each fixes the bits that it tests, which come before
// last.
func (d *diagram) cubes(f node, last int32) ([]Cube, bool) {
	var list []Cube
	var walk func(n node, c Cube) bool
	walk = func(n node, c Cube) bool {
		if n == no {
			return true
		}
		if n == yes {
			list = append(list, c)
			return len(list) <= maxPieces
		}
		s := d.nodes[n]
		bit := uint64(1) << (last - 1 - s.bit)
		return walk(s.lo, Cube{c.Mask | bit, c.Value}) && walk(s.hi, Cube{c.Mask | bit, c.Value | bit})
	}
	ok := walk(f, Cube{})
	return list, ok
}

// Has reports whether v is in the set.
func (s Set) Has(word uint32) bool {
	v := uint64(word)
	in := slices.ContainsFunc(s.Spans, func(p Span) bool { return p.Lo <= v && v <= p.Hi }) ||
		slices.ContainsFunc(s.Cubes, func(c Cube) bool { return v&c.Mask == c.Value })
	return in != s.Not
}

// All reports whether the set is everything.
func (s Set) All() bool {
	return !s.Not && slices.Equal(s.Spans, []Span{{0, math.MaxUint32}}) || s.Not && len(s.Spans)+len(s.Cubes) == 0
}
