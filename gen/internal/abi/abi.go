package abi

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// Lookup finds an ABI by its name, as in dsl.Arch; nil if there is none.
func Lookup(name string) *Arch {
	for _, a := range arches {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Arches lists every ABI, in the order of dsl/arch.go.
func Arches() []*Arch { return slices.Clone(arches) }

// Calls lists the name of every call that some ABI has, sorted.
func Calls() []string { return slices.Clone(calls()) }

// Known reports whether any ABI has a call of that name.
func Known(call string) bool {
	_, ok := prototypes()[call]
	return ok
}

var calls = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(prototypes())) })

// Number is the number of a call as a filter sees it: x32's with bit 30, MIPS's
// with their base. It is false if the ABI lacks the call.
func (a *Arch) Number(call string) (uint32, bool) {
	n, ok := numbers()[a.Name].byName[call]
	return n, ok
}

// CallName is the name of the call that has a number, "" if none has.
func (a *Arch) CallName(nr uint32) string { return numbers()[a.Name].byNumber[nr] }

// Arg is one argument of a call.
type Arg struct {
	Name    string // as in package sys
	Type    string // C type
	Bits    int    // what the kernel looks at: 16, 32 or 64
	Signed  bool
	Pointer bool
	Slot    int // index into seccomp_data.args of the argument, or of its low half; -1 if no filter can see it
	HiSlot  int // index of the high half if the argument is split over two slots, else -1
}

// In is the argument among the registers of a call that was made, in the bits that
// the kernel looks at, without its sign. The argument must be in some.
func (a Arg) In(registers [6]uint64) uint64 {
	v := registers[a.Slot]
	if a.HiSlot >= 0 {
		v = v&0xffffffff | registers[a.HiSlot]<<32
	}
	unused := 64 - a.Bits
	return v << unused >> unused
}

// Args lists a call's arguments as a plain 64-bit ABI takes them; nil if there
// is no such call.
func Args(call string) []Arg {
	p, ok := prototypes()[call]
	if !ok {
		return nil
	}
	return args(p.plain, 64)
}

// Args lists a call's arguments as this ABI takes them; nil if it lacks the
// call. An argument that Args(call) has and this list has not is not there on
// this ABI.
func (a *Arch) Args(call string) []Arg {
	if _, ok := a.Number(call); !ok {
		return nil
	}
	return a.Prototype(call)
}

// Prototype lists a call's arguments as this ABI would take them, whether it has
// the call or not; nil if no ABI has it.
func (a *Arch) Prototype(call string) []Arg {
	p, ok := prototypes()[call]
	if !ok {
		return nil
	}
	if own, ok := p.on[a.Name]; ok {
		return args(own, a.Word)
	}
	return args(p.plain, a.Word)
}

// Notes tells what is odd about an argument of a call on this ABI, or, if arg is
// empty, about the call.
func (a *Arch) Notes(call, arg string) []string {
	return slices.Clone(notes()[[3]string{a.Name, call, cmp.Or(arg, "-")}])
}

// Value is a constant. A negative one is in two's complement.
type Value struct {
	Bits     uint64
	Negative bool
}

// Const is the value of a constant of package linux; false if the ABI lacks it.
func (a *Arch) Const(name string) (Value, bool) { return constants().lookup(name, a) }

// Consts lists the name of every constant that some ABI has, sorted.
func Consts() []string { return slices.Sorted(maps.Keys(constants())) }

// ConstKnown reports whether some ABI has the constant.
func ConstKnown(name string) bool {
	_, ok := constants()[name]
	return ok
}

// Errno is the number of an errno of package linux; false if the ABI lacks it.
func (a *Arch) Errno(name string) (uint16, bool) {
	v, ok := errnos().lookup(name, a)
	return uint16(v.Bits), ok
}

// Errnos lists the name of every errno that some ABI has, sorted.
func Errnos() []string { return slices.Sorted(maps.Keys(errnos())) }

// ErrnoName is the name of an errno, "" if it has none. Of two names for one
// number it is the first in errno(3)'s and asm-generic/errno.h's sense.
func ErrnoName(a *Arch, n uint16) string {
	for name := range errnos() {
		if m, ok := a.Errno(name); !ok || m != n {
			continue
		}
		if m, ok := a.Errno(synonyms[name]); !ok || m != n {
			return name
		}
	}
	return ""
}

// synonyms are errnos that are another's second name on some ABI or all.
var synonyms = map[string]string{
	"EWOULDBLOCK":  "EAGAIN",
	"EDEADLOCK":    "EDEADLK",
	"ENOTSUP":      "EOPNOTSUPP",
	"EFSBADCRC":    "EBADMSG",
	"EFSCORRUPTED": "EUCLEAN",
}
