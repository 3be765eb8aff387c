package tree

import (
	"math"
	"math/bits"
	"slices"
)

// run is numbers that lead to the same node, with the weight of the calls that
// take that way.
type run struct {
	span
	to     *Node
	weight float64
}

// Among up to exactRuns runs, every tree is considered that the tests below can
// make. Among up to everyCut, every comparison for order, and equality with the
// outermost runs and the heaviest ones. Among more, comparisons around the middle of
// the weight and equality with a run that outweighs the rest.
const (
	exactRuns = 9
	everyCut  = 64
	fewCuts   = 256
	mostGone  = 2 // of more than exactRuns runs, that equality tests have dealt with
)

// perTest is what a further test in the program costs against a test executed
// in a run of weight 1: little, but of two equally fast trees the smaller wins.
const perTest = 1e-4

// search finds the tests that tell the runs apart. The runs are sorted, cover all
// values that can occur, and neighbours lead to different nodes.
type search struct {
	ns    *nodes
	place place
	runs  []run
	sums  []float64 // sums[i] is the weight of runs[:i]
	test  float64   // what a test in the program costs

	small []*[1 << exactRuns]int32 // of parts of few runs: by the first, and which there are
	whole []int32                  // of parts without gaps: by i*len(runs)+j
	large map[part]int32           // of others
	made  []choice                 // what these are indices of; the first is none
}

// part is the runs from i to j without those whose bit, counted from i, is set
// in gone: other tests have dealt with them. Of more than everyCut, none is gone.
type part struct {
	i, j int
	gone uint64
}

// kind is how a test divides a part.
type kind uint8

const (
	cut   kind = iota // run and all behind it from those before
	value             // run, of one value, from the others
	alike             // run and all that lead where it does from the others, by their bits
)

// choice is the best test for a part; a part that leads to one node needs none.
type choice struct {
	cost float64 // expected instructions times weight, and perTest for each test
	end  *Node
	kind kind
	run  int
	bits Node // the test of an alike
}

func (ns *nodes) search(p place, runs []run) *Node {
	s := search{ns: ns, place: p, runs: runs, sums: make([]float64, len(runs)+1),
		small: make([]*[1 << exactRuns]int32, len(runs)), large: map[part]int32{}, made: ns.choices[:1]}
	if n := len(runs); n <= everyCut {
		s.whole = make([]int32, n*n)
	}
	defer func() {
		ns.choices = s.made
		ns.tables = append(ns.tables, s.small...)
	}()
	for i, r := range runs {
		s.sums[i+1] = s.sums[i] + max(r.weight, 1e-3)
	}
	s.test = perTest * s.sums[len(runs)]
	root := part{0, len(runs) - 1, 0}
	s.best(root)
	return s.node(root)
}

// node makes the nodes that the choices say.
func (s *search) node(p part) *Node {
	p = s.trim(p)
	c := *s.known(p)
	if c.end != nil {
		return c.end
	}
	first, rest := s.divide(p, c.kind, c.run)
	a, b := s.node(first), s.node(rest)
	wa, wb := s.weight(s.trim(first)), s.weight(s.trim(rest))
	// float64 around products keeps compilers from fusing them with the sum, so
	// that the choice is the same on every machine (Go spec, Floating-point operators).
	fromB := s.from(b)
	if c.kind == alike && c.bits.Op == Equal {
		fromB = b.cost // the word is masked, so whoever needs it loads it again
	}
	cost := 1 + (float64(wa*s.from(a))+float64(wb*fromB))/(wa+wb)
	switch c.kind {
	case cut:
		return s.ns.test(s.place, AtLeast, s.runs[c.run].lo, a, b, cost+s.place.load())
	case value:
		return s.ns.test(s.place, Equal, s.runs[c.run].lo, a, b, cost+s.place.load())
	}
	at := place{s.place.word, c.bits.Mask}
	if c.bits.Op == AnyBit {
		return s.ns.test(at, AnyBit, c.bits.K, b, a, cost+at.load())
	}
	return s.ns.test(at, Equal, c.bits.K, a, b, cost+at.load())
}

// from is the cost of going on at n with the search's word in A.
func (s *search) from(n *Node) float64 {
	if !n.IsEnd() && n.place() == s.place {
		return n.cost - s.place.load()
	}
	return n.cost
}

