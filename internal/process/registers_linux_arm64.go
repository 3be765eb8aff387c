package process

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

type registers = unix.PtraceRegs

const auditArch = unix.AUDIT_ARCH_AARCH64

// callInstruction is svc #0. Behind it a thread stops that enters or leaves a call.
var callInstruction = []byte{0x01, 0x00, 0x00, 0xd4}

// firstStays: filters see the first argument as it was, if a tracer changes it where
// a call is entered (arch/arm64/include/asm/syscall.h, syscall_get_arguments).
const firstStays = true

func pc(r *registers) uint64     { return r.Pc }
func result(r *registers) uint64 { return r.Regs[0] }
func number(r *registers) uint32 { return uint32(r.Regs[8]) }

func arguments(r *registers) [6]uint64 { return [6]uint64(r.Regs[:6]) }

// setCall puts a call into registers that are at the entry of one.
func setCall(r *registers, number uintptr, args []uintptr) {
	r.Regs[8] = uint64(number)
	for i := range 6 {
		r.Regs[i] = 0
		if i < len(args) {
			r.Regs[i] = uint64(args[i])
		}
	}
}

// rewind takes registers from the entry of a call to before it. X7 tells of entries
// and exits there, and the kernel puts back what it was, whatever is written
// (arch/arm64/kernel/ptrace.c, report_syscall).
func rewind(r *registers) { r.Pc -= uint64(len(callInstruction)) }

// replaceCall has a thread that enters a call make another. The kernel has taken the
// number out of X8 by then.
func replaceCall(tid int, r *registers) error {
	if err := unix.PtraceSetRegs(tid, r); err != nil {
		return err
	}
	n := int32(r.Regs[8])
	v := unix.Iovec{Base: (*byte)(unsafe.Pointer(&n)), Len: uint64(unsafe.Sizeof(n))}
	_, err := ptrace(unix.PTRACE_SETREGSET, tid, unix.NT_ARM_SYSTEM_CALL, unsafe.Pointer(&v))
	return err
}
