package program

import "golang.org/x/net/bpf"

// Cached reports whether the kernel, where it has a cache for the ABI, will
// find that the program allows a call whatever its arguments, and so never run
// it for that call. It follows kernel/seccomp.c, seccomp_is_const_allow, which
// understands loads of the number and the audit value, jumps on constants, and
// AND, and takes nothing but a return of exactly SECCOMP_RET_ALLOW.
func Cached(insns []bpf.Instruction, audit, nr uint32) bool {
	var a uint32
	for pc := 0; pc < len(insns); pc++ {
		switch ins := insns[pc].(type) {
		case bpf.LoadAbsolute:
			switch ins.Off {
			case 0:
				a = nr
			case 4:
				a = audit
			default:
				return false
			}
		case bpf.ALUOpConstant:
			if ins.Op != bpf.ALUOpAnd {
				return false
			}
			a &= ins.Val
		case bpf.Jump:
			pc += int(ins.Skip)
		case bpf.JumpIf:
			holds, err := test(ins, a)
			if err != nil {
				return false
			}
			if holds {
				pc += int(ins.SkipTrue)
			} else {
				pc += int(ins.SkipFalse)
			}
		case bpf.RetConstant:
			return ins.Val == 0x7fff0000
		default:
			return false
		}
	}
	return false
}
