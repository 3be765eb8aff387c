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
