package gen

import (
	"math"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// plain is the reference for what the compiler makes of a table: rule by rule, each
// comparison loads what it compares, and nothing is shared. It has no more in common
// with the compiler than the table.
func plain(t table.Table) kernel.Program {
	var r reference
	for _, p := range t.Parts {
		other := r.unless(table.All{is(table.Arch, p.Arch.Audit), among(p.Numbers)})
		for _, rule := range p.Rules {
			next := r.unless(among(rule.Numbers))
			if rule.Cond != nil {
				next = append(next, r.unless(rule.Cond)...)
			}
			r.add(kernel.Return, rule.Action)
			r.here(next)
		}
		r.add(kernel.Return, p.Default)
		r.here(other)
	}
	r.add(kernel.Return, t.BadArch)
	return r.program
}

func is(w table.Word, v uint32) table.Cond {
	return table.Test{Lo: w, Bits: 32, Mask: math.MaxUint32, Values: []uint64{uint64(v)}}
}

func among(ranges []abi.Range) table.Cond {
	var any table.Any
	for _, r := range ranges {
		lo := table.Test{Lo: table.Nr, Bits: 32, Mask: math.MaxUint32, Op: table.Ge, Values: []uint64{uint64(r.Lo)}}
		hi := lo
		hi.Op, hi.Values = table.Le, []uint64{uint64(r.Hi)}
		any = append(any, table.All{lo, hi})
	}
	return any
}

// reference is a program in the making. A way out of a condition is a jump whose
// target is not known yet, given by its place.
type reference struct{ program kernel.Program }

func (r *reference) add(op uint16, k uint32) int {
	r.program = append(r.program, bpf.RawInstruction{Op: op, K: k})
	return len(r.program) - 1
}

// here lets jumps lead to the next instruction.
func (r *reference) here(jumps []int) {
	for _, pc := range jumps {
		r.program[pc].K = uint32(len(r.program) - 1 - pc)
	}
}

// unless adds what goes on to the next instruction if c holds, and returns the ways
// out for when it does not.
func (r *reference) unless(c table.Cond) (out []int) {
	switch c := c.(type) {
	case table.All:
		for _, sub := range c {
			out = append(out, r.unless(sub)...)
		}
		return out
	case table.Any:
		var holds []int
		for _, sub := range c {
			not := r.unless(sub)
			holds = append(holds, r.add(kernel.Jump, 0))
			r.here(not)
		}
		out = append(out, r.add(kernel.Jump, 0))
		r.here(holds)
		return out
	case table.Not:
		not := r.unless(c.Cond)
		out = append(out, r.add(kernel.Jump, 0))
		r.here(not)
		return out
	}
	t := c.(table.Test)
	switch simpler := apart(t); {
	case simpler != nil:
		return r.unless(simpler)
	case t.Op == table.In:
		return r.word(kernel.JumpEqual, t)
	case t.Op == table.Gt:
		return r.word(kernel.JumpGreater, t)
	default: // table.Ge
		return r.word(kernel.JumpGreaterEq, t)
	}
}

// apart says by simpler conditions what t does, or is nil if none are: if t compares
// one word with one value, and asks for equality or greater numbers.
func apart(t table.Test) table.Cond {
	other := t
	switch {
	case t.Op == table.Lt:
		other.Op = table.Ge
		return table.Not{Cond: other}
	case t.Op == table.Le:
		other.Op = table.Gt
		return table.Not{Cond: other}
	case t.Op == table.In && len(t.Values) > 1:
		var any table.Any
		for _, v := range t.Values {
			other.Values = []uint64{v}
			any = append(any, other)
		}
		return any
	case t.Bits <= 32:
		return nil
	}
	lo := table.Test{Lo: t.Lo, Bits: 32, Op: t.Op, Mask: t.Mask & math.MaxUint32, Values: []uint64{t.Values[0] & math.MaxUint32}}
	hi := table.Test{Lo: t.Hi, Bits: 32, Op: table.In, Mask: t.Mask >> 32, Values: []uint64{t.Values[0] >> 32}}
	if t.Op == table.In {
		return table.All{lo, hi}
	}
	above := hi
	above.Op, above.Signed = table.Gt, t.Signed
	return table.Any{above, table.All{hi, lo}}
}

// word compares the word of t. With its sign bit turned round, a signed number is
// ordered as an unsigned one.
func (r *reference) word(op uint16, t table.Test) []int {
	sign := uint32(0)
	if t.Signed {
		sign = 1 << (t.Bits - 1)
	}
	r.add(kernel.LoadWord, 4*uint32(t.Lo))
	r.add(kernel.And, uint32(t.Mask))
	r.add(kernel.Xor, sign)
	r.program = append(r.program, bpf.RawInstruction{Op: op, K: uint32(t.Values[0]) ^ sign, Jt: 1})
	return []int{r.add(kernel.Jump, 0)}
}
