package tree

import (
	"math"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Weights say how often calls are made, for which the tree is made fast. The zero
// value are those of a program of which nothing is known.
type Weights struct {
	Uniform bool               // each call that is ever allowed counts the same, and no other counts
	Counts  map[string]float64 // of calls by name, as counted; nil: not known
}

// What a call costs is the instructions that the kernel executes for it. It executes
// none for a number that filters allow whatever the arguments, which it remembers
// (kernel/seccomp.c, seccomp_cache_prepare; since Linux 5.11, but never on MIPS, and
// not for x32), so such calls weigh little, for the kernels of before, and those that
// do run the filter much. Calls that end the process weigh least, and all that no rule
// names as much as one of these.
const (
	runsFilter = 8
	cached     = 1
	unusual    = 0.1
)

const (
	retAllow       = 0x7fff0000
	retKillProcess = 0x80000000
	retKillThread  = 0x00000000
)

// segment is what the calls of a segment count together, if to answers them.
func (w Weights) segment(s segment, to *Node) float64 {
	named := slices.ContainsFunc(s.rules, func(i int) bool { return s.part.Rules[i].Source != table.FromNewer })
	if !named && w.Counts == nil {
		return unusual
	}
	// No table has more numbers than this that calls have.
	const most = 1 << 12
	sum := 0.0
	for nr := uint64(s.lo); nr <= min(uint64(s.hi), uint64(s.lo)+most); nr++ {
		sum += w.call(s.part, uint32(nr), to)
	}
	return max(sum, unusual)
}

func (w Weights) call(p *table.Part, nr uint32, to *Node) float64 {
	kills := to.IsEnd() && (to.Action == retKillProcess || to.Action == retKillThread)
	allows := to.IsEnd() && to.Action == retAllow
	remembered := allows && p.Arch.Cached(nr)
	switch {
	case w.Counts != nil && remembered:
		return cached / float64(runsFilter) * w.Counts[p.Arch.CallName(nr)]
	case w.Counts != nil:
		return w.Counts[p.Arch.CallName(nr)]
	case w.Uniform && (allows || !to.IsEnd()):
		return 1
	case w.Uniform || kills:
		return unusual
	case remembered:
		return cached
	}
	return runsFilter
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

// load is the number of instructions that bring the place into A.
func (p place) load() float64 {
	if p.mask == math.MaxUint32 {
		return 1
	}
	return 2
}
