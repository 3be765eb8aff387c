package kernel

import "fmt"

// Check returns the error for which the kernel would refuse a program with
// EINVAL: what bpf_check_classic and check_load_and_stores of net/core/filter.c
// and seccomp_check_filter of kernel/seccomp.c refuse.
func Check(p Program) error {
	switch {
	case len(p) == 0:
		return fmt.Errorf("the program is empty")
	case len(p) > MaxLen:
		return fmt.Errorf("the program has %d instructions, and the kernel takes %d", len(p), MaxLen)
	}
	for pc := range p {
		if err := checkOne(p, pc); err != nil {
			return fmt.Errorf("instruction %d: %w", pc, err)
		}
	}
	if last := p[len(p)-1].Op; last != Return && last != ReturnA {
		return fmt.Errorf("the program does not end with a return")
	}
	return checkScratch(p)
}

func checkOne(p Program, pc int) error {
	ins := p[pc]
	left := len(p) - pc - 1
	switch op := ins.Op; op {
	case LoadWord:
		if ins.K >= dataSize || ins.K%4 != 0 {
			return fmt.Errorf("seccomp loads aligned words of its 64 bytes of data, not at %d", ins.K)
		}
	case LoadMem, LoadXMem, Store, StoreX:
		if ins.K >= scratch {
			return fmt.Errorf("there is no word %d of scratch memory", ins.K)
		}
	case LoadLen, LoadConst, LoadXLen, LoadXConst, ToX, FromX, Neg, Return, ReturnA:
	case Jump:
		if uint64(ins.K) >= uint64(left) {
			return fmt.Errorf("the jump leaves the program")
		}
	default:
		return checkOperation(ins.Op, ins.K, int(max(ins.Jt, ins.Jf)), left)
	}
	return nil
}

// checkOperation checks arithmetic and conditional jumps, which have a form
// with K and one with X.
func checkOperation(code uint16, k uint32, skip, left int) error {
	withX := code&UseX != 0
	switch code & operationMask {
	case Add, Sub, Mul, Or, And, Xor:
	case Div:
		if !withX && k == 0 {
			return fmt.Errorf("division by zero")
		}
	case Lsh, Rsh:
		if !withX && k >= shiftWidth {
			return fmt.Errorf("shift by %d bits", k)
		}
	case JumpEqual, JumpGreater, JumpGreaterEq, JumpAnyBit:
		if skip >= left {
			return fmt.Errorf("the jump leaves the program")
		}
	default:
		return fmt.Errorf("seccomp takes no instruction with code %#x", code)
	}
	if code&^0xff != 0 {
		return fmt.Errorf("seccomp takes no instruction with code %#x", code)
	}
	return nil
}

// checkScratch refuses to read a word of scratch memory that was not written
// before on every way.
func checkScratch(p Program) error {
	written := make([]uint16, len(p)) // on every way to each instruction
	for i := range written {
		written[i] = 0xffff
	}
	written[0] = 0
	for pc, ins := range p {
		now := written[pc]
		switch ins.Op {
		case Store, StoreX:
			now |= 1 << ins.K
		case LoadMem, LoadXMem:
			if now>>ins.K&1 == 0 {
				return fmt.Errorf("instruction %d: word %d of scratch memory is read before it is written", pc, ins.K)
			}
		}
		for _, to := range Next(p, pc) {
			written[to] &= now
		}
	}
	return nil
}
