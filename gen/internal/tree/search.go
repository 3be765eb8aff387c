package tree

import (
	"cmp"
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
// make. Among up to everyWay, all comparisons for order, and equality with the outermost
// runs and the heaviest ones, which up to 14 runs has always found the best. Among up to
// everyCut, comparisons for order that leave some of the weight on either side; among
// more, those around the middle of the weight, and equality with the outermost.
const (
	exactRuns = 9
	everyCut  = 64
	fewCuts   = 256
	everyWay  = 24
	balance   = 0.2
	mostGone  = 4 // of more than exactRuns runs, that equality tests have dealt with
)

// search finds the tests that tell the runs apart. The runs are sorted and cover all
// values that can occur. Neighbours lead to different nodes, but for two that were one
// run of two values.
type search struct {
	ns    *nodes
	place place
	runs  []run
	sums  []float64 // sums[i] is the weight of runs[:i]
	test  float64   // what an instruction in the program costs, if it is not executed
	next  []int     // the next run that leads to the same node, len(runs) if there is none
	last  []int     // the one before, or -1

	small []*[1 << exactRuns]int32 // of parts of few runs: by the first, and which there are
	whole []int32                  // of parts of up to everyCut runs without gaps: by i*everyCut+j-i
	large map[part]int32           // of others
	made  []choice                 // what these are indices of; the first is none
	lower map[within]choice        // of parts whose best choice is too high
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
	cost   float64 // expected instructions times weight, and perInstruction for each
	height int     // of the longest way, in instructions
	end    *Node
	kind   kind
	run    int
	bits   masked // of an alike
}

// within is a part with the height that a way through it may have.
type within struct {
	part
	height int
}

// masked is a test of bits: whether the word has any of mask's, or what it has of
// them is value.
type masked struct {
	any         bool
	mask, value uint32
}

// search returns the node that tells the runs apart. The longest way is made shorter as
// long as the cost stays below level times the least.
func (ns *nodes) search(p place, runs []run, level float64) *Node {
	runs = halved(runs)
	s := search{ns: ns, place: p, runs: runs, sums: make([]float64, len(runs)+1),
		next: make([]int, len(runs)), last: make([]int, len(runs)),
		small: make([]*[1 << exactRuns]int32, len(runs)), large: map[part]int32{}, made: ns.choices[:1], lower: map[within]choice{}}
	if len(runs) > exactRuns {
		s.whole = make([]int32, len(runs)*everyCut)
	}
	defer func() {
		ns.choices = s.made
		ns.tables = append(ns.tables, s.small...)
	}()
	at := map[*Node]int{}
	for i, r := range runs {
		s.sums[i+1] = s.sums[i] + max(r.weight, 1e-3)
		s.next[i], s.last[i] = len(runs), -1
		if before, ok := at[r.to]; ok {
			s.next[before], s.last[i] = i, before
		}
		at[r.to] = i
	}
	s.test = perInstruction * s.sums[len(runs)]
	root := part{0, len(runs) - 1, 0}
	cost := s.best(root)
	height := s.known(root).height
	for level > 1 && len(runs) <= everyCut && s.under(root, height-1, level*cost) <= level*cost {
		height--
	}
	return s.node(root, height)
}

// halved makes two runs of each that has two values, if that is not too many: two
// equality tests take one value after the other, where comparisons for order take both
// times two.
func halved(runs []run) []run {
	n := len(runs)
	for _, r := range runs {
		if r.hi-r.lo == 1 {
			n++
		}
	}
	if n > everyCut {
		return runs
	}
	list := make([]run, 0, n)
	for _, r := range runs {
		if r.hi-r.lo == 1 {
			half := r.weight / 2
			list = append(list, run{span{r.lo, r.lo}, r.to, half}, run{span{r.hi, r.hi}, r.to, half})
			continue
		}
		list = append(list, r)
	}
	return list
}

// node makes the nodes that the choices say.
func (s *search) node(p part, height int) *Node {
	p = s.trim(p)
	c := *s.known(p)
	if c.height > height {
		c = s.lower[within{p, height}]
	}
	if c.end != nil {
		return c.end
	}
	first, rest := s.divide(p, c.kind, c.run)
	a, b := s.node(first, height-1), s.node(rest, height-c.behind())
	wa, wb := s.weight(s.trim(first)), s.weight(s.trim(rest))
	// float64 around products keeps compilers from fusing them with the sum, so
	// that the choice is the same on every machine (Go spec, Floating-point operators).
	fromB := s.from(b)
	if c.kind == alike && !c.bits.any {
		fromB = b.cost // the word is masked, so whoever needs it loads it again
	}
	cost := 1 + (float64(wa*s.from(a))+float64(wb*fromB))/(wa+wb)
	switch c.kind {
	case cut:
		return s.ns.test(s.place, AtLeast, s.runs[c.run].lo, a, b, wa > wb, cost+s.place.load())
	case value:
		return s.ns.test(s.place, Equal, s.runs[c.run].lo, a, b, wa > wb, cost+s.place.load())
	}
	if c.bits.any {
		return s.ns.test(s.place, AnyBit, c.bits.mask, b, a, wb > wa, cost+s.place.load())
	}
	at := place{s.place.word, c.bits.mask}
	return s.ns.test(at, Equal, c.bits.value, a, b, wa > wb, cost+at.load())
}

// behind is how many instructions come before those for the rest of a part.
func (c choice) behind() int {
	if c.kind == alike && !c.bits.any {
		return 3 // the mask, the test, and the word again
	}
	return 1
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
	var class uint64
	for k := r; k <= p.j; k = s.next[k] {
		class |= 1 << (k - p.i)
	}
	return part{p.i, p.j, p.gone | ^class&(1<<(p.j-p.i+1)-1)}, part{p.i, p.j, p.gone | class}
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
	case p.gone == 0 && p.j-p.i < everyCut:
		at = s.whole[p.i*everyCut+p.j-p.i]
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
	case p.gone == 0 && p.j-p.i < everyCut:
		s.whole[p.i*everyCut+p.j-p.i] = at
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
	s.tests(p, func(k kind, run int, bits masked, cost float64) {
		if cost >= b.cost {
			return
		}
		first, rest := s.divide(p, k, run)
		if cost += s.best(first); cost >= b.cost {
			return
		}
		if cost += s.best(rest); cost < b.cost {
			b = choice{kind: k, run: run, bits: bits, cost: cost}
		}
	})
	first, rest := s.divide(p, b.kind, b.run)
	b.height = max(1+s.known(s.trim(first)).height, b.behind()+s.known(s.trim(rest)).height)
	s.know(p, b)
	return b.cost
}

// under is what a part costs if no way through it may be longer than the height, or
// infinity if that is more than the limit. The tests are tried in the order of what they
// would cost without regard to the height, which is the least that they can cost.
func (s *search) under(p part, height int, limit float64) float64 {
	cost := s.best(p)
	p = s.trim(p)
	if s.known(p).height <= height {
		return cost
	}
	if cost > limit || height <= 0 {
		return math.Inf(1)
	}
	c, ok := s.lower[within{p, height}]
	if ok && (c.end == nil || limit <= c.cost) {
		return c.within(limit)
	}
	type candidate struct {
		choice
		least float64
	}
	var candidates []candidate
	s.tests(p, func(k kind, run int, bits masked, cost float64) {
		first, rest := s.divide(p, k, run)
		least := cost + s.best(first) + s.best(rest)
		candidates = append(candidates, candidate{choice{kind: k, run: run, bits: bits, cost: cost}, least})
	})
	slices.SortFunc(candidates, func(a, b candidate) int { return cmp.Compare(a.least, b.least) })
	b := choice{cost: limit, end: nothing}
	for _, c := range candidates {
		if c.least > b.cost {
			break
		}
		first, rest := s.divide(p, c.kind, c.run)
		spare := b.cost - c.least
		above := s.under(first, height-1, s.best(first)+spare)
		if c.cost += above + s.under(rest, height-c.behind(), s.best(rest)+spare); c.cost <= b.cost {
			b = c.choice
		}
	}
	s.lower[within{p, height}] = b
	return b.within(limit)
}

// nothing is the end of a choice for a part that costs more than the choice says.
var nothing = &Node{}

func (c choice) within(limit float64) float64 {
	if c.end == nothing || c.cost > limit {
		return math.Inf(1)
	}
	return c.cost
}

// tests goes through the tests that are worth considering for a part that needs one,
// with what each costs without what comes behind it.
func (s *search) tests(p part, each func(k kind, run int, bits masked, cost float64)) {
	w := s.weight(p)
	few := p.j-p.i < exactRuns
	// Of tests that cost the same the first is taken: the one that is easiest to read.
	if few {
		for r := p.i; r <= p.j; r++ {
			if p.has(r) && s.runs[r].lo == s.runs[r].hi {
				each(value, r, masked{}, w+s.size(s.runs[r].lo))
			}
		}
	} else {
		for _, r := range [...]int{p.i, p.j, s.heaviest(p, w)} {
			if r >= 0 && s.runs[r].lo == s.runs[r].hi {
				each(value, r, masked{}, w+s.size(s.runs[r].lo))
			}
		}
	}
	// A cut at one that is gone has an equal elsewhere, and one between two that lead
	// to the same node has a better one at either's other end.
	between := func(r, last int) (any bool) {
		before := s.runs[r-1].to
		if !p.has(r - 1) {
			before = nil
		}
		for ; r <= last; r++ {
			if p.has(r) {
				if s.runs[r].to != before {
					each(cut, r, masked{}, w+s.size(s.runs[r].lo))
					any = true
				}
				before = s.runs[r].to
			}
		}
		return any
	}
	if !between(s.cuts(p)) {
		between(p.i+1, p.j)
	}
	for r := p.i; few && r <= p.j; r++ {
		if s.next[r] <= p.j && p.has(r) {
			if bits, cost, ok := s.alike(p, r, w); ok {
				each(alike, r, bits, cost)
			}
		}
	}
}

// single is the one node that all runs of p lead to, if there is one.
func (s *search) single(p part) *Node {
	if p.gone == 0 && p.j-p.i > 1 {
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

// heaviest is a run of one value, other than the outermost, that may be worth an
// equality test, or -1. The weight of p is w.
func (s *search) heaviest(p part, w float64) int {
	if p.j-p.i >= everyCut || bits.OnesCount64(p.gone) >= mostGone {
		return -1
	}
	best := -1
	for k := p.i + 1; k < p.j; k++ {
		if s.runs[k].lo == s.runs[k].hi && p.has(k) && (best < 0 || s.runs[k].weight > s.runs[best].weight) {
			best = k
		}
	}
	// With less than a quarter of the weight it cannot be the best root where all
	// runs lead to different nodes (Anderson, Kannan, Karloff and Ladner, "Thresholds
	// and optimal binary comparison search trees", 2002).
	if best >= 0 && 4*s.runs[best].weight < w {
		return -1
	}
	return best
}

// cuts are the first and the last run at whose first value p may be cut in two.
func (s *search) cuts(p part) (lo, hi int) {
	lo, hi = p.i+1, p.j
	if p.j-p.i < everyWay {
		return lo, hi
	}
	w := s.sums[p.j+1] - s.sums[p.i]
	if p.j-p.i < everyCut {
		a, _ := slices.BinarySearch(s.sums, s.sums[p.i]+float64(balance*w))
		b, _ := slices.BinarySearch(s.sums, s.sums[p.j+1]-float64(balance*w))
		return min(max(a-1, lo), hi), max(min(b, hi), lo)
	}
	half := (s.sums[p.i] + s.sums[p.j+1]) / 2
	mid, _ := slices.BinarySearch(s.sums, half)
	near := 0
	if p.j-p.i < fewCuts {
		near = 1
	}
	mid = min(max(mid, lo+near), hi-near)
	return mid - near, mid + near
}

// alike is a single test of bits that tells the runs that lead where r does from
// all others, if there is one, with what it costs and all ways behind it excluded.
// Only the first of such runs is asked.
func (s *search) alike(p part, r int, w float64) (masked, float64, bool) {
	if s.place.mask != math.MaxUint32 {
		return masked{}, 0, false
	}
	for k := s.last[r]; k >= p.i; k = s.last[k] {
		if p.has(k) {
			return masked{}, 0, false
		}
	}
	and, or, n := uint32(math.MaxUint32), uint32(0), 0
	for k := r; k <= p.j; k = s.next[k] {
		if p.has(k) {
			a, o := s.runs[k].bits()
			and, or, n = and&a, or|o, n+1
		}
	}
	if n < 2 {
		return masked{}, 0, false // equality or order do it
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
	switch {
	case none:
		return masked{true, ^or, 0}, w + s.size(^or), true
	case same:
		// The mask is an instruction more, and whoever goes on loads the word again.
		_, rest := s.divide(p, alike, r)
		return masked{false, mask, and & mask}, float64(2*w) + s.weight(s.trim(rest)) + s.size(and&mask) + float64(2*s.test), true
	}
	return masked{}, 0, false
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
	switch {
	case runs > everyCut:
		return 1 << 4 * runs
	case runs > exactRuns:
		return runs * runs / 8 * runs / 8
	}
	return 1 << runs / 8
}
