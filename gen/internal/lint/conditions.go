package lint

import (
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// truth says for which arguments of the call a condition holds: all, none, or
// some.
func (v *view) truth(c judged, cond table.Cond) (all, none bool) {
	f := v.meaning(c, []table.Rule{c.rule(cond, marker), c.rule(nil, marker+1)})
	ret, constant := v.space.Value(f)
	return constant && ret == marker, constant && ret == marker+1
}

// impossible reports whether the rule's own condition can never hold.
func (v *view) impossible(c judged, r table.Rule) bool {
	if r.Cond == nil {
		return false
	}
	_, none := v.truth(c, r.Cond)
	return none
}

// idleConditions finds conditions that hold always or never.
func idleConditions(v *view) []Finding {
	var found []Finding
	for _, c := range v.calls() {
		for _, r := range c.rules {
			for i, cond := range nested(r.Cond) {
				all, none := v.truth(c, cond)
				if !all && !none || all && i > 0 && bound(cond) {
					continue
				}
				f := Finding{Severity: Warning, Rule: "condition", rule: r.Source, Calls: []string{c.name},
					Why: "a condition of the rule holds for every argument there is, so it says nothing",
					Fix: "remove it, or write what was meant"}
				if any, ok := cond.(table.Any); ok && unequal(any) {
					f.Severity = Error
					f.Why = "an argument always differs from one of two values: Any over two Ne holds for everything (moby#52494 was about filters that needed two Ne on one argument)"
					f.Fix = "use NotIn with all the values"
				}
				if none {
					f.Why = "a condition of the rule can hold for no argument there is"
				}
				found = append(found, f)
				break
			}
		}
	}
	return found
}

// bound reports whether a condition may be half of a Between, which may begin or end
// where the argument does.
func bound(c table.Cond) bool {
	t, ok := c.(table.Test)
	return ok && (t.Op == table.Ge || t.Op == table.Le)
}

// nested lists a condition and those in it, the outermost first.
func nested(c table.Cond) []table.Cond {
	switch c := c.(type) {
	case nil:
		return nil
	case table.All:
		return append([]table.Cond{c}, slices.Concat(each(c)...)...)
	case table.Any:
		return append([]table.Cond{c}, slices.Concat(each(c)...)...)
	case table.Not:
		return append([]table.Cond{c}, nested(c.Cond)...)
	}
	return []table.Cond{c}
}

func each(cs []table.Cond) [][]table.Cond {
	var all [][]table.Cond
	for _, c := range cs {
		all = append(all, nested(c))
	}
	return all
}

// unequal reports whether two of the conditions say of one argument what it is not.
func unequal(conds []table.Cond) bool {
	for i, a := range conds {
		for _, b := range conds[:i] {
			s, ok := excluded(a)
			t, ok2 := excluded(b)
			if ok && ok2 && s.Lo == t.Lo && s.Hi == t.Hi && s.Bits == t.Bits {
				return true
			}
		}
	}
	return false
}

// excluded is the test whose values a condition excludes.
func excluded(c table.Cond) (table.Test, bool) {
	not, ok := c.(table.Not)
	if !ok {
		return table.Test{}, false
	}
	t, ok := not.Cond.(table.Test)
	return t, ok && t.Op == table.In
}

// notEqualTwice finds two rules that give one action to an argument that is not a,
// and to one that is not b: together, to everything.
func notEqualTwice(v *view) []Finding {
	var found []Finding
	for _, c := range v.calls() {
		if len(c.rules) > manyRules {
			continue
		}
		for i, r := range c.rules {
			for _, earlier := range c.rules[:i] {
				if r.Action != earlier.Action || !unequal([]table.Cond{r.Cond, earlier.Cond}) {
					continue
				}
				if all, _ := v.truth(c, table.Any{r.Cond, earlier.Cond}); all {
					found = append(found, Finding{Severity: Error, Rule: "not-equal-twice", rule: r.Source, Calls: []string{c.name},
						Why: "this rule and one before it give the same action to what differs from one value and to what differs from another, which is everything (moby#52494)",
						Fix: v.fix("use one rule with NotIn and all the values",
							"name the values that are let through: one entry for those below the lower, one for those between, one for those above")})
				}
			}
		}
	}
	return found
}
