package table

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// conditions resolves what one rule asks of one call's arguments on one ABI.
type conditions struct {
	r      *resolver
	index  int
	rule   dsl.Rule
	arch   *abi.Arch
	target dsl.Target
}

func (c *conditions) bad(format string, args ...any) {
	c.r.errs.add(c.index, c.rule.Made, c.arch.Name, format, args...)
}

// resolve returns nil where the rule has no conditions. After an error the
// result is worthless: Resolve returns the error and no table.
func (c *conditions) resolve() Cond {
	switch conds := c.all(c.rule.Conds); len(conds) {
	case 0:
		return nil
	case 1:
		return conds[0]
	default:
		return All(conds)
	}
}

func (c *conditions) all(from []dsl.Cond) []Cond {
	var conds []Cond
	for _, d := range from {
		conds = append(conds, c.cond(d))
	}
	return conds
}

func (c *conditions) cond(d dsl.Cond) Cond {
	if !wellFormed(d) {
		c.bad("a malformed condition, %q with fields that it does not use: make conditions with the methods of arguments", string(d.Op))
		return All(nil)
	}
	switch d.Op {
	case dsl.OpAll, dsl.OpAny, dsl.OpNot:
		return c.join(d)
	}
	a, ok := c.operand(d)
	if !ok {
		return All(nil)
	}
	return c.compare(d, a)
}

func (c *conditions) join(d dsl.Cond) Cond {
	conds := c.all(d.Conds)
	if len(conds) == 0 {
		c.bad("an empty condition: When(), All() and Any() need at least one")
		return All(nil)
	}
	switch d.Op {
	case dsl.OpAll:
		return All(conds)
	case dsl.OpAny:
		return Any(conds)
	}
	if len(conds) != 1 {
		c.bad("Not takes one condition, not %d", len(conds))
	}
	return Not{conds[0]}
}

// wellFormed reports whether a condition has the fields that its operator uses
// and no others.
func wellFormed(d dsl.Cond) bool {
	for _, l := range slices.Concat(d.Mask, d.Values) {
		if l.Name != "" && l.Int != "" {
			return false
		}
	}
	switch d.Op {
	case dsl.OpAll, dsl.OpAny, dsl.OpNot:
		return d.Call == "" && d.Arg == "" && len(d.Mask) == 0 && len(d.Values) == 0
	case dsl.OpNull, dsl.OpNotNull:
		return len(d.Mask) == 0 && len(d.Values) == 0 && len(d.Conds) == 0
	case dsl.OpIn, dsl.OpNotIn:
		return len(d.Conds) == 0
	}
	return len(d.Mask) == 0 && len(d.Conds) == 0
}

func ordering(op dsl.Op) bool {
	switch op {
	case dsl.OpLt, dsl.OpLe, dsl.OpGt, dsl.OpGe, dsl.OpBetween:
		return true
	}
	return false
}

// compare turns one operator of the language into tests.
func (c *conditions) compare(d dsl.Cond, a argument) Cond {
	all := ^uint64(0) >> (64 - a.bits)
	test := Test{Lo: a.lo, Hi: a.hi, Bits: a.bits, Signed: a.signed, Mask: all}
	if a.bits <= 32 {
		test.Hi = 0
	}
	switch d.Op {
	case dsl.OpNull, dsl.OpNotNull:
		test.Values = []uint64{0}
		return notIf(d.Op == dsl.OpNotNull, test)
	case dsl.OpHas, dsl.OpLacks, dsl.OpOnly:
		flags := c.flags(d.Values, a)
		switch d.Op {
		case dsl.OpHas:
			test.Mask, test.Values = flags, []uint64{flags}
		case dsl.OpLacks:
			test.Mask, test.Values = flags, []uint64{0}
		case dsl.OpOnly:
			test.Mask, test.Values = all&^flags, []uint64{0}
		}
		return test
	}
	values := make([]uint64, len(d.Values))
	for i, l := range d.Values {
		values[i] = c.value(l, a, ordering(d.Op))
	}
	switch d.Op {
	case dsl.OpIn, dsl.OpNotIn:
		if len(values) == 0 {
			c.bad("a comparison of %s with no value at all", a.name)
		}
		if len(d.Mask) > 0 {
			test.Mask = c.flags(d.Mask, a)
			for _, v := range values {
				if v&^test.Mask != 0 {
					c.bad("%s under the mask %#x can never be %#x", a.name, test.Mask, v)
				}
			}
		}
		test.Values = values
		return notIf(d.Op == dsl.OpNotIn, test)
	case dsl.OpBetween:
		if len(values) != 2 {
			c.bad("Between takes two values, not %d", len(values))
			return test
		}
		lo, hi := test, test
		lo.Op, lo.Values = Ge, values[:1]
		hi.Op, hi.Values = Le, values[1:]
		if reversed(values[0], values[1], a) {
			c.bad("Between is reversed: %s comes after %s", text(d.Values[0]), text(d.Values[1]))
		}
		return All{lo, hi}
	}
	op, ok := map[dsl.Op]Op{dsl.OpLt: Lt, dsl.OpLe: Le, dsl.OpGt: Gt, dsl.OpGe: Ge}[d.Op]
	if !ok || len(values) != 1 {
		c.bad("malformed condition %q with %d values", string(d.Op), len(values))
	}
	test.Op, test.Values = op, values
	return test
}

func notIf(negate bool, c Cond) Cond {
	if negate {
		return Not{c}
	}
	return c
}

func reversed(lo, hi uint64, a argument) bool {
	if a.signed {
		return signExtend(lo, a.bits) > signExtend(hi, a.bits)
	}
	return lo > hi
}

func signExtend(v uint64, width int) int64 { return int64(v<<(64-width)) >> (64 - width) }
