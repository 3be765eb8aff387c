package table

import (
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

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
