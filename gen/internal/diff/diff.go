// Package diff finds the calls that two filters answer differently.
package diff

import (
	"fmt"
	"math"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/condition"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Change is calls of one ABI to which two filters give different answers, the
// same two for all of them.
type Change struct {
	Arch     *abi.Arch    // nil: through an architecture that is none of the family's
	Name     string       // of the call; empty: numbers that no call has
	Nr       uint32       // of the call, or one such number
	Old, New uint32       // SECCOMP_RET_* values
	When     string       // the arguments for which it holds, in words; empty: all
	Example  meaning.Call // a call that shows it
}

// Kind ranks changes by what they mean to someone who relies on the filter.
type Kind int

// The kinds, the gravest first.
const (
	Widened  Kind = iota // what was denied happens
	Changed              // it happens or is denied as before, by another action
	Narrowed             // what happened is denied
)

func (k Kind) String() string { return [...]string{"widened", "changed", "narrowed"}[k] }

// Kind tells what a change means.
func (c Change) Kind() Kind {
	switch was, is := kernel.Happens(c.Old), kernel.Happens(c.New); {
	case !was && is:
		return Widened
	case was && !is:
		return Narrowed
	}
	return Changed
}

// Programs compares what two stacks of programs for a kernel family, the newest
// first, answer to all calls: of each of the family's ABIs, and through any other
// architecture. The changes come by kind, ABI and name.
func Programs(family string, old, new []kernel.Program) ([]Change, error) {
	s := meaning.NewSpace(meaning.Budget)
	f, err := s.Programs(old...)
	if err != nil {
		return nil, fmt.Errorf("the old filter: %w", err)
	}
	g, err := s.Programs(new...)
	if err != nil {
		return nil, fmt.Errorf("the new filter: %w", err)
	}
	var changes []Change
	var audits []uint32
	for _, arch := range abi.Arches() {
		if arch.Family != family {
			continue
		}
		if !slices.Contains(audits, arch.Audit) {
			audits = append(audits, arch.Audit)
			skipped, err := at(s, arch, f, g, "", math.MaxUint32)
			if err != nil {
				return nil, err
			}
			changes = append(changes, skipped...)
		}
		own, err := calls(s, arch, f, g)
		if err != nil {
			return nil, err
		}
		changes = append(changes, own...)
	}
	other, err := s.Elsewhere(f, g, audits)
	if err != nil {
		return nil, err
	}
	if other != nil {
		changes = append(changes, Change{Old: other.Want, New: other.Got, Nr: other.Call[table.Nr], Example: other.Call})
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return int(a.Kind()) - int(b.Kind()) })
	return changes, nil
}

// calls compares what two functions answer to the calls of one ABI.
func calls(s *meaning.Space, arch *abi.Arch, f, g meaning.Function) ([]Change, error) {
	var changes []Change
	add := func(name string, nr uint32) error {
		own, err := at(s, arch, f, g, name, nr)
		changes = append(changes, own...)
		return err
	}
	var known []uint32
	for _, name := range abi.Calls() {
		nr, ok := arch.Number(name)
		if !ok {
			continue
		}
		known = append(known, nr)
		if err := add(name, nr); err != nil {
			return nil, err
		}
	}
	rest, err := s.Unlike(f, g, arch, known)
	if err != nil {
		return nil, err
	}
	for _, nr := range rest {
		if err := add("", nr); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// at compares the answers to one number.
func at(s *meaning.Space, arch *abi.Arch, f, g meaning.Function, name string, nr uint32) ([]Change, error) {
	own, other := s.At(f, arch.Audit, nr), s.At(g, arch.Audit, nr)
	if own == other {
		return nil, nil
	}
	regions, err := s.Regions(own, other)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var changes []Change
	for _, r := range regions {
		if r.Answers[0] == r.Answers[1] {
			continue
		}
		when, err := condition.Text(arch, name, r.When)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c := Change{Arch: arch, Name: name, Nr: nr, Old: r.Answers[0], New: r.Answers[1], When: when, Example: r.Example}
		c.Example[table.Arch], c.Example[table.Nr] = arch.Audit, nr
		changes = append(changes, c)
	}
	return changes, nil
}
