package file

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// listing says of each instruction what it does, with names for numbers,
// arguments and places. A place is named after what it is about, so that an
// instruction more or less elsewhere does not rename it.
type listing struct {
	parts  []table.Part
	insns  kernel.Program
	holds  []table.Word   // the word in A before each instruction
	masks  []uint32       // what of the word
	arches [][]*abi.Arch  // ABIs whose calls come to each instruction
	calls  [][]call       // calls whose arguments each instruction looks at
	label  map[int]string // of jump targets
}

// call is a system call on one of the ABIs.
type call struct {
	arch *abi.Arch
	nr   uint32
}

func (c call) name() string {
	if name := c.arch.CallName(c.nr); name != "" {
		return name
	}
	return strconv.Itoa(int(int32(c.nr)))
}

// x32Bit is __X32_SYSCALL_BIT of arch/x86/include/uapi/asm/unistd.h.
const x32Bit = 0x40000000

const unknownWord table.Word = 0xff

// comments returns a line for each instruction of a program that answers t.
func comments(t table.Table, insns kernel.Program) []string {
	l := &listing{parts: t.Parts, insns: insns,
		holds:  make([]table.Word, len(insns)),
		arches: make([][]*abi.Arch, len(insns)),
		calls:  make([][]call, len(insns)),
		masks:  make([]uint32, len(insns)),
		label:  map[int]string{},
	}
	l.flow()
	for _, p := range t.Parts {
		for _, nr := range named(p) {
			l.follow(call{p.Arch, nr})
		}
	}
	l.name()
	lines := make([]string, len(insns))
	for pc := range insns {
		lines[pc] = l.text(pc)
		if name, ok := l.label[pc]; ok {
			lines[pc] = name + ": " + lines[pc]
		}
	}
	return lines
}

// named lists the numbers that rules of the policy name.
func named(p table.Part) []uint32 {
	var nrs []uint32
	for _, r := range p.Rules {
		if r.Source == table.FromNewer {
			continue
		}
		for _, s := range r.Numbers {
			for n := uint64(s.Lo); n <= uint64(s.Hi); n++ {
				nrs = append(nrs, uint32(n))
			}
		}
	}
	slices.Sort(nrs)
	return slices.Compact(nrs)
}

// flow finds the word in A before each instruction.
func (l *listing) flow() {
	for i := range l.holds {
		l.holds[i] = unknownWord
	}
	for pc, ins := range l.insns {
		w, mask := l.holds[pc], l.masks[pc]
		switch ins.Op {
		case kernel.LoadWord:
			w, mask = table.Word(ins.K/4), math.MaxUint32
		case kernel.And:
			mask &= ins.K
		}
		for _, to := range kernel.Next(l.insns, pc) {
			l.holds[to], l.masks[to] = w, mask
		}
	}
}

// follow marks the instructions that look at the arguments of c.
func (l *listing) follow(c call) {
	var data [2]uint32
	data[table.Nr], data[table.Arch] = c.nr, c.arch.Audit
	reached := make([]bool, len(l.insns))
	reached[0] = true
	for pc, ins := range l.insns {
		if !reached[pc] {
			continue
		}
		if !slices.Contains(l.arches[pc], c.arch) {
			l.arches[pc] = append(l.arches[pc], c.arch)
		}
		targets := kernel.Next(l.insns, pc)
		w := l.holds[pc]
		if kernel.Conditional(ins.Op) && w <= table.Arch {
			if kernel.Holds(ins.Op, data[w], ins.K) {
				targets = targets[:1]
			} else {
				targets = targets[1:]
			}
		}
		if ins.Op == kernel.LoadWord {
			w = table.Word(ins.K / 4)
		}
		if ins.Op != kernel.Return && w > table.Arch && w != unknownWord {
			l.calls[pc] = append(l.calls[pc], c)
		}
		for _, to := range targets {
			reached[to] = true
		}
	}
}

// name gives labels to all places that jumps lead to.
func (l *listing) name() {
	targets := map[int]bool{}
	for pc := range l.insns {
		for _, to := range kernel.Next(l.insns, pc) {
			if to != pc+1 {
				targets[to] = true
			}
		}
	}
	count := map[string]int{}
	for pc := range l.insns {
		if !targets[pc] {
			continue
		}
		base := l.about(pc)
		if base == "" {
			continue // a return: its action says it
		}
		count[base]++
		name := base
		if count[base] > 1 {
			name = fmt.Sprintf("%s.%d", base, count[base])
		}
		l.label[pc] = name
	}
}

// about is what a label at pc is named after.
func (l *listing) about(pc int) string {
	if len(l.calls[pc]) > 0 {
		return l.calls[pc][0].name()
	}
	switch ins := l.insns[pc]; {
	case ins.Op == kernel.Return:
		return ""
	case kernel.Conditional(ins.Op) && l.holds[pc] == table.Nr:
		return "nr." + strconv.FormatUint(uint64(ins.K), 10)
	case ins.Op == kernel.LoadWord && ins.K == 0:
		return "nr"
	case ins.Op == kernel.Jump:
		return "far"
	}
	return "at"
}

