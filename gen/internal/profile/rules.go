package profile

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/source"
)

// target is how a rule names the call, and the ABIs that it is limited to.
func (s *seen) target() (dsl.Target, []dsl.Arch) {
	if arch, number, ok := strings.Cut(s.name, " "); ok {
		if number == strconv.FormatUint(math.MaxUint32, 10) { // of a call that is skipped
			number = "-1"
		}
		return dsl.Target{Number: number}, []dsl.Arch{dsl.Arch(arch)}
	}
	return dsl.Target{Name: s.name}, nil
}

// themed are the rules for calls, theme by theme: those without conditions together,
// then the others.
func (m *maker) themed(calls []*seen, suffix string, rules func(*seen) []source.Rule) []source.Rule {
	var list []source.Rule
	for i, t := range themes() {
		var plain []plainCall
		var narrow []source.Rule
		var sum uint64
		for _, s := range calls {
			if themeOf(s.name) != i {
				continue
			}
			own := rules(s)
			if len(own) == 0 {
				continue
			}
			if s.name != "clone3" { // which counts as clone
				sum += s.count
			}
			for _, r := range own {
				if r.Action == dsl.Allow && len(r.Conds) == 0 && r.Calls[0].Name != "" {
					plain = append(plain, plainCall{r, s.on(r.Arches)})
				} else {
					narrow = append(narrow, r)
				}
			}
		}
		section := append(together(plain), narrow...)
		for j := range section {
			section[j].Close = j > 0
		}
		if len(section) > 0 {
			title := fmt.Sprintf("%s: %s.", t.title, Times(sum, "call"))
			if suffix != "" && i > 0 {
				title = fmt.Sprintf("%s, %s: %s.", t.title, suffix, Times(sum, "call"))
			}
			section[0].Comments = append([]string{title}, section[0].Comments...)
		}
		list = append(list, section...)
	}
	return list
}

// plainCall is a rule for one call whatever its arguments.
type plainCall struct {
	source.Rule
	count uint64
}

// together makes one rule of those without conditions, another of those that stand for
// the other forms of their calls too, and likewise of those on some ABIs.
func together(calls []plainCall) []source.Rule {
	alike := func(c plainCall, r source.Rule) bool { return c.Twins == r.Twins && slices.Equal(c.Arches, r.Arches) }
	var rules []source.Rule
	for _, c := range calls {
		r := source.Rule{Rule: dsl.Rule{Action: dsl.Allow, Arches: c.Arches}, Twins: c.Twins}
		if !slices.ContainsFunc(rules, func(old source.Rule) bool { return alike(c, old) }) {
			rules = append(rules, r)
		}
	}
	rank := func(r source.Rule) int {
		if r.Twins {
			return 2*len(r.Arches) + 1
		}
		return 2 * len(r.Arches)
	}
	slices.SortStableFunc(rules, func(a, b source.Rule) int { return rank(a) - rank(b) })
	for j := range rules {
		r := &rules[j]
		for i, c := range calls {
			if !alike(c, *r) {
				continue
			}
			// Another form of it may be there, which this is counted with.
			form := func(other plainCall) bool {
				return r.Twins && alike(other, *r) && slices.Contains(c.Calls[0].Twins(), other.Calls[0])
			}
			if slices.ContainsFunc(calls[:i], form) {
				continue
			}
			if sum := c.count; slices.ContainsFunc(calls[i:], form) {
				for _, other := range calls[i:] {
					if form(other) {
						sum += other.count
					}
				}
				c.Remark = number(sum)
			}
			r.Calls = append(r.Calls, c.Calls[0])
			r.Remarks = append(r.Remarks, c.Remark)
		}
		if len(r.Calls) == 1 {
			r.Remark, r.Remarks = r.Remarks[0], nil
		}
	}
	return rules
}

