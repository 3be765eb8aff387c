package tree

import (
	"encoding/binary"
	"math"
	"slices"
)

// A decision is what is left to find out for a call once its number is known:
// the first condition that holds says where to go, else final.
type decision struct {
	entries []entry
	final   *Node
}

type entry struct {
	cond formula
	to   *Node
}

// Up to tryAll decisions every word is tried as the next one to look at; beyond,
// the first that the rules mention. A set of rules that needs more than
// maxDecisions, more than a program has room for, is answered by a chain, rule by
// rule.
const (
	tryAll       = 1000
	maxDecisions = 5000
)

type bodies struct {
	ns    *nodes
	fs    *formulas
	ids   map[*Node]uint32 // of ends and of nodes used as such
	done  map[string]*Node
	made  int
	limit int
}

func newBodies(ns *nodes) *bodies {
	return &bodies{ns: ns, fs: newFormulas(), ids: map[*Node]uint32{}, done: map[string]*Node{}}
}

// body is the node that decides d.
func (b *bodies) body(d decision) *Node {
	b.limit = b.made + maxDecisions
	if n := b.decide(d); n != nil {
		return n
	}
	n := d.final
	for _, e := range slices.Backward(d.entries) {
		b.limit = b.made + maxDecisions
		one := b.decide(decision{[]entry{e}, n})
		if one == nil {
			return nil
		}
		n = one
	}
	return n
}

// normal drops what cannot matter and joins neighbours with one outcome.
func (b *bodies) normal(d decision) decision {
	out := decision{final: d.final}
	for _, e := range d.entries {
		if e.cond == never {
			continue
		}
		if e.cond == always {
			out.final = e.to
			break
		}
		if n := len(out.entries); n > 0 && out.entries[n-1].to == e.to {
			out.entries[n-1].cond = b.fs.any(out.entries[n-1].cond, e.cond)
			if out.entries[n-1].cond == always {
				out.entries, out.final = out.entries[:n-1], e.to
				break
			}
			continue
		}
		out.entries = append(out.entries, e)
	}
	for n := len(out.entries); n > 0 && out.entries[n-1].to == out.final; n-- {
		out.entries = out.entries[:n-1]
	}
	return out
}

func (b *bodies) key(d decision) string {
	id := func(n *Node) uint32 {
		if b.ids[n] == 0 {
			b.ids[n] = uint32(len(b.ids) + 1)
		}
		return b.ids[n]
	}
	k := binary.LittleEndian.AppendUint32(nil, id(d.final))
	for _, e := range d.entries {
		k = binary.LittleEndian.AppendUint32(k, uint32(e.cond))
		k = binary.LittleEndian.AppendUint32(k, id(e.to))
	}
	return string(k)
}

// decide returns nil if that would take more decisions than the limit.
func (b *bodies) decide(d decision) *Node {
	d = b.normal(d)
	if len(d.entries) == 0 {
		return d.final
	}
	key := b.key(d)
	if n, ok := b.done[key]; ok {
		return n
	}
	if b.made++; b.made > b.limit {
		return nil
	}
	var places []place
	for _, e := range d.entries {
		places = b.fs.places(e.cond, places)
	}
	if b.made > b.limit-maxDecisions+tryAll {
		places = places[:1]
	}
	var best *Node
	for _, p := range places {
		n := b.at(p, d)
		if n == nil {
			return nil
		}
		if best == nil || n.cost < best.cost-1e-9 {
			best = n
		}
	}
	b.done[key] = best
	return best
}

// at decides d by looking at p first.
func (b *bodies) at(p place, d decision) *Node {
	starts := []uint32{0}
	for _, e := range d.entries {
		starts = b.fs.bounds(e.cond, p, starts)
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)

	var runs []run
	for i, lo := range starts {
		hi := uint32(math.MaxUint32)
		if i+1 < len(starts) {
			hi = starts[i+1] - 1
		}
		if v, ok := nextUnder(p.mask, lo); !ok || v > hi {
			continue // no value under the mask lies here
		}
		to := b.decide(b.assume(d, p, span{lo, hi}))
		if to == nil {
			return nil
		}
		r := run{span{lo, hi}, to, weigh(span{lo, hi}, to == d.final)}
		if n := len(runs); n > 0 && runs[n-1].to == to {
			runs[n-1].hi = hi
			runs[n-1].weight += r.weight
			continue
		}
		runs = append(runs, r)
	}
	if n := b.bits(p, runs); n != nil {
		return n
	}
	return b.ns.search(p, runs)
}

// weigh guesses how many of a call's uses have a value in the span: each value
// that a rule names counts once, what no rule names hardly.
func weigh(s span, miss bool) float64 {
	switch width := uint64(s.hi) - uint64(s.lo) + 1; {
	case miss:
		return 0.1
	case width <= 64:
		return float64(width)
	}
	return 1
}

// bits is the single test for whether any bit of a mask is set, which needs
// the word but not its masking; nil if the runs ask for more.
func (b *bodies) bits(p place, runs []run) *Node {
	if p.mask == math.MaxUint32 || len(runs) != 2 {
		return nil
	}
	none, some := runs[0], runs[1]
	if v, ok := nextUnder(p.mask, 1); !ok || v < some.lo || v <= none.hi {
		return nil
	}
	whole := place{p.word, math.MaxUint32}
	cost := whole.load() + 1 + (float64(none.weight*none.to.cost)+float64(some.weight*some.to.cost))/(none.weight+some.weight)
	return b.ns.test(whole, AnyBit, p.mask, some.to, none.to, cost)
}

func (b *bodies) assume(d decision, p place, s span) decision {
	memo := map[formula]formula{}
	out := decision{final: d.final, entries: make([]entry, len(d.entries))}
	for i, e := range d.entries {
		out.entries[i] = entry{b.fs.assume(e.cond, p, s, memo), e.to}
	}
	return out
}
