package source

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// operand is the argument that a register is, by one name for all calls of a rule
// on all its architectures.
type operand struct {
	call string
	arg  abi.Arg // on the first of the uses
	uses []use
}

// use is the argument of one call on one ABI.
type use struct {
	arch *abi.Arch
	arg  abi.Arg
}

// operandOf finds what a condition of a rule looks at; false if no argument of all
// its calls is there.
func operandOf(c dsl.Cond, calls []dsl.Target, arches []*abi.Arch) (operand, bool) {
	slot, err := strconv.Atoi(c.Arg)
	if err != nil || len(c.Conds) > 0 {
		return operand{}, false
	}
	o := operand{call: calls[0].Name}
	for _, call := range calls {
		for _, arch := range arches {
			if _, ok := arch.Number(call.Name); !ok {
				continue
			}
			args := arch.Args(call.Name)
			i := slices.IndexFunc(args, func(a abi.Arg) bool { return a.Slot == slot && a.HiSlot < 0 })
			if i < 0 {
				return operand{}, false
			}
			o.uses = append(o.uses, use{arch, args[i]})
			o.arg = o.uses[0].arg
			if a := args[i]; a.Name != o.arg.Name || a.Signed != o.arg.Signed || a.Pointer != o.arg.Pointer {
				return operand{}, false
			}
			// The condition is written with the first call, which this ABI may lack.
			if slices.ContainsFunc(arch.Prototype(o.call), func(a abi.Arg) bool { return a.Name == o.arg.Name && a.Bits != args[i].Bits }) {
				return operand{}, false
			}
		}
	}
	return o, true
}

// all reports whether something holds for every use.
func (o operand) all(holds func(use) bool) bool {
	return !slices.ContainsFunc(o.uses, func(u use) bool { return !holds(u) })
}

// whole reports whether the argument is all of the register.
func (o operand) whole() bool {
	return o.all(func(u use) bool { return u.arg.Bits == u.arch.Word })
}

// cond restates a condition on the register, by the argument's name where that
// means the same.
func (o operand) cond(c dsl.Cond) dsl.Cond {
	equality := c.Op == dsl.OpIn || c.Op == dsl.OpNotIn
	switch {
	case o.arg.Pointer && (!equality || len(c.Mask) > 0 || len(c.Values) != 1 || c.Values[0].Int != "0" || !o.whole()):
		return c
	case o.arg.Pointer && c.Op == dsl.OpIn:
		return dsl.Pointer{Call: o.call, Name: o.arg.Name}.IsNull()
	case o.arg.Pointer:
		return dsl.Pointer{Call: o.call, Name: o.arg.Name}.NotNull()
	case len(c.Mask) > 0:
		return o.masked(c)
	}
	if o.whole() && (equality || !o.arg.Signed) {
		c.Call, c.Arg = o.call, o.arg.Name
	}
	c.Values = o.values(c)
	return c
}

// masked restates a comparison of some bits.
func (o operand) masked(c dsl.Cond) dsl.Cond {
	mask := number(c.Mask[0])
	if !o.all(func(u use) bool { return bits.Len64(mask) <= u.arg.Bits }) {
		return c
	}
	c.Call, c.Arg = o.call, o.arg.Name
	full := ^uint64(0) >> (64 - o.arg.Bits)
	if mask == full && o.all(func(u use) bool { return u.arg.Bits == o.arg.Bits }) {
		c.Mask = nil
		c.Values = o.values(c)
		return c
	}
	flags, named := o.flags(mask)
	argument := dsl.Arg{Call: o.call, Name: o.arg.Name}
	if named && len(c.Values) == 1 && c.Op == dsl.OpIn {
		switch number(c.Values[0]) {
		case 0:
			return argument.Lacks(flags...)
		case mask:
			return argument.Has(flags...)
		}
	}
	c.Values = o.values(c)
	return argument.Masked(flags...).In(valuesOf(c.Values)...)
}

func valuesOf(ls []dsl.Literal) []dsl.Value {
	values := make([]dsl.Value, len(ls))
	for i, l := range ls {
		values[i] = l
		if l.Name != "" {
			values[i] = dsl.Const(l.Name)
		}
	}
	return values
}

// values names those of the numbers that are one constant.
func (o operand) values(c dsl.Cond) []dsl.Literal {
	list := slices.Clone(c.Values)
	for i, l := range list {
		text, _ := o.names().Value(number(l))
		if o.mean(number(l), c.Call != "", text) {
			list[i] = dsl.Literal{Name: text}
		}
	}
	return list
}

// flags are bits as constants; as a number, and false, if not all have a name.
func (o operand) flags(mask uint64) ([]dsl.Value, bool) {
	text, _ := o.names().Mask(mask)
	names := strings.Split(text, "|")
	if !o.mean(mask, true, names...) {
		return []dsl.Value{dsl.Int(mask)}, false
	}
	var flags []dsl.Value
	for _, n := range names {
		flags = append(flags, dsl.Const(n))
	}
	return flags, true
}

func (o operand) names() abi.Names { return o.uses[0].arch.Names(o.call, o.arg) }

// mean reports whether constants joined are a number everywhere, as the argument or
// as the register has it.
func (o operand) mean(n uint64, argument bool, names ...string) bool {
	return o.all(func(u use) bool {
		all, width := uint64(0), u.arch.Word
		if argument {
			width = u.arg.Bits
		}
		for _, name := range names {
			v, ok := u.arch.Const(name)
			if !ok {
				return false
			}
			all |= v.Bits << (64 - width) >> (64 - width)
		}
		return all == n
	})
}

// number is the value of a literal that package oci made.
func number(l dsl.Literal) uint64 {
	n, err := strconv.ParseUint(l.Int, 10, 64)
	if err != nil {
		panic("source: no number: " + l.Int)
	}
	return n
}

// goName is how package sys spells a name of the kernel's: _newselect is
// Newselect, epoll_pwait2 is EpollPwait2.
func goName(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		for i, r := range word {
			if i == 0 {
				r = unicode.ToUpper(r)
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}
