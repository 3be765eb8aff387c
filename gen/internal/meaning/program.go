package meaning

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// program is the function that the instructions compute. Jumps only go
// forward, so one pass in order meets every instruction after all that lead to
// it: for each it knows for which calls it is reached, and what A then holds.
func (d *diagram) program(insns []bpf.Instruction) (node, error) {
	uses := usesA(insns)
	reached := make([]node, len(insns)+1) // all no
	a := make([]vector, len(insns)+1)     // A on entry, where it is reached
	reached[0], a[0] = yes, d.constant(0, 32)

	flow := func(from node, acc vector, to int) error {
		if from == no {
			return nil
		}
		if to >= len(insns) {
			return fmt.Errorf("instruction %d is behind the end of the program", to)
		}
		if uses[to] {
			a[to] = d.merge(from, acc, a[to])
		}
		reached[to] = d.or(from, reached[to])
		return nil
	}
	f := d.value(0)
	for pc, ins := range insns {
		here, acc := reached[pc], a[pc]
		var err error
		switch ins := ins.(type) {
		case bpf.LoadAbsolute:
			if ins.Size != 4 || ins.Off%4 != 0 || ins.Off >= 64 {
				return no, fmt.Errorf("instruction %d: seccomp loads aligned words of struct seccomp_data only", pc)
			}
			err = flow(here, d.word(table.Word(ins.Off/4)), pc+1)
		case bpf.ALUOpConstant:
			if ins.Op != bpf.ALUOpAnd {
				return no, fmt.Errorf("instruction %d: %v is not understood", pc, ins)
			}
			if here != no {
				err = flow(here, d.masked(acc, uint64(ins.Val)), pc+1)
			}
		case bpf.Jump:
			err = flow(here, acc, pc+1+int(ins.Skip))
		case bpf.JumpIf:
			if here == no {
				continue
			}
			holds, known := d.jump(ins, acc)
			if !known {
				return no, fmt.Errorf("instruction %d: %v is not understood", pc, ins)
			}
			err = flow(d.and(here, holds), acc, pc+1+int(ins.SkipTrue))
			if err == nil {
				err = flow(d.ite(holds, no, here), acc, pc+1+int(ins.SkipFalse))
			}
		case bpf.RetConstant:
			f = d.ite(here, d.value(ins.Val), f)
		default:
			return no, fmt.Errorf("instruction %d: %v is not understood", pc, ins)
		}
		if err != nil {
			return no, err
		}
		if err := d.check(); err != nil {
			return no, err
		}
	}
	return f, nil
}

func (d *diagram) jump(ins bpf.JumpIf, acc vector) (holds node, known bool) {
	k := uint64(ins.Val)
	switch ins.Cond {
	case bpf.JumpEqual:
		return d.equal(acc, k), true
	case bpf.JumpGreaterThan:
		return d.greater(acc, k), true
	case bpf.JumpGreaterOrEqual:
		return d.or(d.greater(acc, k), d.equal(acc, k)), true
	case bpf.JumpBitsSet:
		return d.anyOf(acc, k), true
	}
	return no, false
}

// merge is new where it comes from, and old elsewhere.
func (d *diagram) merge(from node, new, old vector) vector {
	if old == nil || slices.Equal(new, old) {
		return new
	}
	v := make(vector, 32)
	for i := range v {
		v[i] = d.ite(from, new[i], old[i])
	}
	return v
}

// usesA tells for each instruction whether what A holds before it can matter.
func usesA(insns []bpf.Instruction) []bool {
	uses := make([]bool, len(insns)+1)
	at := func(pc int) bool { return pc < len(insns) && uses[pc] }
	for pc := len(insns) - 1; pc >= 0; pc-- {
		switch ins := insns[pc].(type) {
		case bpf.LoadAbsolute, bpf.RetConstant:
		case bpf.Jump:
			uses[pc] = at(pc + 1 + int(ins.Skip))
		default:
			uses[pc] = true
		}
	}
	return uses
}
