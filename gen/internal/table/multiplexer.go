package table

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// multiplexers answers those calls of the ABI with ENOSYS, as a kernel without
// them would, that make others which rules limit: by them, nothing would be
// limited. What a rule says of one itself holds instead.
func (r *resolver) multiplexers(arch *abi.Arch) []Rule {
	var rules []Rule
	for _, m := range abi.Multiplexers {
		if len(Limited(r.policy, arch, m)) == 0 {
			continue
		}
		nr, _ := arch.Number(m.Name)
		rules = append(rules, Rule{
			Numbers: []abi.Range{{Lo: nr, Hi: nr}},
			Action:  r.action(head, r.made, arch, dsl.Errno("ENOSYS")),
			Source:  FromMultiplexer,
		})
	}
	return rules
}

// Limited lists the calls that m can make and that rules do not let happen
// whatever their arguments, in the policy's order; whether the ABI has them
// besides does not matter. It is empty if a rule names m itself there, the ABI lacks
// m, or the policy denies nothing.
func Limited(p *dsl.Policy, arch *abi.Arch, m abi.Multiplexer) []string {
	if _, ok := arch.Number(m.Name); !ok || !denies(p) {
		return nil
	}
	var limited []string
	for _, rule := range p.Rules {
		if len(rule.Arches) > 0 && !slices.Contains(rule.Arches, dsl.Arch(arch.Name)) {
			continue
		}
		happens := len(rule.Conds) == 0 && happens(rule.Action)
		for _, t := range rule.Calls {
			if t.Name == m.Name {
				return nil
			}
			if _, made := m.Calls[t.Name]; made && !happens && !slices.Contains(limited, t.Name) {
				limited = append(limited, t.Name)
			}
		}
	}
	return limited
}

func happens(a dsl.Action) bool { return a == dsl.Allow || a == dsl.Log }

// denies reports whether a policy denies any call of an ABI that it lists.
func denies(p *dsl.Policy) bool {
	return !happens(p.Default) || slices.ContainsFunc(p.Rules, func(r dsl.Rule) bool { return !happens(r.Action) })
}
