package explain

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/file"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Step is an executed instruction.
type Step struct {
	PC   int
	Text string // what it does; of a conditional jump also how it came out
}

// Path runs a program on a call: the answer, and the instructions on the way
// there. Zero stands for what is not known of the call; assumed tells whether the
// program looked at any of that.
func Path(p []instruction, c Call) (ret uint32, steps []Step, assumed bool) {
	ret, executed := kernel.Run(p, c.words)
	a := "A" // what A holds, in words
	pc := 0
	for range executed {
		next := kernel.Next(p, pc)
		ins := p[pc]
		text := c.text(ins, a)
		switch {
		case ins.Op == kernel.LoadWord:
			w := table.Word(ins.K / 4)
			a = c.word(w)
			assumed = assumed || !c.known[w]
		case ins.Op == kernel.And:
			a = fmt.Sprintf("(%s & %#x)", a, ins.K)
		case kernel.Conditional(ins.Op):
			outcome := " no"
			way := next[1]
			if jumps(p, pc, c) {
				outcome, way = " yes", next[0]
			}
			text += outcome
			if way != pc+1 {
				text += fmt.Sprintf(", to %d", way)
			}
			next = []int{way}
		case ins.Op != kernel.Jump && ins.Op != kernel.Return && ins.Op != kernel.Store && ins.Op != kernel.StoreX && ins.Op != kernel.ToX:
			a = "A"
		}
		steps = append(steps, Step{pc, text})
		if len(next) > 0 {
			pc = next[0]
		}
	}
	return ret, steps, assumed
}

// jumps tells which way a conditional jump goes that the call comes to. What the
// registers hold there, kernel.Run tells of the program cut off at that place.
func jumps(p []instruction, pc int, c Call) bool {
	cut := slices.Clone(p)
	cut[pc] = instruction{Op: kernel.ReturnA}
	a, _ := kernel.Run(cut, c.words)
	k := p[pc].K
	if p[pc].Op&kernel.UseX != 0 {
		cut[pc] = instruction{Op: kernel.FromX}
		cut[pc+1] = instruction{Op: kernel.ReturnA}
		k, _ = kernel.Run(cut, c.words)
	}
	return kernel.Holds(p[pc].Op, a, k)
}

// operators are the signs of arithmetic and conditional jumps.
var operators = map[uint16]string{
	kernel.Add: "+", kernel.Sub: "-", kernel.Mul: "*", kernel.Div: "/", kernel.Or: "|", kernel.And: "&",
	kernel.Lsh: "<<", kernel.Rsh: ">>", kernel.Xor: "^",
	kernel.JumpEqual: "==", kernel.JumpGreater: ">", kernel.JumpGreaterEq: ">=", kernel.JumpAnyBit: "&",
}

// text is an instruction in words, where A holds what a says.
func (c Call) text(ins instruction, a string) string {
	switch ins.Op {
	case kernel.LoadWord:
		return "load " + c.word(table.Word(ins.K/4))
	case kernel.LoadConst:
		return fmt.Sprintf("load %#x", ins.K)
	case kernel.LoadLen:
		return "load the size of the data, 64"
	case kernel.LoadMem:
		return fmt.Sprintf("load M[%d]", ins.K)
	case kernel.LoadXConst:
		return fmt.Sprintf("X = %#x", ins.K)
	case kernel.LoadXLen:
		return "X = the size of the data, 64"
	case kernel.LoadXMem:
		return fmt.Sprintf("X = M[%d]", ins.K)
	case kernel.Store:
		return fmt.Sprintf("M[%d] = %s", ins.K, a)
	case kernel.StoreX:
		return fmt.Sprintf("M[%d] = X", ins.K)
	case kernel.ToX:
		return "X = " + a
	case kernel.FromX:
		return "A = X"
	case kernel.Neg:
		return "A = -" + a
	case kernel.Jump:
		return "go on"
	case kernel.Return:
		return "return " + file.ReturnText(c.Arch, ins.K)
	case kernel.ReturnA:
		return "return " + a
	}
	k := c.constant(ins.K, a)
	if ins.Op&kernel.UseX != 0 {
		k = "X"
	}
	text := a + " " + operators[ins.Op&^kernel.UseX] + " " + k
	if kernel.Conditional(ins.Op) {
		return text + "?"
	}
	return "A = " + text
}

// constant is what a word is compared with.
func (c Call) constant(k uint32, with string) string {
	switch with {
	case "arch":
		for _, other := range abi.Arches() {
			if other.Audit == k {
				return fmt.Sprintf("%#x (%s)", k, other.Name)
			}
		}
	case "nr":
		if name := c.Arch.CallName(k); name != "" {
			return fmt.Sprintf("%d (%s)", k, name)
		}
		return fmt.Sprint(k)
	}
	return fmt.Sprintf("%#x", k)
}

// word names a word of struct seccomp_data for the call.
func (c Call) word(w table.Word) string {
	switch {
	case w == table.Nr:
		return "nr"
	case w == table.Arch:
		return "arch"
	case w < argumentWords:
		return fmt.Sprintf("the instruction pointer's word %d", w-2)
	}
	slot := int(w-argumentWords) / 2
	lo, _ := c.slotWords(slot)
	for _, a := range c.Arch.Args(c.Name) {
		switch {
		case a.HiSlot == slot && w == lo:
			return a.Name + " (upper half)"
		case a.Slot == slot && w == lo && (a.Bits <= 32 || c.Arch.Word == 32 && a.HiSlot < 0):
			return a.Name
		case a.Slot == slot && w == lo:
			return a.Name + " (lower half)"
		case a.Slot == slot:
			return a.Name + " (upper half)"
		}
	}
	if w == lo {
		return fmt.Sprintf("args[%d] (lower half)", slot)
	}
	return fmt.Sprintf("args[%d] (upper half)", slot)
}
