// Package lint finds what is wrong with a filter that does what it says: holes
// that others have fallen into, rules that decide nothing, calls that programs
// need and nobody thinks of.
//
// Where it can, it asks the filter's meaning and not how it was written, so that
// most checks work on a filter of any origin; those on single rules need the
// table that it was made from.
package lint

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Severity says how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Error   Severity = "error"   // the filter lets through, or breaks, what it was written for
	Warning Severity = "warning" // it very likely does
	Note    Severity = "note"    // worth knowing; may well be meant
)

var severities = []Severity{Error, Warning, Note}

// Finding is one thing that is wrong.
type Finding struct {
	Severity Severity
	Rule     string      // one of Rules, or ignore or unused-ignore
	Policy   string      // empty: it is about the package
	Made     []dsl.Frame // of the policy's rule, innermost first, or of the policy; may be empty
	Arches   []dsl.Arch
	Calls    []string
	Why      string
	Fix      string

	policy int // index into the subjects
	rule   int // index into the policy's rules; noRule
}

// noRule is the rule of a finding about the policy as a whole.
const noRule = -1

// Filter is a program to look at.
type Filter struct {
	Arches  []*abi.Arch
	Program kernel.Program
	Table   *table.Table // nil: not known
}

// Subject is the filters of one policy, with what is known of their making.
type Subject struct {
	Name    string
	Made    dsl.Frame   // of the policy; may be zero
	Policy  *dsl.Policy // nil: not known
	Profile bool        // Policy was an OCI profile
	Filters []Filter
	Earlier []Filter // of the stages that are installed before
}

// checks are all there is to find.
var checks = []func(*view) []Finding{
	unreachable,
	redundant,
	idleConditions,
	notEqualTwice,
	wideCompare,
	cutArgument,
	multiplexed,
	clone3,
	twins,
	time64,
	terminal,
	cryptoSockets,
	dangerous,
	writableCode,
	listener,
	vital,
	answers,
	denyList,
	foreign,
	stage,
}

// Find returns the findings about the policies of a package, the worst first, but
// for those that the author ignores with a reason.
func Find(subjects ...*Subject) ([]Finding, error) {
	var found [][]Finding
	for i, s := range subjects {
		own, err := find(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		for j := range own {
			own[j].Policy, own[j].policy = s.Name, i
		}
		found = append(found, own)
	}
	var all []Finding
	ignore := comments{}
	for i, s := range subjects {
		for _, f := range found[i] {
			if !s.borrowed(f) && !shared(subjects, found, f) && !ignore.heeds(s, f) {
				all = append(all, f)
			}
		}
	}
	all = append(all, ignore.idle(subjects)...)
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(slices.Index(severities, a.Severity)-slices.Index(severities, b.Severity), a.policy-b.policy, a.rule-b.rule)
	})
	return all, nil
}

// borrowed reports whether a finding is that a rule decides nothing, and the rule
// is another package's: group.GlibcThreads is not the author's to trim.
func (s *Subject) borrowed(f Finding) bool {
	if f.Rule != "unreachable" && f.Rule != "redundant" || s.Made.File == "" {
		return false
	}
	dir := filepath.Dir(s.Made.File)
	return !slices.ContainsFunc(f.Made, func(m dsl.Frame) bool { return filepath.Dir(m.File) == dir })
}

// shared reports whether a finding is that a policy does not need a rule which
// another policy has and needs.
func shared(subjects []*Subject, found [][]Finding, f Finding) bool {
	if f.Rule != "redundant" {
		return false
	}
	for i, s := range subjects {
		if i == f.policy || s.Policy == nil {
			continue
		}
		for rule, r := range s.Policy.Rules {
			same := len(r.Made) > 0 && slices.Equal(r.Made, f.Made)
			if same && !slices.ContainsFunc(found[i], func(g Finding) bool { return g.Rule == f.Rule && g.rule == rule }) {
				return true
			}
		}
	}
	return false
}

func find(s *Subject) ([]Finding, error) {
	var all []Finding
	for _, f := range s.Filters {
		for _, arch := range f.Arches {
			v, err := newView(s, f, arch)
			if err != nil {
				return nil, err
			}
			var own []Finding
			for _, check := range checks {
				for _, one := range check(v) {
					own = joinCalls(own, one)
				}
			}
			if v.err != nil {
				return nil, fmt.Errorf("%s: %w", arch.Name, v.err)
			}
			for _, one := range own {
				one.Arches = []dsl.Arch{dsl.Arch(arch.Name)}
				slices.Sort(one.Calls)
				all = joinArches(all, one)
			}
		}
	}
	var placed []Finding
	for _, f := range all {
		f.Made = s.place(f.rule)
		if !slices.ContainsFunc(placed, f.repeats) {
			placed = append(placed, f)
		}
	}
	return placed, nil
}

// joinCalls adds a finding of an ABI; the same one about another call joins it.
func joinCalls(all []Finding, one Finding) []Finding {
	for i := range all {
		if all[i].same(one) {
			all[i].Calls = union(all[i].Calls, one.Calls)
			return all
		}
	}
	return append(all, one)
}

// joinArches adds a finding; the same one about another ABI joins it.
func joinArches(all []Finding, one Finding) []Finding {
	for i := range all {
		if all[i].same(one) && slices.Equal(all[i].Calls, one.Calls) {
			all[i].Arches = union(all[i].Arches, one.Arches)
			return all
		}
	}
	return append(all, one)
}

// repeats reports whether two findings read the same: a loop makes many rules on one
// line.
func (f Finding) repeats(other Finding) bool {
	return f.Rule == other.Rule && f.Severity == other.Severity && f.Why == other.Why &&
		slices.Equal(f.Made, other.Made) && slices.Equal(f.Calls, other.Calls) && slices.Equal(f.Arches, other.Arches)
}

// same reports whether two findings differ in calls and ABIs alone.
func (f Finding) same(other Finding) bool {
	return f.Rule == other.Rule && f.rule == other.rule && f.Severity == other.Severity && f.Why == other.Why
}

func union[T comparable](a, b []T) []T {
	a = slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}

// place is where a rule was made, or else the policy.
func (s *Subject) place(rule int) []dsl.Frame {
	if rule >= 0 && s.Policy != nil && rule < len(s.Policy.Rules) && len(s.Policy.Rules[rule].Made) > 0 {
		return s.Policy.Rules[rule].Made
	}
	if s.Made.File != "" {
		return []dsl.Frame{s.Made}
	}
	return nil
}

func newView(s *Subject, f Filter, arch *abi.Arch) (*view, error) {
	v := &view{subject: s, filter: f, arch: arch, space: meaning.NewSpace(meaning.Budget), known: map[uint32][]meaning.Region{}}
	var err error
	if v.f, err = v.space.Program(f.Program); err != nil {
		return nil, fmt.Errorf("%s: %w", arch.Name, err)
	}
	if f.Table != nil {
		for i := range f.Table.Parts {
			if f.Table.Parts[i].Arch == arch {
				v.part = &f.Table.Parts[i]
			}
		}
	}
	return v, nil
}
