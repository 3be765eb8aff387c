package lint

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// marker is an answer that no policy gives.
const marker = 0x12345678

// manyRules is how many rules on one call are compared with each other at most;
// the work grows with the square.
const manyRules = 200

// judged is one call of an ABI with the rules that name it, in order.
type judged struct {
	nr    uint32
	name  string
	rules []table.Rule
}

// calls lists what rules of the policy name, Newer's left out.
func (v *view) calls() []judged {
	if v.part == nil {
		return nil
	}
	var list []judged
	index := map[uint32]int{}
	for _, r := range v.part.Rules {
		if r.Source < 0 {
			continue
		}
		for _, span := range r.Numbers {
			for nr := uint64(span.Lo); nr <= uint64(span.Hi); nr++ { // as many as the rule names
				nr := uint32(nr)
				at, ok := index[nr]
				if !ok {
					at = len(list)
					index[nr] = at
					name := v.arch.CallName(nr)
					if name == "" {
						name = fmt.Sprintf("number %d", int32(nr))
					}
					list = append(list, judged{nr: nr, name: name})
				}
				r := r
				r.Numbers = []abi.Range{{Lo: nr, Hi: nr}}
				list[at].rules = append(list[at].rules, r)
			}
		}
	}
	return list
}

// meaning is what the rules answer to the call's arguments.
func (v *view) meaning(c judged, rules []table.Rule) meaning.Function {
	one := []abi.Range{{Lo: c.nr, Hi: c.nr}}
	f, err := v.space.Table(table.Table{Parts: []table.Part{{Arch: v.arch, Numbers: one, Rules: rules, Default: v.part.Default}}})
	if err != nil && v.err == nil {
		v.err = err
	}
	return v.space.At(f, v.arch.Audit, c.nr)
}

// covered is the condition that a rule before the one at i matches. The conditions
// are joined from the front, so that the next i's continues this one's diagram.
func (c judged) covered(i int) table.Cond {
	any := table.Any{}
	for _, r := range c.rules[:i] {
		if r.Cond == nil {
			any = append(any, table.All{})
		} else {
			any = append(any, r.Cond)
		}
	}
	return any
}

// rule is a rule for the call alone.
func (c judged) rule(cond table.Cond, action uint32) table.Rule {
	return table.Rule{Numbers: []abi.Range{{Lo: c.nr, Hi: c.nr}}, Cond: cond, Action: action}
}

// decides reports whether the rule at i answers any arguments at all: whether it
// matches any that those before do not.
func (v *view) decides(c judged, i int) bool {
	before := v.meaning(c, []table.Rule{c.rule(c.covered(i), marker)})
	return before != v.meaning(c, []table.Rule{c.rule(c.covered(i+1), marker)})
}

// needed reports whether the answers would change without the rule at i.
func (v *view) needed(c judged, i int) bool {
	before := c.rule(c.covered(i), marker)
	with := v.meaning(c, slices.Concat([]table.Rule{before}, c.rules[i:]))
	return with != v.meaning(c, slices.Concat([]table.Rule{before}, c.rules[i+1:]))
}

// unreachable finds rules that never decide a call they name.
func unreachable(v *view) []Finding {
	var found []Finding
	for _, c := range v.calls() {
		if len(c.rules) > manyRules {
			found = append(found, Finding{Severity: Note, Rule: "unreachable", rule: c.rules[0].Source, Calls: []string{c.name},
				Why: fmt.Sprintf("more than %d rules name this call, too many to say which of them decide anything", manyRules),
				Fix: v.fix("name the values in one rule, as in In(…)", "use fewer entries")})
			continue
		}
		for i := 1; i < len(c.rules); i++ {
			if v.impossible(c, c.rules[i]) || v.decides(c, i) {
				continue
			}
			severity, why := Note, "the rules before it decide this call for all arguments that it matches, with the same action"
			if slices.ContainsFunc(c.rules[:i], func(r table.Rule) bool { return r.Action != c.rules[i].Action }) {
				severity, why = Warning, "the rules before it decide this call for all arguments that it matches, and not all as it would: the first match decides"
			}
			found = append(found, Finding{Severity: severity, Rule: "unreachable", rule: c.rules[i].Source, Calls: []string{c.name}, Why: why,
				Fix: v.fix("move it before the rules that match more, or remove it", "remove it: an entry without args decides before those with")})
		}
	}
	return found
}

// redundant finds rules that could go: what follows gives the same answers. Only a
// rule that would go whole is one: a call less in For is no gain for the reader.
func redundant(v *view) []Finding {
	needed := map[int]bool{}
	calls := map[int][]string{}
	for _, c := range v.calls() {
		for i, r := range c.rules {
			if !needed[r.Source] && (len(c.rules) > manyRules || !v.decides(c, i) || v.newerThan(c.nr) || v.needed(c, i)) {
				needed[r.Source] = true
			}
			calls[r.Source] = append(calls[r.Source], c.name)
		}
	}
	var found []Finding
	for source, names := range calls {
		if !needed[source] {
			found = append(found, Finding{Severity: Note, Rule: "redundant", rule: source, Calls: names,
				Why: "what follows, the default included, gives the same answers to all that it matches",
				Fix: v.fix("remove it, or ignore this if it is there to be read", "remove it")})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return a.rule - b.rule })
	return found
}

// newerThan reports whether Newer would answer the call if no rule named it.
func (v *view) newerThan(nr uint32) bool {
	p := v.subject.Policy
	if p == nil || p.Newer.Than == nil {
		return false
	}
	than, ok := v.arch.Number(dsl.Allow.For(p.Newer.Than).Calls[0].Name)
	return !ok || nr > than
}
