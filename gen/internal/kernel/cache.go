package kernel

// Cached reports whether the kernel, where it has a cache for the ABI, will
// find that the program allows a call whatever its arguments, and so never run
// it for that call. It follows kernel/seccomp.c, seccomp_is_const_allow, which
// understands loads of the number and the audit value, jumps on constants, and
// AND, and takes nothing but a return of exactly SECCOMP_RET_ALLOW.
func Cached(p Program, audit, nr uint32) bool {
	var a uint32
	for pc := 0; ; pc++ {
		switch ins := p[pc]; ins.Op {
		case LoadWord:
			switch ins.K {
			case 0:
				a = nr
			case 4:
				a = audit
			default:
				return false
			}
		case And:
			a &= ins.K
		case Jump:
			pc += int(ins.K)
		case JumpEqual, JumpGreater, JumpGreaterEq, JumpAnyBit:
			if Holds(ins.Op, a, ins.K) {
				pc += int(ins.Jt)
			} else {
				pc += int(ins.Jf)
			}
		case Return:
			return ins.K == RetAllow
		default:
			return false
		}
	}
}
