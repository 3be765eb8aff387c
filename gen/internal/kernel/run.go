package kernel

// Run executes a program that Check accepts on struct seccomp_data, given as its
// 16 words, and returns the SECCOMP_RET_* value and how many instructions were
// executed, the return included. It does what bpf_convert_filter of
// net/core/filter.c makes of each instruction.
func Run(p Program, data [16]uint32) (ret uint32, executed int) {
	var a, x uint32
	var m [scratch]uint32
	for pc := 0; ; pc++ {
		executed++
		ins := p[pc]
		k := ins.K
		switch op := ins.Op; {
		case op == LoadWord:
			a = data[k/4]
		case op == LoadLen:
			a = dataSize
		case op == LoadConst:
			a = k
		case op == LoadMem:
			a = m[k]
		case op == LoadXLen:
			x = dataSize
		case op == LoadXConst:
			x = k
		case op == LoadXMem:
			x = m[k]
		case op == Store:
			m[k] = a
		case op == StoreX:
			m[k] = x
		case op == ToX:
			x = a
		case op == FromX:
			a = x
		case op == Neg:
			a = -a
		case op == Return:
			return k, executed
		case op == ReturnA:
			return a, executed
		case op == Jump:
			pc += int(k)
		default:
			if op&UseX != 0 {
				k = x
			}
			if Conditional(op) {
				if Holds(op, a, k) {
					pc += int(ins.Jt)
				} else {
					pc += int(ins.Jf)
				}
				continue
			}
			if op&operationMask == Div && k == 0 {
				return 0, executed // division by X == 0 ends the program
			}
			a = arithmetic(op, a, k)
		}
	}
}

// Holds tells which way a conditional jump goes that compares a with k.
func Holds(op uint16, a, k uint32) bool {
	switch op & operationMask {
	case JumpEqual:
		return a == k
	case JumpGreater:
		return a > k
	case JumpGreaterEq:
		return a >= k
	}
	return a&k != 0 // JumpAnyBit
}

func arithmetic(op uint16, a, k uint32) uint32 {
	switch op & operationMask {
	case Add:
		return a + k
	case Sub:
		return a - k
	case Mul:
		return a * k
	case Div:
		return a / k
	case Or:
		return a | k
	case And:
		return a & k
	case Lsh:
		return a << (k & shiftRemainder)
	case Rsh:
		return a >> (k & shiftRemainder)
	}
	return a ^ k // Xor
}

// Longest is the greatest number of instructions on any way through a program
// that Check accepts.
func Longest(p Program) int {
	far := make([]int, len(p))
	for pc := len(p) - 1; pc >= 0; pc-- {
		for _, to := range Next(p, pc) {
			far[pc] = max(far[pc], far[to])
		}
		far[pc]++
	}
	return far[0]
}