// place is how a jump names its target.
func (l *listing) place(pc int) string {
	if ins := l.insns[pc]; ins.Op == kernel.Return {
		return ReturnText(l.parts[0].Arch, ins.K)
	}
	return l.label[pc]
}

func (l *listing) text(pc int) string {
	ins := l.insns[pc]
	switch op := ins.Op; {
	case op == kernel.LoadWord:
		return "load " + l.word(pc, table.Word(ins.K/4))
	case op == kernel.And:
		return fmt.Sprintf("and %#x", ins.K)
	case op == kernel.Jump:
		return "goto " + l.place(pc+1+int(ins.K))
	case op == kernel.Return:
		return "return " + ReturnText(l.parts[0].Arch, ins.K)
	case kernel.Conditional(op):
		test := l.test(pc, ins)
		yes, no := l.place(pc+1+int(ins.Jt)), l.place(pc+1+int(ins.Jf))
		switch {
		case ins.Jt == 0:
			return "unless " + test + " goto " + no
		case ins.Jf == 0:
			return "if " + test + " goto " + yes
		}
		return "if " + test + " goto " + yes + ", else " + no
	}
	return fmt.Sprintf("code %#x", ins.Op)
}

func (l *listing) test(pc int, ins bpf.RawInstruction) string {
	op := map[uint16]string{kernel.JumpEqual: "==", kernel.JumpGreaterEq: ">=", kernel.JumpGreater: ">", kernel.JumpAnyBit: "&"}[ins.Op]
	w := l.holds[pc]
	switch {
	case w == table.Arch:
		return "arch " + op + " " + l.archName(ins.K)
	case w == table.Nr && ins.Op != kernel.JumpAnyBit && l.masks[pc] == math.MaxUint32:
		text := "nr " + op + " " + strconv.FormatUint(uint64(ins.K), 10)
		if name := l.callName(pc, ins.K); name != "" {
			text += " (" + name + ")"
		}
		return text
	}
	word := l.word(pc, w)
	if mask := l.masks[pc]; mask != math.MaxUint32 {
		word = fmt.Sprintf("%s & %#x", word, mask)
	}
	if ins.K < 10 {
		return fmt.Sprintf("%s %s %d", word, op, ins.K)
	}
	return fmt.Sprintf("%s %s %#x", word, op, ins.K)
}

func (l *listing) archName(audit uint32) string {
	for _, p := range l.parts {
		if p.Arch.Audit == audit {
			return p.Arch.Name
		}
	}
	return fmt.Sprintf("%#x", audit)
}

// callName is what the ABIs whose calls come to pc call a number.
func (l *listing) callName(pc int, nr uint32) string {
	var names []string
	switch {
	case l.parts[0].Arch.Family != "x86":
	case nr == x32Bit:
		return "x32's numbers"
	case nr == math.MaxUint32:
		return "a call that a tracer skipped"
	}
	for _, arch := range l.arches[pc] {
		if n := arch.CallName(nr); n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

// word names a word as it is known at pc: by the argument if the calls that
// come here agree on it.
func (l *listing) word(pc int, w table.Word) string {
	switch w {
	case table.Nr:
		return "nr"
	case table.Arch:
		return "arch"
	case unknownWord:
		return "A"
	}
	slot := int(w-4) / 2
	name := fmt.Sprintf("args[%d]", slot)
	upper := false
	for i, c := range l.calls[pc] {
		own, high := ArgName(c.arch, c.arch.CallName(c.nr), w)
		if i > 0 && own != name {
			name = fmt.Sprintf("args[%d]", slot)
			break
		}
		name, upper = own, high
	}
	if upper {
		return name + " (upper half)"
	}
	return name
}

// ArgName names a word of a call's arguments, without their halves; upper tells
// whether it is the upper half of one.
func ArgName(arch *abi.Arch, call string, w table.Word) (name string, upper bool) {
	slot := int(w-4) / 2
	first := w%2 == 0
	upper = first == arch.BigEndian
	for _, a := range arch.Args(call) {
		switch {
		case a.HiSlot == slot && a.HiSlot >= 0:
			return a.Name, true
		case a.Slot == slot:
			return a.Name, upper && a.HiSlot < 0
		}
	}
	return fmt.Sprintf("args[%d]", slot), upper
}

// ReturnText is a SECCOMP_RET_* value (linux/seccomp.h) in words.
func ReturnText(arch *abi.Arch, ret uint32) string {
	data := ret & 0xffff
	switch kernel.Action(ret) {
	case kernel.RetKillProcess:
		return "kill process"
	case kernel.RetKillThread:
		return "kill thread"
	case kernel.RetTrap:
		return fmt.Sprintf("trap(%d)", data)
	case kernel.RetErrno:
		return fmt.Sprintf("errno(%s)", abi.ErrnoName(arch, uint16(data)))
	case kernel.RetNotify:
		return "notify"
	case kernel.RetTrace:
		return fmt.Sprintf("trace(%d)", data)
	case kernel.RetLog:
		return "log"
	case kernel.RetAllow:
		return "allow"
	}
	return fmt.Sprintf("%#x", ret)
}