// rules allow a call as it was seen, on the ABIs on which it was seen so.
func (m *maker) rules(s *seen) []source.Rule {
	target, on := s.target()
	rule := source.Rule{Rule: dsl.Rule{Action: dsl.Allow, Calls: []dsl.Target{target}, Arches: on}, Remark: number(s.count)}
	switch {
	case s.name == "clone3":
		rule.Action, rule.Remark = dsl.Errno(linux.ENOSYS), ""
		rule.Comments = []string{"clone3's flags are in memory, where no filter sees them. After ENOSYS, libcs use clone."}
		return []source.Rule{rule}
	case on != nil:
		return []source.Rule{rule}
	}
	type variant struct {
		form
		on []*abi.Arch
	}
	var variants []variant
	for _, u := range s.uses {
		forms := s.forms(u.arch)
		if forms == nil {
			forms = []form{{count: u.call.Count}}
		}
		for _, f := range forms {
			i := slices.IndexFunc(variants, func(v variant) bool { return reflect.DeepEqual(v.conds, f.conds) })
			if i < 0 {
				variants = append(variants, variant{form{conds: f.conds}, nil})
				i = len(variants) - 1
			}
			v := &variants[i]
			v.count += f.count
			if !slices.Contains(v.on, u.arch) {
				v.on = append(v.on, u.arch)
			}
		}
	}
	twins := !slices.ContainsFunc(variants, func(v variant) bool { return !alike(target, v.on, v.conds) })
	var rules []source.Rule
	for _, v := range variants {
		r := rule
		r.Conds, r.Remark = v.conds, number(v.count)
		r.Twins = twins && hasForms(target, v.on)
		if slices.ContainsFunc(m.abis, func(a *abi.Arch) bool { return !slices.Contains(v.on, a) && hasSome(a, r.Meant().Calls) }) {
			r.Arches = slices.DeleteFunc(slices.Clone(m.arches), func(a dsl.Arch) bool {
				return !slices.ContainsFunc(v.on, func(own *abi.Arch) bool { return a == dsl.Arch(own.Name) })
			})
		}
		rules = append(rules, r)
	}
	if s.name == "execve" && len(rules) == 1 && s.count == 1 && !m.serves {
		rules[0].Remark = "1, by which it is started under the filter"
	}
	return rules
}

// on is how often the call was made on some ABIs; none are all.
func (s *seen) on(arches []dsl.Arch) (n uint64) {
	for _, u := range s.uses {
		if len(arches) == 0 || slices.Contains(arches, dsl.Arch(u.arch.Name)) {
			n += u.call.Count
		}
	}
	return n
}

// hasSome reports whether an ABI has one of some calls.
func hasSome(arch *abi.Arch, calls []dsl.Target) bool {
	return slices.ContainsFunc(calls, func(t dsl.Target) bool {
		_, ok := arch.Number(t.Name)
		return ok
	})
}

// hasForms reports whether some 32-bit ABI has the call in another form.
func hasForms(call dsl.Target, abis []*abi.Arch) bool {
	return slices.ContainsFunc(abis, func(a *abi.Arch) bool { return a.Word == 32 && hasSome(a, call.Twins()) })
}

// alike reports whether the other forms of a call have the arguments that conditions
// are on, in as many bits.
func alike(call dsl.Target, abis []*abi.Arch, conds []dsl.Cond) bool {
	for _, c := range conds {
		for _, t := range append(call.Twins(), call) {
			for _, arch := range abis {
				if !hasSome(arch, []dsl.Target{t}) {
					continue
				}
				own, ok := argOf(abis[0], call.Name, c.Arg)
				other, ok2 := argOf(arch, t.Name, c.Arg)
				if !ok || !ok2 || own.Bits != other.Bits {
					return false
				}
			}
		}
	}
	return true
}

// beyond are the rules for calls that others, which come before, do not decide.
func (m *maker) beyond(calls []*seen, others []source.Rule, suffix string) []source.Rule {
	return m.themed(calls, suffix, func(s *seen) []source.Rule {
		target, _ := s.target()
		return slices.DeleteFunc(m.rules(s), func(r source.Rule) bool {
			return slices.ContainsFunc(others, func(o source.Rule) bool {
				return slices.Contains(o.Meant().Calls, target) && covers(o.Arches, r.Arches) &&
					(reflect.DeepEqual(o.Conds, r.Conds) && o.Action == r.Action || s.covered(o.Conds))
			})
		})
	})
}

// covers reports whether a rule on some ABIs is one on others; none are all.
func covers(on, others []dsl.Arch) bool {
	return len(on) == 0 || len(others) > 0 && !slices.ContainsFunc(others, func(a dsl.Arch) bool { return !slices.Contains(on, a) })
}

// number writes a count.
func number(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Times is a count of things.
func Times(n uint64, what string) string {
	if n != 1 {
		what += "s"
	}
	return number(n) + " " + what
}
