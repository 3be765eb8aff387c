package tree

import (
	"math"
	"slices"
)

// run is numbers that lead to the same node, with the weight of the calls that
// take that way.
type run struct {
	span
	to     *Node
	weight float64
}

// Up to exactRuns runs, every tree of comparisons is considered; up to
// everyCut, every place to cut at but equality tests at the two outermost runs
// only; up to fewCuts, no equality tests and the places around the middle of the
// weight; beyond, the middle.
const (
	exactRuns = 9
	everyCut  = 64
	fewCuts   = 256
)

// perTest is what a further test in the program costs against a test executed
// in a run of weight 1: little, but of two equally fast trees the smaller wins.
const perTest = 1e-4

// search finds the comparisons that tell the runs apart. The runs are sorted,
// cover all values that can occur, and neighbours lead to different nodes.
type search struct {
	ns    *nodes
	place place
	runs  []run
	sums  []float64 // sums[i] is the weight of runs[:i]
	small []*[1 << exactRuns]int32 // of parts of few runs: by the first, and which there are
	large map[[2]int]int32         // of others, which have no gaps, by i and j
	made  []choice                 // what these are indices of; the first is none
}

// known is the best choice for a part, nil if it has not been looked for.
func (s *search) known(p part) *choice {
	at := int32(0)
	if p.j-p.i >= exactRuns {
		at = s.large[[2]int{p.i, p.j}]
	} else if s.small[p.i] != nil {
		at = s.small[p.i][p.present()]
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
	if p.j-p.i >= exactRuns {
		s.large[[2]int{p.i, p.j}] = at
		return
	}
	if s.small[p.i] == nil {
		s.small[p.i] = s.ns.table()
	}
	s.small[p.i][p.present()] = at
}

// part is the runs from i to j without those whose bit, counted from i, is set
// in gone: equality tests have dealt with them.
type part struct {
	i, j int
	gone uint16
}

// choice is the best test for a part; a part that leads to one node needs none.
type choice struct {
	cost    float64 // expected tests times weight, and perTest for each test
	end     *Node
	op      Op
	k       uint32
	yes, no part
}

func (ns *nodes) search(p place, runs []run) *Node {
	s := search{ns: ns, place: p, runs: runs, sums: make([]float64, len(runs)+1),
		small: make([]*[1 << exactRuns]int32, len(runs)), large: map[[2]int]int32{}, made: ns.choices[:1]}
	defer func() {
		ns.choices = s.made
		ns.tables = append(ns.tables, s.small...)
	}()
	for i, r := range runs {
		s.sums[i+1] = s.sums[i] + max(r.weight, 1e-3)
	}
	root := part{0, len(runs) - 1, 0}
	s.best(root)
	return s.node(root)
}

// node makes the nodes that the choices say.
func (s *search) node(p part) *Node {
	p = s.trim(p)
	c := s.known(p)
	if c.end != nil {
		return c.end
	}
	yes, no := s.node(c.yes), s.node(c.no)
	wYes, wNo := s.weight(s.trim(c.yes)), s.weight(s.trim(c.no))
	// float64 around products keeps compilers from fusing them with the sum, so
	// that the choice is the same on every machine (Go spec, Floating-point operators).
	cost := 1 + (float64(wYes*s.from(yes))+float64(wNo*s.from(no)))/(wYes+wNo)
	return s.ns.test(s.place, c.op, c.k, yes, no, cost+s.place.load())
}

// from is the cost of going on at n with the search's word in A.
func (s *search) from(n *Node) float64 {
	if !n.IsEnd() && n.place() == s.place {
		return n.cost - s.place.load()
	}
	return n.cost
}

// load is the number of instructions that bring the place into A.
func (p place) load() float64 {
	if p.mask == math.MaxUint32 {
		return 1
	}
	return 2
}

// trim drops runs at both ends that are gone.
func (s *search) trim(p part) part {
	for p.gone&1 != 0 {
		p.i++
		p.gone >>= 1
	}
	for p.gone != 0 && p.gone>>(p.j-p.i)&1 != 0 {
		p.gone &^= 1 << (p.j - p.i)
		p.j--
	}
	return p
}

// present has the bits of the runs that are there, counted from i; they are few.
func (p part) present() uint16 { return (1<<(p.j-p.i+1) - 1) &^ p.gone }

func (p part) has(k int) bool { return p.gone == 0 || p.gone>>(k-p.i)&1 == 0 }

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
	for k := p.i; p.gone != 0 && k <= p.j; k++ {
		if !p.has(k) {
			w -= s.sums[k+1] - s.sums[k]
		}
	}
	return w
}

func (s *search) best(p part) float64 {
	p = s.trim(p)
	if c := s.known(p); c != nil {
		return c.cost
	}
	if end := s.single(p); end != nil {
		s.know(p, choice{end: end})
		return 0
	}
	c := choice{cost: math.Inf(1)}
	w := s.weight(p)
	try := func(op Op, k uint32, yes, no part) {
		cost := w + float64(perTest*s.sums[len(s.runs)])
		if cost >= c.cost {
			return
		}
		if cost += s.best(yes); cost >= c.cost {
			return
		}
		if cost += s.best(no); cost < c.cost {
			c = choice{cost: cost, op: op, k: k, yes: s.trim(yes), no: s.trim(no)}
		}
	}
	for _, k := range s.cuts(p) {
		try(AtLeast, s.runs[k].lo, p.slice(k, p.j), p.slice(p.i, k-1))
	}
	for _, k := range s.equals(p) {
		without := s.trim(part{p.i, p.j, 0}.minus(k, p.gone))
		try(Equal, s.runs[k].lo, part{k, k, 0}, without)
	}
	s.know(p, c)
	return c.cost
}

// minus is the part with run k gone too.
func (p part) minus(k int, gone uint16) part {
	switch k {
	case p.i:
		return part{p.i + 1, p.j, gone >> 1}
	case p.j:
		return part{p.i, p.j - 1, gone}
	}
	p.gone = gone | 1<<(k-p.i)
	return p
}

// single is the one node that all runs of p lead to, if there is one.
func (s *search) single(p part) *Node {
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

// equals lists the runs of one value that are worth an equality test.
func (s *search) equals(p part) []int {
	var ks []int
	if p.j-p.i >= everyCut {
		return nil
	}
	for k := p.i; k <= p.j; k++ {
		inner := k != p.i && k != p.j
		if inner && p.j-p.i >= exactRuns {
			k = p.j - 1
			continue
		}
		if s.runs[k].lo == s.runs[k].hi && p.has(k) {
			ks = append(ks, k)
		}
	}
	return ks
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
	var ks []int
	for k := lo; k <= hi; k++ {
		// A cut between runs that lead to the same node, or at one that is
		// gone, has an equal elsewhere.
		if p.has(k) {
			ks = append(ks, k)
		}
	}
	return ks
}

// effortOf is about how much work a search among so many runs is.
func effortOf(runs int) int {
	if runs >= everyCut {
		return 4 * runs
	}
	return runs * runs / 8 * runs / 8
}
