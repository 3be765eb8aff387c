// Package explain says what a filter answers, and why: for every call of an ABI,
// or for one call with the way that it takes through the program.
package explain

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/condition"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Answer is one of the answers that a call may get.
type Answer struct {
	Ret  uint32 // the SECCOMP_RET_* value
	When string // the arguments that get it, in words; "otherwise" for the most of them, empty if all do
}

// answers lists what f says to a call, for all that is not known of it. The
// answer that the most arguments get comes last; of equals, the hardest.
func answers(s *meaning.Space, f meaning.Function, c Call) ([]Answer, error) {
	own := s.At(f, c.Arch.Audit, c.Nr)
	if ret, ok := s.Value(own); ok {
		return []Answer{{Ret: ret}}, nil
	}
	all, err := s.Regions(own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Title(), err)
	}
	var regions []meaning.Region
	for _, r := range all {
		if r.When = c.left(r.When); len(r.When) > 0 {
			regions = append(regions, r)
		}
	}
	if len(regions) == 1 {
		return []Answer{{Ret: regions[0].Answers[0]}}, nil
	}
	slices.SortStableFunc(regions, func(a, b meaning.Region) int {
		return cmp.Or(cmp.Compare(share(a.When), share(b.When)), harder(a.Answers[0], b.Answers[0]))
	})
	var list []Answer
	for i, r := range regions {
		a := Answer{Ret: r.Answers[0], When: "otherwise"}
		if i < len(regions)-1 {
			if a.When, err = condition.Text(c.Arch, c.Name, r.When); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Title(), err)
			}
		}
		list = append(list, a)
	}
	return list, nil
}

// left is what of the clauses remains in question for a call: those that a
// known word contradicts are gone, and known words are not mentioned.
func (c Call) left(when []meaning.Clause) []meaning.Clause {
	var list []meaning.Clause
	for _, clause := range when {
		rest := meaning.Clause{}
		possible := true
		for _, p := range clause {
			if !c.known[p.Word] {
				rest = append(rest, p)
			} else if !p.Set.Has(c.words[p.Word]) {
				possible = false
			}
		}
		if possible {
			list = append(list, rest)
		}
	}
	return list
}

// share is the part of all arguments for which one of the clauses holds, which
// have no arguments in common.
func share(when []meaning.Clause) float64 {
	sum := 0.0
	for _, clause := range when {
		part := 1.0
		for _, p := range clause {
			part *= shareOf(p.Set)
		}
		sum += part
	}
	return sum
}

// shareOf is the part of all words that a set has.
func shareOf(s meaning.Set) float64 {
	n := uint64(0)
	for _, p := range s.Spans {
		n += p.Hi - p.Lo + 1
	}
	for _, c := range s.Cubes {
		n += 1 << (32 - bits.OnesCount64(c.Mask))
	}
	if s.Not {
		n = 1<<32 - n
	}
	return float64(n) / (1 << 32)
}

// Answers lists what a stack of programs, the newest first, may answer to a call,
// for all arguments that are not known.
func Answers(c Call, newest ...[]instruction) ([]Answer, error) {
	s := meaning.NewSpace(meaning.Budget)
	f, err := s.Programs(newest...)
	if err != nil {
		return nil, err
	}
	return answers(s, f, c)
}

// harder orders answers from the mildest, allow, to the hardest: actions rank as
// signed numbers (kernel/seccomp.c, seccomp_run_filters).
func harder(a, b uint32) int { return cmp.Compare(int32(b), int32(a)) }

// argumentWords begin behind the number, the audit value and the instruction
// pointer.
const argumentWords table.Word = 4