// divide is a part in two, by a test that takes the first apart from the rest.
func (s *search) divide(p part, k kind, r int) (first, rest part) {
	switch k {
	case cut:
		return p.slice(r, p.j), p.slice(p.i, r-1)
	case value:
		rest = part{p.i, p.j, p.gone | 1<<(r-p.i)}
		if p.j-p.i >= everyCut { // only at an end of so many
			rest = p.slice(max(p.i, r+1), p.j)
			if r == p.j {
				rest = p.slice(p.i, r-1)
			}
		}
		return part{r, r, 0}, rest
	}
	first, rest = p, p
	for k := p.i; k <= p.j; k++ {
		if s.runs[k].to == s.runs[r].to {
			rest.gone |= 1 << (k - p.i)
		} else {
			first.gone |= 1 << (k - p.i)
		}
	}
	return first, rest
}

// trim drops runs at both ends that are gone.
func (s *search) trim(p part) part {
	if p.gone == 0 {
		return p
	}
	skip := bits.TrailingZeros64(^p.gone)
	p.i += skip
	p.gone >>= skip
	for p.gone != 0 && p.gone>>(p.j-p.i)&1 != 0 {
		p.gone &^= 1 << (p.j - p.i)
		p.j--
	}
	return p
}

func (p part) has(k int) bool { return p.gone>>(k-p.i)&1 == 0 }

// present has the bits of the runs that are there, counted from i; they are few.
func (p part) present() uint64 { return (1<<(p.j-p.i+1) - 1) &^ p.gone }

// slice is the runs of p from i to j.
func (p part) slice(i, j int) part {
	q := part{i, j, 0}
	if p.gone != 0 {
		q.gone = p.gone >> (i - p.i) & (1<<(j-i+1) - 1)
	}
	return q
}

func (s *search) weight(p part) float64 {
	w := s.sums[p.j+1] - s.sums[p.i]
	for gone := p.gone; gone != 0; gone &= gone - 1 {
		k := p.i + bits.TrailingZeros64(gone)
		w -= s.sums[k+1] - s.sums[k]
	}
	return w
}

// known is the best choice for a part, nil if it has not been looked for.
func (s *search) known(p part) *choice {
	at := int32(0)
	switch {
	case p.j-p.i < exactRuns:
		if s.small[p.i] != nil {
			at = s.small[p.i][p.present()]
		}
	case p.gone == 0 && s.whole != nil:
		at = s.whole[p.i*len(s.runs)+p.j]
	default:
		at = s.large[p]
	}
	if at == 0 {
		return nil
	}
	return &s.made[at]
}

// know makes c the best choice for a part.
func (s *search) know(p part, c choice) {
	at := int32(len(s.made))
	s.made = append(s.made, c)
	switch {
	case p.j-p.i < exactRuns:
		if s.small[p.i] == nil {
			s.small[p.i] = s.ns.table()
		}
		s.small[p.i][p.present()] = at
	case p.gone == 0 && s.whole != nil:
		s.whole[p.i*len(s.runs)+p.j] = at
	default:
		s.large[p] = at
	}
}

// best finds the best choice for a part and returns its cost.
func (s *search) best(p part) float64 {
	p = s.trim(p)
	if c := s.known(p); c != nil {
		return c.cost
	}
	if end := s.single(p); end != nil {
		s.know(p, choice{end: end})
		return 0
	}
	b := choice{cost: math.Inf(1)}
	w := s.weight(p)
	try := func(k kind, run int, bits Node, cost float64) {
		if cost >= b.cost {
			return
		}
		first, rest := s.divide(p, k, run)
		if cost += s.best(first); cost >= b.cost {
			return
		}
		if cost += s.best(rest); cost < b.cost {
			b = choice{cost: cost, kind: k, run: run, bits: bits}
		}
	}
	for _, r := range s.cuts(p) {
		try(cut, r, Node{}, w+s.test)
	}
	for _, r := range s.values(p) {
		try(value, r, Node{}, w+s.test)
	}
	if p.j-p.i < exactRuns {
		for r := p.i; r <= p.j; r++ {
			if bits, cost, ok := s.alike(p, r); ok {
				try(alike, r, bits, cost)
			}
		}
	}
	s.know(p, b)
	return b.cost
}

// single is the one node that all runs of p lead to, if there is one.
func (s *search) single(p part) *Node {
	if p.gone == 0 {
		if p.i == p.j {
			return s.runs[p.i].to
		}
		return nil
	}
	var to *Node
	for k := p.i; k <= p.j; k++ {
		switch {
		case !p.has(k):
		case to == nil:
			to = s.runs[k].to
		case to != s.runs[k].to:
			return nil
		}
	}
	return to
}

