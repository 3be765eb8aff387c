package gen

import (
	"fmt"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/lint"
)

// Finding is one thing that is wrong with a filter although it does what it says.
type Finding struct {
	Severity string     `json:"severity"` // error, warning or note
	Rule     string     `json:"rule"`     // names the check, for //secgen:ignore
	Policy   string     `json:"policy"`
	Where    string     `json:"where,omitempty"` // file:line of the rule, or of the policy
	From     []string   `json:"from,omitempty"`  // the lines that the rule's own was called from, innermost first
	Arches   []dsl.Arch `json:"arches"`
	Calls    []string   `json:"calls,omitempty"`
	Why      string     `json:"why"`
	Fix      string     `json:"fix"`
}

// Lint compiles a policy and says what is wrong with it, the worst first. What a
// comment //secgen:ignore RULE REASON beside a rule or the policy ignores is left
// out. A policy that cannot be compiled is an error.
func Lint(policy dsl.Named) ([]Finding, error) {
	filters, err := Compile(policy)
	if err != nil {
		return nil, err
	}
	s := lint.Subject{Made: policy.Made, Policy: policy.Policy, Filters: looked(filters)}
	for after := policy.Policy.After; after != nil; after = after.After {
		earlier, err := Compile(dsl.Named{Name: "the stage before " + policy.Name, Policy: after})
		if err != nil {
			return nil, err
		}
		s.Earlier = append(s.Earlier, looked(earlier)...)
	}
	return findings(policy.Name, &s)
}

// LintFilters says what is wrong with the filters of one policy of which no more is
// known, the worst first. What concerns single rules is found where the filters
// were compiled, from an OCI profile, say.
func LintFilters(filters []Filter) ([]Finding, error) {
	if len(filters) == 0 {
		return nil, nil
	}
	return findings(filters[0].Policy, &lint.Subject{Filters: looked(filters)})
}

func looked(filters []Filter) []lint.Filter {
	var list []lint.Filter
	for _, f := range filters {
		l := lint.Filter{Program: f.Program}
		for _, a := range f.Arches {
			l.Arches = append(l.Arches, abi.Lookup(string(a)))
		}
		if len(f.table.Parts) > 0 {
			l.Table = &f.table
		}
		list = append(list, l)
	}
	return list
}

func findings(policy string, s *lint.Subject) ([]Finding, error) {
	found, err := lint.Find(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", policy, err)
	}
	var list []Finding
	for _, f := range found {
		one := Finding{Severity: string(f.Severity), Rule: f.Rule, Policy: policy, Arches: f.Arches, Calls: f.Calls, Why: f.Why, Fix: f.Fix}
		for i, m := range f.Made {
			at := fmt.Sprintf("%s:%d", m.File, m.Line)
			if i == 0 {
				one.Where = at
			} else {
				one.From = append(one.From, at)
			}
		}
		list = append(list, one)
	}
	return list, nil
}
