package dsl

import "slices"

// Arg is an integer argument of a system call. It is compared in the bits that
// the kernel looks at: 32 for int and unsigned, the register's width for long
// and size_t; signed where the C type is.
type Arg struct {
	Call string // kernel name of the call; empty for Raw
	Name string // name of the argument, as in the manual page; its index for Raw
}

// Pointer is an argument that holds an address. A filter cannot follow it, so
// it can only be compared with null.
type Pointer struct {
	Call string
	Name string
}

// Raw is argument i (0 to 5) of any call as the whole unsigned word of the
// ABI: 64 bits, or 32 on a 32-bit one. Prefer a named argument: the kernel
// ignores the upper half of an int, and so must a filter.
func Raw(i int) Arg { return Arg{Name: string(rune('0' + i))} }

// Op is what a condition tests.
type Op string

// The operators, as they are written down.
const (
	OpIn      Op = "in" // one of Values, after Mask where there is one
	OpNotIn   Op = "notin"
	OpLt      Op = "lt"
	OpLe      Op = "le"
	OpGt      Op = "gt"
	OpGe      Op = "ge"
	OpBetween Op = "between" // Values[0] to Values[1], inclusive
	OpHas     Op = "has"     // all of Values' bits are set
	OpLacks   Op = "lacks"   // none of Values' bits is set
	OpOnly    Op = "only"    // no bit but Values' is set
	OpNull    Op = "null"
	OpNotNull Op = "notnull"
	OpAll     Op = "all" // all of Conds hold
	OpAny     Op = "any" // one of Conds holds
	OpNot     Op = "not" // Conds[0] does not hold
)

// Cond is a condition on a call's arguments, made by the methods of [Arg] and
// [Pointer] and by [All], [Any] and [Not].
type Cond struct {
	Op     Op        `json:"op"`
	Call   string    `json:"call,omitempty"`
	Arg    string    `json:"arg,omitempty"`
	Mask   []Literal `json:"mask,omitempty"`
	Values []Literal `json:"values,omitempty"`
	Conds  []Cond    `json:"conds,omitempty"`
}

func (a Arg) cond(op Op, vs ...Value) Cond {
	return Cond{Op: op, Call: a.Call, Arg: a.Name, Values: literals(vs)}
}

// Eq holds if the argument is v.
func (a Arg) Eq(v Value) Cond { return a.cond(OpIn, v) }

// Ne holds if the argument is not v.
func (a Arg) Ne(v Value) Cond { return a.cond(OpNotIn, v) }

// In holds if the argument is one of vs.
func (a Arg) In(vs ...Value) Cond { return a.cond(OpIn, vs...) }

// NotIn holds if the argument is none of vs.
func (a Arg) NotIn(vs ...Value) Cond { return a.cond(OpNotIn, vs...) }

// Lt holds if the argument is less than v.
func (a Arg) Lt(v Value) Cond { return a.cond(OpLt, v) }

// Le holds if the argument is at most v.
func (a Arg) Le(v Value) Cond { return a.cond(OpLe, v) }

// Gt holds if the argument is greater than v.
func (a Arg) Gt(v Value) Cond { return a.cond(OpGt, v) }

// Ge holds if the argument is at least v.
func (a Arg) Ge(v Value) Cond { return a.cond(OpGe, v) }

// Between holds if the argument is at least lo and at most hi.
func (a Arg) Between(lo, hi Value) Cond { return a.cond(OpBetween, lo, hi) }

// Has holds if every bit of every flag is set.
func (a Arg) Has(flags ...Value) Cond { return a.cond(OpHas, flags...) }

// Lacks holds if no bit of any flag is set.
func (a Arg) Lacks(flags ...Value) Cond { return a.cond(OpLacks, flags...) }

// Only holds if no bit outside the flags is set.
func (a Arg) Only(flags ...Value) Cond { return a.cond(OpOnly, flags...) }

// Masked is the argument with all bits but the mask's cleared; several masks
// are joined.
func (a Arg) Masked(mask ...Value) Masked { return Masked{a, literals(mask)} }

// Masked is an argument under a mask.
type Masked struct {
	arg  Arg
	mask []Literal
}

// Eq holds if the masked argument is v.
func (m Masked) Eq(v Value) Cond { return m.In(v) }

// In holds if the masked argument is one of vs.
func (m Masked) In(vs ...Value) Cond {
	c := m.arg.cond(OpIn, vs...)
	c.Mask = m.mask
	return c
}

// IsNull holds if the pointer is null.
func (p Pointer) IsNull() Cond { return Cond{Op: OpNull, Call: p.Call, Arg: p.Name} }

// NotNull holds if the pointer is not null.
func (p Pointer) NotNull() Cond { return Cond{Op: OpNotNull, Call: p.Call, Arg: p.Name} }

// All holds if every condition does.
func All(conds ...Cond) Cond { return Cond{Op: OpAll, Conds: slices.Clone(conds)} }

// Any holds if at least one condition does.
func Any(conds ...Cond) Cond { return Cond{Op: OpAny, Conds: slices.Clone(conds)} }

// Not holds if the condition does not.
func Not(cond Cond) Cond { return Cond{Op: OpNot, Conds: []Cond{cond}} }
