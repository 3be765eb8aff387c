package program

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// Run executes the instructions on struct seccomp_data, given as its 16 words
// in the machine's byte order, and returns the SECCOMP_RET_* value and how many
// instructions were executed, the return included.
func Run(insns []bpf.Instruction, data [16]uint32) (ret uint32, executed int, err error) {
	var a uint32
	for pc := 0; pc < len(insns); pc++ {
		executed++
		switch ins := insns[pc].(type) {
		case bpf.LoadAbsolute:
			if ins.Size != 4 || ins.Off%4 != 0 || ins.Off >= 64 {
				return 0, executed, fmt.Errorf("instruction %d: load of %d bytes at %d", pc, ins.Size, ins.Off)
			}
			a = data[ins.Off/4]
		case bpf.ALUOpConstant:
			if ins.Op != bpf.ALUOpAnd {
				return 0, executed, fmt.Errorf("instruction %d: %v is not understood", pc, ins)
			}
			a &= ins.Val
		case bpf.Jump:
			pc += int(ins.Skip)
		case bpf.JumpIf:
			holds, err := test(ins, a)
			if err != nil {
				return 0, executed, fmt.Errorf("instruction %d: %w", pc, err)
			}
			if holds {
				pc += int(ins.SkipTrue)
			} else {
				pc += int(ins.SkipFalse)
			}
		case bpf.RetConstant:
			return ins.Val, executed, nil
		default:
			return 0, executed, fmt.Errorf("instruction %d: %v is not understood", pc, ins)
		}
	}
	return 0, executed, fmt.Errorf("the program ends without a return")
}

func test(ins bpf.JumpIf, a uint32) (bool, error) {
	switch ins.Cond {
	case bpf.JumpEqual:
		return a == ins.Val, nil
	case bpf.JumpGreaterThan:
		return a > ins.Val, nil
	case bpf.JumpGreaterOrEqual:
		return a >= ins.Val, nil
	case bpf.JumpBitsSet:
		return a&ins.Val != 0, nil
	}
	return false, fmt.Errorf("%v is not understood", ins)
}

// Longest is the greatest number of instructions on any way through.
func Longest(insns []bpf.Instruction) int {
	far := make([]int, len(insns)+1)
	for pc := len(insns) - 1; pc >= 0; pc-- {
		switch ins := insns[pc].(type) {
		case bpf.RetConstant:
			far[pc] = 1
		case bpf.Jump:
			far[pc] = 1 + far[pc+1+int(ins.Skip)]
		case bpf.JumpIf:
			far[pc] = 1 + max(far[pc+1+int(ins.SkipTrue)], far[pc+1+int(ins.SkipFalse)])
		default:
			far[pc] = 1 + far[pc+1]
		}
	}
	return far[0]
}
