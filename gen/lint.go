package gen

import (
	"fmt"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/lint"
)

// Finding is one thing that is wrong with a filter although it does what it says.
type Finding struct {
	Severity string     `json:"severity"`         // error, warning or note
	Rule     string     `json:"rule"`             // names the check, for //secgen:ignore; see LintRules
	Policy   string     `json:"policy,omitempty"` // empty: it is about the package
	Where    string     `json:"where,omitempty"`  // file:line of the rule, or of the policy
	From     []string   `json:"from,omitempty"`   // the lines that the rule's own was called from, innermost first
	Arches   []dsl.Arch `json:"arches,omitempty"`
	Calls    []string   `json:"calls,omitempty"`
	Why      string     `json:"why"`
	Fix      string     `json:"fix"`
}

// LintRule is a check that Lint makes.
type LintRule struct {
	Rule  string // its name, for //secgen:ignore
	Finds string
}

// LintRules lists the checks.
func LintRules() []LintRule {
	var list []LintRule
	for _, r := range lint.Rules {
		list = append(list, LintRule{r.ID, r.Finds})
	}
	return list
}

// Lint compiles the policies of a package and says what is wrong with them, the
// worst first. What a comment //secgen:ignore RULE REASON beside a rule or the
// policy ignores is left out, and a comment that ignores nothing is a finding. A
// policy that cannot be compiled is an error.
func Lint(policies ...dsl.Named) ([]Finding, error) {
	var subjects []*lint.Subject
	for _, p := range policies {
		filters, err := Compile(p)
		if err != nil {
			return nil, err
		}
		s := &lint.Subject{Name: p.Name, Made: p.Made, Policy: p.Policy, Filters: looked(filters)}
		for after := p.Policy.After; after != nil; after = after.After {
			earlier, err := Compile(dsl.Named{Name: "the stage before " + p.Name, Policy: after})
			if err != nil {
				return nil, err
			}
			s.Earlier = append(s.Earlier, looked(earlier)...)
		}
		subjects = append(subjects, s)
	}
	return findings(subjects...)
}

// LintFilters says what is wrong with the filters of one policy, the worst first.
// What concerns single rules is found where the filters were compiled, from an OCI
// profile, say.
func LintFilters(filters []Filter) ([]Finding, error) {
	if len(filters) == 0 {
		return nil, nil
	}
	if n := len(filters[0].Older); n > 0 {
		return nil, fmt.Errorf("%s is %d filters together: lint looks at one", filters[0].Policy, n+1)
	}
	f := filters[0]
	return findings(&lint.Subject{Name: f.Policy, Policy: f.source, Profile: f.profile, Filters: looked(filters)})
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

func findings(subjects ...*lint.Subject) ([]Finding, error) {
	found, err := lint.Find(subjects...)
	if err != nil {
		return nil, err
	}
	var list []Finding
	for _, f := range found {
		one := Finding{Severity: string(f.Severity), Rule: f.Rule, Policy: f.Policy, Arches: f.Arches, Calls: f.Calls, Why: f.Why, Fix: f.Fix}
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
