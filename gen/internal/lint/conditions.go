package lint

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
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
						Fix: "use one rule with NotIn and all the values"})
				}
			}
		}
	}
	return found
}

// wideCompare finds answers that depend on the upper half of an argument that the
// kernel cuts to 32 bits.
func wideCompare(v *view) []Finding {
	if v.arch.Word == 32 {
		return nil // the kernel clears the upper halves (linux/seccomp.h, arguments of compat tasks)
	}
	var found []Finding
	for _, call := range abi.Calls() {
		regions := v.regions(call)
		if len(regions) < 2 {
			continue
		}
		for _, arg := range v.arch.Args(call) {
			if arg.Bits > 32 || arg.Pointer || arg.Slot < 0 || arg.HiSlot >= 0 {
				continue
			}
			_, hi := v.words(arg.Slot)
			f := Finding{Rule: "wide-compare", rule: v.wide(call, hi), Calls: []string{call},
				Fix: fmt.Sprintf("use the argument by its name, %s, rather than dsl.Raw(%d): it compares what the kernel looks at", arg.Name, arg.Slot)}
			for _, r := range regions {
				for _, clause := range r.When {
					for _, p := range clause {
						switch {
						case p.Word != hi || p.Set.All():
						case happens(r.Answers[0]) && !p.Set.Has(0):
							f.Severity = Error
						case f.Severity == "":
							f.Severity = Warning
						}
					}
				}
			}
			switch f.Severity {
			case Error:
				f.Why = fmt.Sprintf("%s has 32 bits for the kernel, and some calls happen only because of the 32 above them, which a caller sets as it likes (CVE-2019-10063, CVE-2019-7303)", arg.Name)
			case Warning:
				f.Why = fmt.Sprintf("%s has 32 bits for the kernel, and the answer depends on the 32 above them, which callers may leave as they are (CVE-2019-10063 was such a comparison in a deny rule)", arg.Name)
			default:
				continue
			}
			found = append(found, f)
		}
	}
	return found
}

// wide is the rule that looks at the word.
func (v *view) wide(call string, hi table.Word) int {
	nr, _ := v.arch.Number(call)
	if v.part == nil {
		return noRule
	}
	for _, r := range v.part.Rules {
		if !covers(r, nr) {
			continue
		}
		for _, c := range nested(r.Cond) {
			if t, ok := c.(table.Test); ok && t.Bits > 32 && t.Hi == hi {
				return r.Source
			}
		}
	}
	return noRule
}
