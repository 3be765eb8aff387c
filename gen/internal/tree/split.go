package tree

import (
	"cmp"
	"math"
	"slices"
)

// piece says what a condition comes down to for the values of a place from lo up
// to the next piece's.
type piece struct {
	lo uint32
	is formula
}

// split takes f apart by the values at p: its pieces, the first from 0.
func (fs *formulas) split(f formula, p place) []piece {
	if !slices.Contains(fs.places(f), p) {
		return []piece{{0, f}}
	}
	key := question{f, p}
	if done, ok := fs.splits[key]; ok {
		return done
	}
	in := fs.list[f]
	var pieces []piece
	if in.shape == atom {
		pieces = in.set.pieces()
	} else {
		lists := make([][]piece, len(in.subs))
		for i, sub := range in.subs {
			lists[i] = fs.split(sub, p)
		}
		one := always
		if in.shape == any {
			one = never
		}
		var subs []formula
		sweep(lists, one, func(lo uint32, active []int, now []formula) {
			subs = subs[:0]
			for _, i := range active {
				subs = append(subs, now[i])
			}
			is := fs.all
			if in.shape == any {
				is = fs.any
			}
			pieces = append(pieces, piece{lo, is(subs...)})
		})
	}
	pieces = slices.CompactFunc(pieces, func(a, b piece) bool { return a.is == b.is })
	fs.splits[key] = pieces
	return pieces
}

type question struct {
	f formula
	p place
}

// pieces are always inside the set, and never outside.
func (s set) pieces() []piece {
	var list []piece
	if len(s) == 0 || s[0].lo > 0 {
		list = append(list, piece{0, never})
	}
	for _, sp := range s {
		list = append(list, piece{sp.lo, always})
		if sp.hi < math.MaxUint32 {
			list = append(list, piece{sp.hi + 1, never})
		}
	}
	return list
}

// sweep goes through the values of a word, the least first, and stops wherever a new
// piece begins in one of the lists. It tells which lists are there something else
// than skip, in order, and what each list is.
func sweep(lists [][]piece, skip formula, stop func(lo uint32, active []int, now []formula)) {
	type change struct {
		piece
		list int
	}
	var changes []change
	for i, list := range lists {
		for _, p := range list {
			changes = append(changes, change{p, i})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.list, b.list)) })

	now := make([]formula, len(lists))
	for i := range now {
		now[i] = skip
	}
	var active []int
	for i, c := range changes {
		at, found := slices.BinarySearch(active, c.list)
		switch {
		case c.is == skip && found:
			active = slices.Delete(active, at, at+1)
		case c.is != skip && !found:
			active = slices.Insert(active, at, c.list)
		}
		now[c.list] = c.is
		if i+1 == len(changes) || changes[i+1].lo > c.lo {
			stop(c.lo, active, now)
		}
	}
}

// fix is f where the word has a value under a mask, which decides conditions on
// some of these bits too.
func (fs *formulas) fix(f formula, p place, v uint32) formula {
	places := fs.places(f)
	if !slices.ContainsFunc(places, func(q place) bool { return q.within(p) }) {
		return f
	}
	in := fs.list[f]
	if in.shape == atom {
		if in.set.contains(v & in.place.mask) {
			return always
		}
		return never
	}
	subs := make([]formula, len(in.subs))
	for i, sub := range in.subs {
		subs[i] = fs.fix(sub, p, v)
	}
	if in.shape == all {
		return fs.all(subs...)
	}
	return fs.any(subs...)
}

// within reports whether what is at p tells what is at q.
func (q place) within(p place) bool { return q.word == p.word && q.mask&^p.mask == 0 }

// places lists the places that f looks at, in order of first appearance.
func (fs *formulas) places(f formula) []place {
	if f <= always {
		return nil
	}
	in := &fs.list[f]
	if in.places == nil && in.shape == atom {
		in.places = []place{in.place}
	}
	if in.places == nil {
		for _, sub := range in.subs {
			in.places = add(in.places, fs.places(sub)...)
		}
	}
	return in.places
}

// add adds those places that are not there yet.
func add(places []place, more ...place) []place {
	for _, p := range more {
		if !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	return places
}
