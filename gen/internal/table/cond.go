package table

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

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

// argument is an operand of a comparison with what messages call it.
type argument struct {
	name   string // as in the author's source, more or less
	bits   int
	signed bool
	lo, hi Word
}

// operand finds the argument that a condition speaks of in the call at hand.
func (c *conditions) operand(d dsl.Cond) (argument, bool) {
	if d.Call == "" {
		return c.raw(d)
	}
	if c.target.Name == "" {
		c.bad("a condition on %s of %s cannot hold for a call given by number; use dsl.Raw", d.Arg, d.Call)
		return argument{}, false
	}
	if !c.names(d.Call) {
		c.bad("a condition on %s of %s, but the rule is not for %s", d.Arg, d.Call, d.Call)
		return argument{}, false
	}
	arg, ok := lookup(c.arch.Args(c.target.Name), d.Arg)
	if !ok {
		c.bad("%s has no argument %s here, so the condition on %s's cannot hold for it; give it a rule of its own", c.target.Name, d.Arg, d.Call)
		return argument{}, false
	}
	if own, ok := c.own(d); ok && c.target.Name != d.Call {
		if own.Bits != arg.Bits || own.Pointer != arg.Pointer || ordering(d.Op) && own.Signed != arg.Signed {
			c.bad("%s of %s is %s and %s of %s is %s: one condition cannot mean both; give them rules of their own",
				d.Arg, d.Call, own.Type, d.Arg, c.target.Name, arg.Type)
			return argument{}, false
		}
	}
	if null := d.Op == dsl.OpNull || d.Op == dsl.OpNotNull; null && !arg.Pointer {
		c.bad("%s of %s is no pointer: compare it with 0", d.Arg, c.target.Name)
		return argument{}, false
	}
	if null := d.Op == dsl.OpNull || d.Op == dsl.OpNotNull; arg.Pointer && !null {
		c.bad("%s of %s is a pointer: a filter cannot follow it, only IsNull and NotNull make sense", d.Arg, c.target.Name)
		return argument{}, false
	}
	if arg.Slot < 0 {
		c.bad("%s of %s is passed where no filter can see it", d.Arg, c.target.Name)
		return argument{}, false
	}
	a := argument{name: d.Arg + " of " + c.target.Name, bits: arg.Bits, signed: arg.Signed}
	a.lo, a.hi = halves(c.arch, arg.Slot)
	if arg.HiSlot >= 0 {
		a.hi, _ = halves(c.arch, arg.HiSlot)
	}
	return a, true
}

// own is the argument of the call that the condition was written with, by which
// the others are measured, even where the ABI lacks that call.
func (c *conditions) own(d dsl.Cond) (abi.Arg, bool) {
	return lookup(c.arch.Prototype(d.Call), d.Arg)
}

func (c *conditions) raw(d dsl.Cond) (argument, bool) {
	i := strings.Index("012345", d.Arg)
	if len(d.Arg) != 1 || i < 0 {
		c.bad("dsl.Raw takes an argument's index, 0 to 5")
		return argument{}, false
	}
	a := argument{name: "argument " + d.Arg, bits: c.arch.Word}
	a.lo, a.hi = halves(c.arch, i)
	return a, true
}

// halves gives the words of slot i that hold its lower and upper 32 bits.
func halves(arch *abi.Arch, i int) (lo, hi Word) {
	first := Word(4 + 2*i)
	if arch.BigEndian {
		return first + 1, first
	}
	return first, first + 1
}

func lookup(args []abi.Arg, name string) (abi.Arg, bool) {
	for _, a := range args {
		if a.Name == name {
			return a, true
		}
	}
	return abi.Arg{}, false
}

func (c *conditions) names(call string) bool {
	for _, t := range c.rule.Calls {
		if t.Name == call {
			return true
		}
	}
	return false
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

// flags joins the values of a flag condition.
func (c *conditions) flags(ls []dsl.Literal, a argument) uint64 {
	if len(ls) == 0 {
		c.bad("no flag given to test in %s", a.name)
	}
	var flags uint64
	for _, l := range ls {
		v := c.value(l, a, false)
		if v == 0 {
			c.bad("%s is 0 here: as a flag of %s it tests nothing", text(l), a.name)
		}
		flags |= v
	}
	return flags
}

func text(l dsl.Literal) string {
	switch {
	case l.Name != "":
		return l.Name
	case l.Int != "":
		return l.Int
	}
	return "nil"
}

// value looks a literal up and cuts it to the argument's width. For orderings
// it must lie in the range of the argument's own type, since "less than -1" of
// an unsigned argument, or "less than 0xffffffff" of an int, would mean the
// opposite of what it says.
func (c *conditions) value(l dsl.Literal, a argument, ordering bool) uint64 {
	v, ok := c.literal(l)
	if !ok {
		return 1
	}
	width := a.bits
	signedFits := v.Negative && signExtend(v.Bits, width) == int64(v.Bits) ||
		!v.Negative && bits.Len64(v.Bits) < width
	unsignedFits := !v.Negative && bits.Len64(v.Bits) <= width
	switch {
	case !signedFits && !unsignedFits:
		c.bad("%s does not fit the %d bits that the kernel looks at of %s", shown(l, v), width, a.name)
	case ordering && a.signed && !signedFits:
		c.bad("%s is signed and is never compared with %s: negative numbers are written as such", a.name, shown(l, v))
	case ordering && !a.signed && v.Negative:
		c.bad("%s is unsigned and has no order against %s", a.name, shown(l, v))
	}
	return v.Bits & (^uint64(0) >> (64 - width))
}

// shown is a literal as a message gives it, with its number where it is a name.
func shown(l dsl.Literal, v abi.Value) string {
	switch {
	case l.Name == "":
		return l.Int
	case v.Negative:
		return fmt.Sprintf("%s (%d)", l.Name, int64(v.Bits))
	}
	return fmt.Sprintf("%s (%#x)", l.Name, v.Bits)
}

func (c *conditions) literal(l dsl.Literal) (abi.Value, bool) {
	switch {
	case l.Name != "":
		if v, ok := c.arch.Const(l.Name); ok {
			return v, true
		}
		if e, ok := c.arch.Errno(l.Name); ok {
			return abi.Value{Bits: uint64(e)}, true
		}
		if abi.ConstKnown(l.Name) {
			c.bad("%s does not exist here", l.Name)
		} else {
			c.bad("there is no constant %q; the names are those of package linux", l.Name)
		}
		return abi.Value{}, false
	case l.Int == "":
		c.bad("a nil value in a condition")
		return abi.Value{}, false
	}
	if n, err := strconv.ParseInt(l.Int, 10, 64); err == nil {
		return abi.Value{Bits: uint64(n), Negative: n < 0}, true
	}
	n, err := strconv.ParseUint(l.Int, 10, 64)
	if err != nil || n <= math.MaxInt64 {
		c.bad("%q is no integer", l.Int)
		return abi.Value{}, false
	}
	return abi.Value{Bits: n}, true
}
