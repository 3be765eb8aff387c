package process

import "golang.org/x/sys/unix"

type registers = unix.PtraceRegs

const auditArch = unix.AUDIT_ARCH_X86_64

// callInstruction is syscall. Behind it a thread stops that enters or leaves a call.
var callInstruction = []byte{0x0f, 0x05}

// firstStays: filters see the first argument as it was, if a tracer changes it where
// a call is entered.
const firstStays = false

func pc(r *registers) uint64     { return r.Rip }
func result(r *registers) uint64 { return r.Rax }
func number(r *registers) uint32 { return uint32(r.Orig_rax) }

func arguments(r *registers) [6]uint64 {
	return [6]uint64{r.Rdi, r.Rsi, r.Rdx, r.R10, r.R8, r.R9}
}

// setCall puts a call into registers that are at the entry of one.
func setCall(r *registers, number uintptr, args []uintptr) {
	r.Orig_rax = uint64(number)
	for i, at := range []*uint64{&r.Rdi, &r.Rsi, &r.Rdx, &r.R10, &r.R8, &r.R9} {
		*at = 0
		if i < len(args) {
			*at = uint64(args[i])
		}
	}
}

// rewind takes registers from the entry of a call to before it.
func rewind(r *registers) {
	r.Rip -= uint64(len(callInstruction))
	r.Rax = r.Orig_rax
}

// replaceCall has a thread that enters a call make another.
func replaceCall(tid int, r *registers) error { return unix.PtraceSetRegs(tid, r) }
