package profile

import (
	"fmt"
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
		return dsl.Target{Number: number}, []dsl.Arch{dsl.Arch(arch)}
	}
	return dsl.Target{Name: s.name}, nil
}

// sections are rules for calls, theme by theme.
func (m *maker) sections(calls []*seen) []source.Rule {
	return m.themed(calls, "", func(s *seen) []source.Rule { return m.rules(s) })
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
				if r.Action == dsl.Allow && len(r.Conds) == 0 && len(r.Arches) == 0 {
					plain = append(plain, plainCall{r, s.count})
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

// together makes one rule of those without conditions, and another of those that stand
// for the other forms of their calls too.
func together(calls []plainCall) []source.Rule {
	var rules []source.Rule
	for _, twins := range []bool{false, true} {
		r := source.Rule{Rule: dsl.Rule{Action: dsl.Allow}, Twins: twins}
		for i, c := range calls {
			if c.Twins != twins {
				continue
			}
			// Another form of it may be there, which this is counted with.
			form := func(other plainCall) bool { return twins && slices.Contains(c.Calls[0].Twins(), other.Calls[0]) }
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
		if len(r.Calls) > 0 {
			rules = append(rules, r)
		}
	}
	return rules
}

// rules allow a call as it was seen.
func (m *maker) rules(s *seen) []source.Rule {
	target, on := s.target()
	rule := source.Rule{Rule: dsl.Rule{Action: dsl.Allow, Calls: []dsl.Target{target}, Arches: on}, Remark: number(s.count)}
	if s.name == "clone3" {
		rule.Action, rule.Remark = dsl.Errno(linux.ENOSYS), ""
		rule.Comments = []string{"clone3's flags are in memory, where no filter sees them. After ENOSYS, libcs use clone."}
		return []source.Rule{rule}
	}
	type variant struct {
		forms []form
		on    []dsl.Arch
	}
	var variants []variant
	having := 0
	for _, arch := range m.abis {
		if _, ok := arch.Number(s.name); !ok {
			continue
		}
		having++
		forms := s.forms(arch)
		used := slices.ContainsFunc(s.uses, func(u use) bool { return u.arch == arch })
		if forms == nil && !used && len(s.forms(s.uses[0].arch)) > 0 {
			continue // nothing of what was seen can be said there
		}
		i := slices.IndexFunc(variants, func(v variant) bool { return reflect.DeepEqual(v.forms, forms) })
		if i < 0 {
			i = len(variants)
			variants = append(variants, variant{forms: forms})
		}
		variants[i].on = append(variants[i].on, dsl.Arch(arch.Name))
	}
	var rules []source.Rule
	for _, v := range variants {
		r := rule
		if len(v.on) < having {
			r.Arches = v.on
		}
		r.Twins = r.Arches == nil && s.hasForms(m.abis) && s.alike(m.abis, v.forms)
		if v.forms == nil {
			if r.Arches != nil {
				r.Remark = number(s.on(r.Arches))
			}
			rules = append(rules, r)
		}
		for _, f := range v.forms {
			r.Conds, r.Remark = f.conds, number(f.count)
			rules = append(rules, r)
		}
	}
	if variants == nil {
		return []source.Rule{rule}
	}
	if s.name == "execve" && len(rules) == 1 && s.count == 1 {
		rules[0].Remark = "1, by which it is started under the filter"
	}
	return rules
}

// on is how often the call was made on some ABIs.
func (s *seen) on(arches []dsl.Arch) (n uint64) {
	for _, u := range s.uses {
		if slices.Contains(arches, dsl.Arch(u.arch.Name)) {
			n += u.call.Count
		}
	}
	return n
}

// hasForms reports whether some 32-bit ABI has the call in another form.
func (s *seen) hasForms(abis []*abi.Arch) bool {
	return slices.ContainsFunc(abis, func(a *abi.Arch) bool {
		return a.Word == 32 && slices.ContainsFunc(dsl.Target{Name: s.name}.Twins(), func(t dsl.Target) bool {
			_, ok := a.Number(t.Name)
			return ok
		})
	})
}

// alike reports whether the other forms of a call have the arguments that conditions
// are on, in as many bits.
func (s *seen) alike(abis []*abi.Arch, forms []form) bool {
	for _, f := range forms {
		for _, c := range f.conds {
			for _, t := range append((dsl.Target{Name: s.name}).Twins(), dsl.Target{Name: s.name}) {
				for _, arch := range abis {
					if _, ok := arch.Number(t.Name); !ok {
						continue
					}
					own, ok := argOf(s.uses[0].arch, s.name, c.Arg)
					other, ok2 := argOf(arch, t.Name, c.Arg)
					if !ok || !ok2 || own.Bits != other.Bits {
						return false
					}
				}
			}
		}
	}
	return true
}

// beyond are the rules for calls that others do not allow already.
func (m *maker) beyond(calls []*seen, others []source.Rule) []source.Rule {
	return m.themed(calls, "at the start", func(s *seen) []source.Rule {
		target, _ := s.target()
		return slices.DeleteFunc(m.rules(s), func(r source.Rule) bool {
			return slices.ContainsFunc(others, func(o source.Rule) bool {
				return slices.Contains(o.Meant().Calls, target) && o.Action == r.Action && covers(o.Arches, r.Arches) &&
					(reflect.DeepEqual(o.Conds, r.Conds) || s.covered(o.Conds))
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
