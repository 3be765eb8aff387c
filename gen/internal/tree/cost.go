package tree

import (
	"math"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Weights say how often calls are made, for which the tree is made fast. The zero
// value are those of a program of which nothing is known.
type Weights struct {
	Uniform bool               // each call that is ever allowed counts the same, and no other counts
	Counts  map[string]float64 // of calls by name, as counted; nil: not known
}

// What a call costs is the instructions that the kernel executes for it, 0.1 to 0.3 ns
// each where they are compiled, on top of some 30 ns for having a filter and 15 to 20 ns
// for running one. It executes none for a number that filters allow whatever the
// arguments, which it remembers: since Linux 5.11 on all architectures here but MIPS, and
// not for x32's numbers (kernel/seccomp.c, seccomp_cache_prepare; abi.Arch.Cached has it by
// architecture). So such calls weigh little, for the kernels of before, and those that do
// run the filter much, together at least two fifths of the former. On MIPS and x32 all
// allowed calls do. Calls that end the process weigh least, and all that no rule names
// as much as one of these.
const (
	RunsFilter = 8
	Remembered = 1
	Unusual    = 0.3
	share      = 0.4
)

// perInstruction is what an instruction in the program costs against one executed
// in a run of weight 1: little, but of two equally fast trees the smaller wins.
// Instructions are counted as the kernel converts them (net/core/filter.c,
// bpf_convert_filter; kernel.Converted): a test is one, and one more if its constant
// has bit 31 set. A test without a way straight on is one more too, and so is one of
// bits whose way straight on is that for yes; that is up to package program, which lays
// the likely way straight on, and the other way of a test of bits.
const perInstruction = 1e-4

// size is what a test against k adds to the program.
func (s *search) size(k uint32) float64 {
	if k>>31 == 1 {
		return float64(2 * s.test)
	}
	return s.test
}

// counted is the weight of all calls together where they were counted.
const counted = 1000

// segments is what the calls of each segment count together.
func (w Weights) segments(segments []segment) []float64 {
	var runs, others, counts float64
	for _, s := range segments {
		s.calls(func(nr uint32) {
			switch counts += w.Counts[s.part.Arch.CallName(nr)]; s.kind(nr) {
			case RunsFilter:
				runs++
			case Remembered:
				others++
			}
		})
	}
	heavy := max(RunsFilter, share*others/max(runs, 1))
	weights := make([]float64, len(segments))
	for i, s := range segments {
		s.calls(func(nr uint32) {
			kind := s.kind(nr)
			switch {
			case w.Counts != nil:
				weights[i] += float64(counted / max(counts, 1) * w.Counts[s.part.Arch.CallName(nr)] * max(kind, Remembered) / RunsFilter)
			case w.Uniform && (s.to.Action == kernel.RetAllow || !s.to.IsEnd()):
				weights[i]++
			case w.Uniform:
			case kind == RunsFilter:
				weights[i] += heavy
			default:
				weights[i] += kind
			}
		})
		weights[i] = max(weights[i], Unusual)
	}
	return weights
}

// level is how much more the search for numbers may cost for a shorter longest way: a
// little, where the weights are a guess.
func (w Weights) level() float64 {
	if w.Uniform || w.Counts != nil {
		return 1.001
	}
	return 1.02
}

// calls goes through the numbers of a segment that a rule names.
func (s segment) calls(each func(nr uint32)) {
	if !slices.ContainsFunc(s.rules, func(i int) bool { return s.part.Rules[i].Source != table.FromNewer }) {
		return
	}
	const most = 1 << 12 // no table has more numbers that calls have
	for nr := uint64(s.lo); nr <= min(uint64(s.hi), uint64(s.lo)+most); nr++ {
		each(uint32(nr))
	}
}

// kind is the weight of a number of the segment, by what it costs.
func (s segment) kind(nr uint32) float64 {
	switch {
	case !s.to.IsEnd():
		return RunsFilter
	case kernel.Kills(s.to.Action):
		return Unusual
	case s.to.Action == kernel.RetAllow && s.part.Arch.Cached(nr):
		return Remembered
	}
	return RunsFilter
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
