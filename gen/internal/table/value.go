package table

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

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
