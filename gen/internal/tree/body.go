package tree

import (
	"encoding/binary"
	"math"
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

// A decision is searched with an effort that grows with its rules. Within a
// quarter of it every word is tried as the next one to look at; beyond, the first
// that the rules mention. Rules that need more, or more tests than so many for each
// of their values, are answered in two halves, one after the other.
const (
	effortForAll   = 1 << 13
	effortForOne   = 1 << 18
	effortPerRule  = 1 << 9
	testsForAll    = 64
	testsPerBounds = 3
)

type bodies struct {
	ns   *nodes
	fs   *formulas
	ids  map[*Node]uint32 // of ends and of nodes used as such
	done map[string]*Node

	weights       Weights
	effort, limit int
	most          int // rules in a piece; 0: as many as fit
}

func newBodies(ns *nodes, weights Weights, most int) *bodies {
	return &bodies{ns: ns, fs: newFormulas(), ids: map[*Node]uint32{}, done: map[string]*Node{}, weights: weights, most: most}
}

// body is the node that decides d, or nil and the entry that is too much by itself. Where it does so in pieces, it calls cut with
// the index of each entry that begins one, and the node where it begins.
func (b *bodies) body(d decision, cut func(entry int, n *Node)) (*Node, int) {
	n := len(d.entries)
	if b.most == 0 || n <= b.most {
		b.effort, b.limit = 0, effortForAll+n*effortPerRule
		if n <= 1 {
			b.limit = effortForOne
		}
		whole := b.decide(d)
		if n <= 1 || whole != nil && whole.size(d.final) <= testsForAll+testsPerBounds*b.bounds(d) {
			return whole, 0
		}
	}
	half := n / 2
	rest, large := b.body(decision{d.entries[half:], d.final}, func(entry int, n *Node) { cut(half+entry, n) })
	if rest == nil {
		return nil, half + large
	}
	if !rest.IsEnd() {
		rest = b.ns.cut(rest)
		cut(half, rest)
	}
	return b.body(decision{d.entries[:half], rest}, cut)
}

// bounds counts the ranges of values that the entries ask for.
func (b *bodies) bounds(d decision) int {
	n := 0
	for _, e := range d.entries {
		n += b.fs.bounds(e.cond)
	}
	return n
}

// normal drops what cannot matter and joins neighbours with one outcome.
func (b *bodies) normal(d decision) decision {
	out := decision{final: d.final}
	var group []formula // conditions of neighbours
	var to *Node
	join := func() (decided bool) {
		cond := b.fs.any(group...)
		group = nil
		switch cond {
		case never:
		case always:
			out.final = to
		default:
			out.entries = append(out.entries, entry{cond, to})
		}
		return cond == always
	}
	decided := false
	for i := 0; i < len(d.entries) && !decided; i++ {
		e := d.entries[i]
		if e.cond == never {
			continue
		}
		if e.to != to {
			decided = join()
		}
		if !decided {
			group, to = append(group, e.cond), e.to
			decided = e.cond == always && join()
		}
	}
	if !decided {
		join()
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

// decide returns nil if that would take more effort than the limit.
func (b *bodies) decide(d decision) *Node {
	d = b.normal(d)
	if len(d.entries) == 0 {
		return d.final
	}
	key := b.key(d)
	if n, ok := b.done[key]; ok {
		return n
	}
	if b.effort += len(d.entries); b.effort > b.limit {
		return nil
	}
	var places []place
	for _, e := range d.entries {
		places = add(places, b.fs.places(e.cond)...)
	}
	if b.effort > b.limit/4 {
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
	lists := make([][]piece, len(d.entries))
	for i, e := range d.entries {
		lists[i] = b.fs.split(e.cond, p)
	}
	var starts []uint32
	var decisions []decision
	sweep(lists, never, func(lo uint32, active []int, now []formula) {
		next := decision{final: d.final, entries: make([]entry, len(active))}
		for i, e := range active {
			next.entries[i] = entry{now[e], d.entries[e].to}
		}
		b.effort += len(active)
		starts, decisions = append(starts, lo), append(decisions, next)
	})
	var runs []run
	for i, lo := range starts {
		hi := uint32(math.MaxUint32)
		if i+1 < len(starts) {
			hi = starts[i+1] - 1
		}
		v, ok := nextUnder(p.mask, lo)
		if !ok || v > hi {
			continue // no value under the mask lies here
		}
		if lo = v; p.mask != math.MaxUint32 {
			if next, more := nextUnder(p.mask, lo+1); !more || next > hi {
				hi = lo
			}
		}
		if lo == hi {
			for j, e := range decisions[i].entries {
				decisions[i].entries[j].cond = b.fs.fix(e.cond, p, lo)
			}
		}
		to := b.decide(decisions[i])
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
	b.effort += effortOf(len(runs))
	return b.ns.search(p, runs, 1)
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
	return b.ns.test(whole, AnyBit, p.mask, some.to, none.to, false, cost)
}
