package tree

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// someRuns are n runs that lead to some of four ends, many of them of one value.
func someRuns(r *rand.Rand, ns *nodes, n int) []run {
	var runs []run
	next := uint32(0)
	for i := range n {
		width := uint32(1)
		if r.IntN(3) == 0 {
			width += uint32(r.IntN(1 << (1 + r.IntN(8))))
		}
		s := span{next, next + width - 1}
		if i == n-1 {
			s.hi = math.MaxUint32
		}
		next = s.hi + 1
		to := ns.end(uint32(r.IntN(4)))
		for i > 0 && to == runs[i-1].to {
			to = ns.end(uint32(r.IntN(4)))
		}
		runs = append(runs, run{s, to, float64(1 + r.IntN(3)*r.IntN(3)*r.IntN(30))})
	}
	return runs
}

// expected is what a tree costs as search counts it, by walking it for each run: the
// instructions from the loaded word on, weighed.
func expected(t *testing.T, root *Node, runs []run) float64 {
	sum := 0.0
	for _, r := range runs {
		for i, v := range []uint32{r.lo, r.hi, r.lo + (r.hi-r.lo)/2} {
			steps := 0.0
			n := root
			loaded := true
			for !n.IsEnd() {
				mask := uint32(math.MaxUint32)
				if n.Op == Equal && n.Mask != mask {
					mask = n.Mask
					steps++
				}
				if !loaded {
					steps++
				}
				loaded = mask == math.MaxUint32
				yes := v&mask == n.K
				switch n.Op {
				case AtLeast:
					yes = v >= n.K
				case AnyBit:
					yes = v&n.K != 0
				}
				steps++
				if yes {
					n = n.Yes
				} else {
					n = n.No
				}
			}
			if n != r.to {
				t.Fatalf("%#x leads to %#x and not to %#x", v, n.Action, r.to.Action)
			}
			if i == 0 {
				sum += r.weight * steps
			}
		}
	}
	return sum
}

// least is the cost of the best of all trees for the runs whose bit is set in left,
// found by trying every test at every place.
func least(runs []run, left uint, memo map[uint]float64) float64 {
	if c, ok := memo[left]; ok {
		return c
	}
	var to *Node
	one := true
	w := 0.0
	for i, r := range runs {
		if left>>i&1 == 1 {
			one = one && (to == nil || to == r.to)
			to = r.to
			w += r.weight
		}
	}
	if one {
		return 0
	}
	best := math.Inf(1)
	divide := func(yes uint, cost float64) {
		if yes &= left; yes != 0 && yes != left {
			best = min(best, cost+least(runs, yes, memo)+least(runs, left&^yes, memo))
		}
	}
	for i := range runs {
		divide(^uint(0)<<i, w)
		if runs[i].lo == runs[i].hi {
			divide(1<<i, w)
		}
	}
	memo[left] = best
	return best
}

func TestNoTreeOfComparisonsIsBetter(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	better := 0
	const tries = 5000
	for range tries {
		ns := &nodes{unique: map[Node]*Node{}, choices: make([]choice, 1)}
		runs := someRuns(r, ns, 2+r.IntN(6))
		root := ns.search(place{table.Nr, math.MaxUint32}, runs, 1)
		single := halved(runs)
		got := expected(t, root, single)
		if len(single) > exactRuns {
			continue
		}
		want := least(single, 1<<len(single)-1, map[uint]float64{})
		total := 0.0
		for _, r := range runs {
			total += r.weight
		}
		if got > want+perInstruction*total*float64(len(runs)) {
			t.Fatalf("the tree costs %v, and %v is possible, for %v", got, want, runs)
		}
		if got < want-1e-9 {
			better++
		}
	}
	t.Logf("%d of %d are better than any tree of comparisons, by tests of bits", better, tries)
}

// Beyond exactRuns not every tree is considered, and this is what that costs.
func TestTreesOfMoreRunsAreNearlyTheBest(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	const tries = 300
	sum, most := 0.0, 0.0
	for range tries {
		ns := &nodes{unique: map[Node]*Node{}, choices: make([]choice, 1)}
		runs := someRuns(r, ns, exactRuns+1+r.IntN(5))
		single := halved(runs)
		if len(single) > 16 {
			continue
		}
		got := expected(t, ns.search(place{table.Nr, math.MaxUint32}, runs, 1), single)
		want := least(single, 1<<len(single)-1, map[uint]float64{})
		sum += max(got/want-1, 0)
		most = max(most, got/want-1)
	}
	t.Logf("with %d to %d runs, trees cost %.3f%% more than the best of comparisons, at most %.1f%%", exactRuns+1, exactRuns+5, 100*sum/tries, 100*most)
	if most > 1e-3 {
		t.Error("that is more than it was")
	}
}

// Whatever the weights and however many runs, each value leads where it should.
func TestTreesLeadWhereTheyShould(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for range 300 {
		ns := &nodes{unique: map[Node]*Node{}, choices: make([]choice, 1)}
		runs := someRuns(r, ns, 2+r.IntN(300))
		for i := range runs {
			runs[i].weight = math.Exp(r.NormFloat64() * 5)
		}
		expected(t, ns.search(place{table.Nr, math.MaxUint32}, runs, 1+r.Float64()/20), runs)
	}
}

func TestALowerTreeCostsLittleMore(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	lower := 0
	for range 200 {
		ns := &nodes{unique: map[Node]*Node{}, choices: make([]choice, 1)}
		runs := someRuns(r, ns, 2+r.IntN(70))
		p := place{table.Nr, math.MaxUint32}
		single := halved(runs)
		best, level := ns.search(p, runs, 1), ns.search(p, runs, 1.02)
		cost, now := expected(t, best, single), expected(t, level, single)
		if now > 1.021*cost || level.longest() > best.longest() {
			t.Fatalf("from %v and %d instructions at most to %v and %d", cost, best.longest(), now, level.longest())
		}
		if level.longest() < best.longest() {
			lower++
		}
	}
	t.Logf("%d of 200 are lower", lower)
	if lower == 0 {
		t.Error("none is lower")
	}
}

// longest is how many instructions a way from a loaded word takes at most.
func (n *Node) longest() int {
	if n.IsEnd() {
		return 0
	}
	rest, own := n.No.longest(), 1
	if n.Op == Equal && n.Mask != math.MaxUint32 {
		own++
		if !n.No.IsEnd() {
			rest++
		}
	}
	return own + max(n.Yes.longest(), rest)
}
