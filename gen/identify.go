package gen

import (
	"fmt"
	"strconv"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/explain"
)

// Identify finds the call that the kernel means by an audit architecture and a
// number, as in struct seccomp_data, an audit record or a notify.Request. An error
// says that there is no such call in the tables; the architecture is empty if it is
// unknown too.
func Identify(audit uint32, number int32) (dsl.Arch, Syscall, error) {
	a := explain.Owner(audit, uint32(number))
	if a == nil {
		return "", Syscall{}, fmt.Errorf("no architecture has the audit value %#x", audit)
	}
	arch := dsl.Arch(a.Name)
	calls, err := Syscalls(arch, strconv.Itoa(int(number)))
	if err != nil {
		return arch, Syscall{}, err
	}
	return arch, calls[0], nil
}

// In is the argument's value among the registers of a call, in the bits that the
// kernel looks at. It is false for one that is in none of them.
func (a Argument) In(registers [6]uint64) (Integer, bool) {
	if len(a.Slots) == 0 {
		return Integer{}, false
	}
	arg := abi.Arg{Slot: a.Slots[0], HiSlot: -1, Bits: a.Bits}
	if len(a.Slots) == 2 {
		arg.HiSlot = a.Slots[1]
	}
	v := arg.In(registers)
	if sign := uint64(1) << (a.Bits - 1); a.Signed && v&sign != 0 {
		return Integer{Bits: v | -sign, Negative: true}, true
	}
	return Integer{Bits: v}, true
}
