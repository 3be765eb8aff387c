package tree

import (
	"math"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// A Cut is a node where the proof may go on as with a program of its own: to the
// calls of a part that no rule before Rule decides, it answers what the rules from
// Rule on do. Package meaning has the same with a place in the program.
type Cut struct {
	Part    int
	Numbers abi.Range
	Rule    int
	Node    *Node
}

// TooLarge is the error of a condition for which no tree of a sensible size was found.
type TooLarge struct {
	Part int // index into the table's parts
	Rule int // index into the part's rules
}

func (e *TooLarge) Error() string {
	return "the condition takes more tests than a program has room for"
}

// Build returns the root of a diagram that answers calls as t does, and the cuts
// that it has where the rules of a call are too many for one diagram. If most is not
// 0, no piece has more rules: with 1, each rule with a condition begins one, which is
// the easiest to prove and the slowest to run.
func Build(t table.Table, weights Weights, most int) (*Node, []Cut, error) {
	ns := &nodes{unique: map[Node]*Node{}, choices: make([]choice, 1)}
	b := newBodies(ns, weights, most)
	bad := ns.end(t.BadArch)
	var cuts []Cut

	root := bad
	seen := map[uint32]bool{}
	var audits []uint32
	for _, p := range t.Parts {
		if a := p.Arch.Audit; !seen[a] {
			seen[a] = true
			audits = append(audits, a)
		}
	}
	arch := place{table.Arch, math.MaxUint32}
	for _, audit := range slices.Backward(audits) {
		n, err := b.numbers(t, audit, bad, &cuts)
		if err != nil {
			return nil, nil, err
		}
		root = ns.test(arch, Equal, audit, n, root, true, arch.load()+1+n.cost)
	}
	return root, cuts, nil
}

// numbers decides the calls of one audit value.
func (b *bodies) numbers(t table.Table, audit uint32, bad *Node, cuts *[]Cut) (*Node, error) {
	var segments []segment
	for i := range t.Parts {
		if t.Parts[i].Arch.Audit == audit {
			segments = append(segments, segmentsOf(t, i)...)
		}
	}
	slices.SortFunc(segments, func(a, b segment) int { return int(int64(a.lo) - int64(b.lo)) })

	for i, s := range segments {
		cut := func(entry int, n *Node) {
			c := Cut{s.index, abi.Range{Lo: s.lo, Hi: s.hi}, s.rules[entry], n}
			// Rules that decide nothing leave a node where it is, and one cut there is enough.
			if !slices.ContainsFunc(*cuts, func(o Cut) bool { return o.Part == c.Part && o.Numbers == c.Numbers && o.Node == n }) {
				*cuts = append(*cuts, c)
			}
		}
		to, large := b.body(b.decision(s), cut)
		if to == nil {
			return nil, &TooLarge{s.index, s.rules[large]}
		}
		if b.most > 0 && !to.IsEnd() {
			to = b.ns.cut(to)
			cut(0, to)
		}
		segments[i].to = to
	}

	var runs []run
	add := func(r run) {
		if n := len(runs); n > 0 && runs[n-1].to == r.to {
			runs[n-1].hi = r.hi
			runs[n-1].weight += r.weight
			return
		}
		runs = append(runs, r)
	}
	next := uint64(0)
	weights := b.weights.segments(segments)
	for i, s := range segments {
		if uint64(s.lo) > next {
			add(run{span{uint32(next), s.lo - 1}, bad, 0})
		}
		add(run{s.span, s.to, weights[i]})
		next = uint64(s.hi) + 1
	}
	if next <= math.MaxUint32 {
		add(run{span{uint32(next), math.MaxUint32}, bad, 0})
	}
	return b.ns.search(place{table.Nr, math.MaxUint32}, runs, b.weights.level()), nil
}

// segment is numbers of a part to which the same rules apply.
type segment struct {
	span
	part  *table.Part
	index int // of the part
	rules []int
	to    *Node // what decides them
}

// segmentsOf cuts the numbers of a part wherever a rule begins or ends.
func segmentsOf(t table.Table, index int) []segment {
	p := &t.Parts[index]
	var starts []uint32
	edge := func(lo, hi uint32) {
		starts = append(starts, lo)
		if hi < math.MaxUint32 {
			starts = append(starts, hi+1)
		}
	}
	for _, r := range p.Numbers {
		edge(r.Lo, r.Hi)
	}
	for _, rule := range p.Rules {
		for _, r := range rule.Numbers {
			edge(r.Lo, r.Hi)
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)

	var segments []segment
	at := map[uint32]int{} // start to index
	for i, lo := range starts {
		hi := uint32(math.MaxUint32)
		if i+1 < len(starts) {
			hi = starts[i+1] - 1
		}
		for _, r := range p.Numbers {
			if r.Lo <= lo && hi <= r.Hi {
				at[lo] = len(segments)
				segments = append(segments, segment{span: span{lo, hi}, part: p, index: index})
			}
		}
	}
	for i, rule := range p.Rules {
		for _, r := range rule.Numbers {
			for k, ok := at[r.Lo]; ok && k < len(segments) && segments[k].hi <= r.Hi; k++ {
				segments[k].rules = append(segments[k].rules, i)
			}
		}
	}
	return segments
}

func (b *bodies) decision(s segment) decision {
	d := decision{final: b.ns.end(s.part.Default)}
	for _, i := range s.rules {
		r := s.part.Rules[i]
		d.entries = append(d.entries, entry{b.fs.cond(r.Cond), b.ns.end(r.Action)})
	}
	return d
}