// values lists the runs of one value that are worth an equality test.
func (s *search) values(p part) []int {
	only := func(k int) bool { return s.runs[k].lo == s.runs[k].hi }
	var list []int
	if p.j-p.i < exactRuns {
		for k := p.i; k <= p.j; k++ {
			if only(k) && p.has(k) {
				list = append(list, k)
			}
		}
		return list
	}
	for _, k := range []int{p.i, p.j} {
		if only(k) {
			list = append(list, k)
		}
	}
	if p.j-p.i >= everyCut || bits.OnesCount64(p.gone) >= mostGone {
		return list
	}
	heaviest := -1
	for k := p.i + 1; k < p.j; k++ {
		if only(k) && p.has(k) && (heaviest < 0 || s.runs[k].weight > s.runs[heaviest].weight) {
			heaviest = k
		}
	}
	// With less than a quarter of the weight it cannot be the best root where all
	// runs lead to different nodes (Anderson, Kannan, Karloff and Ladner, "Thresholds
	// and optimal binary comparison search trees", 2002).
	if heaviest >= 0 && 4*s.runs[heaviest].weight >= s.weight(p) {
		list = append(list, heaviest)
	}
	return list
}

// cuts lists the runs at whose first value p may be cut in two.
func (s *search) cuts(p part) []int {
	lo, hi := p.i+1, p.j
	if p.j-p.i >= everyCut {
		half := (s.sums[p.i] + s.sums[p.j+1]) / 2
		mid, _ := slices.BinarySearch(s.sums, half)
		near := 0
		if p.j-p.i < fewCuts {
			near = 1
		}
		mid = min(max(mid, lo+near), hi-near)
		lo, hi = mid-near, mid+near
	}
	var list []int
	for k := lo; k <= hi; k++ {
		// A cut at one that is gone has an equal elsewhere.
		if p.has(k) {
			list = append(list, k)
		}
	}
	return list
}

// alike is a single test of bits that tells the runs that lead where r does from
// all others, if there is one, with what it costs and all ways behind it excluded.
// Only the first of such runs is asked.
func (s *search) alike(p part, r int) (Node, float64, bool) {
	if !p.has(r) || s.place.mask != math.MaxUint32 {
		return Node{}, 0, false
	}
	and, or, n := uint32(math.MaxUint32), uint32(0), 0
	for k := p.i; k <= p.j; k++ {
		if !p.has(k) || s.runs[k].to != s.runs[r].to {
			continue
		}
		if k < r {
			return Node{}, 0, false
		}
		a, o := s.runs[k].bits()
		and, or, n = and&a, or|o, n+1
	}
	if n < 2 {
		return Node{}, 0, false // equality or order do it
	}
	mask := ^(and ^ or)
	none := true // of the others has all bits of or's complement clear
	same := true // of the others has the bits that all of these share
	for k := p.i; k <= p.j; k++ {
		if !p.has(k) || s.runs[k].to == s.runs[r].to {
			continue
		}
		if v, ok := nextUnder(or, s.runs[k].lo); ok && v <= s.runs[k].hi {
			none = false
		}
		if s.runs[k].meets(mask, and&mask) {
			same = false
		}
	}
	w := s.weight(p)
	switch {
	case none:
		return Node{Op: AnyBit, Mask: math.MaxUint32, K: ^or}, w + s.test, true
	case same:
		// The mask is an instruction more, and whoever goes on loads the word again.
		_, rest := s.divide(p, alike, r)
		return Node{Op: Equal, Mask: mask, K: and & mask}, float64(2*w) + s.weight(s.trim(rest)) + float64(3*s.test), true
	}
	return Node{}, 0, false
}

// bits are the bits that all numbers of the span have, and those that any has.
func (s span) bits() (and, or uint32) {
	free := uint32(1)<<bits.Len32(s.lo^s.hi) - 1
	return s.lo &^ free, s.hi | free
}

// meets reports whether a number of the span has the value under the mask.
func (s span) meets(mask, value uint32) bool {
	// The least such number that is not below lo has lo's bits down to some place,
	// there a 1 for lo's 0, or is lo itself.
	if s.lo&mask == value {
		return true
	}
	for place := 0; place < 32; place++ {
		bit := uint32(1) << place
		above := ^(bit<<1 - 1)
		if s.lo&bit != 0 || (s.lo^value)&mask&above != 0 || mask&bit != 0 && value&bit == 0 {
			continue
		}
		return s.lo&above|bit|value&mask&(bit-1) <= s.hi
	}
	return false
}

// effortOf is about how much work a search among so many runs is.
func effortOf(runs int) int {
	if runs >= everyCut {
		return 4 * runs
	}
	return runs * runs / 8 * runs / 8
}
