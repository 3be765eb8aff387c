package explain

import (
	"math"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Rule is what of a policy decides a call.
type Rule struct {
	Source int // as of table.Rule, or one of the constants below
	Ret    uint32
}

// The sources of answers besides rules.
const (
	FromNewer       = table.FromNewer
	FromMultiplexer = table.FromMultiplexer
	FromDefault     = table.FromMultiplexer - 1
	FromBadArch     = table.FromMultiplexer - 2
)

// Rules lists the rules of a table that may decide a call, in order: of several,
// the first decides that matches the arguments that are not known.
func Rules(t table.Table, c Call) []Rule {
	i := slices.IndexFunc(t.Parts, func(p table.Part) bool {
		return p.Arch.Audit == c.Arch.Audit && within(p.Numbers, c.Nr)
	})
	if i < 0 {
		return []Rule{{FromBadArch, t.BadArch}}
	}
	var rules []Rule
	for _, r := range t.Parts[i].Rules {
		if !within(r.Numbers, c.Nr) {
			continue
		}
		holds := yes
		if r.Cond != nil {
			holds = c.cond(r.Cond)
		}
		if holds != no {
			rules = append(rules, Rule{r.Source, r.Action})
		}
		if holds == yes {
			return rules
		}
	}
	return append(rules, Rule{FromDefault, t.Parts[i].Default})
}

func within(ranges []abi.Range, nr uint32) bool {
	return slices.ContainsFunc(ranges, func(r abi.Range) bool { return r.Lo <= nr && nr <= r.Hi })
}

// truth is whether a condition holds, as far as is known; All is the least, Any
// the greatest (Kleene).
type truth int

const (
	no truth = iota
	maybe
	yes
)

func (c Call) cond(cond table.Cond) truth {
	switch cond := cond.(type) {
	case table.All:
		holds := yes
		for _, sub := range cond {
			holds = min(holds, c.cond(sub))
		}
		return holds
	case table.Any:
		holds := no
		for _, sub := range cond {
			holds = max(holds, c.cond(sub))
		}
		return holds
	case table.Not:
		return yes - c.cond(cond.Cond)
	}
	return c.test(cond.(table.Test))
}

func (c Call) test(t table.Test) truth {
	v := uint64(c.words[t.Lo])
	unknown := uint64(0)
	if !c.known[t.Lo] {
		unknown = math.MaxUint32
	}
	if t.Bits > 32 {
		v |= uint64(c.words[t.Hi]) << 32
		if !c.known[t.Hi] {
			unknown |= math.MaxUint32 << 32
		}
	}
	seen := t.Mask & (math.MaxUint64 >> (64 - t.Bits))
	if unknown&seen != 0 {
		return maybe
	}
	if holds(t, v&seen) {
		return yes
	}
	return no
}

// holds compares what a test looks at.
func holds(t table.Test, v uint64) bool {
	if t.Op == table.In {
		return slices.Contains(t.Values, v)
	}
	k := t.Values[0]
	if t.Signed { // with the sign bits flipped, the order is that of unsigned numbers
		sign := uint64(1) << (t.Bits - 1)
		v, k = v^sign, k^sign
	}
	switch t.Op {
	case table.Lt:
		return v < k
	case table.Le:
		return v <= k
	case table.Gt:
		return v > k
	}
	return v >= k // table.Ge
}
