package gen

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Supervised returns one program that hands to a supervisor (SECCOMP_RET_USER_NOTIF)
// every call to which the filter, or one beneath it, answers anything but Allow, and
// this machine's execve: a launcher waits there until it has the listener. It is one
// program, since the kernel takes one listener: where a filter allows, the next goes on.
func Supervised(f Filter) ([]bpf.RawInstruction, error) {
	joint := execveFirst()
	all := f.programs()
	for i, p := range all {
		if !fresh(p) {
			joint = append(joint, bpf.RawInstruction{Op: kernel.LoadConst}, bpf.RawInstruction{Op: kernel.ToX})
		}
		for pc, ins := range p {
			switch {
			case ins.Op == kernel.ReturnA:
				return nil, errors.New(f.Policy + " has a program that computes its answers: those that return constants can be supervised")
			case ins.Op != kernel.Return:
			case kernel.Action(ins.K) != kernel.RetAllow:
				ins.K = kernel.RetNotify
			case i+1 < len(all):
				ins = bpf.RawInstruction{Op: kernel.Jump, K: uint32(len(p) - pc - 1)}
			}
			joint = append(joint, ins)
		}
	}
	if len(joint) > kernel.MaxLen {
		return nil, fmt.Errorf("the filters together have %d instructions, and the kernel takes %d in one program", len(joint), kernel.MaxLen)
	}
	return joint, kernel.Check(joint)
}

// execveFirst hands over this machine's execve and goes on with any other call.
func execveFirst() kernel.Program {
	i := slices.IndexFunc(abi.Arches(), func(a *abi.Arch) bool { return a.GOARCH == runtime.GOARCH })
	if i < 0 {
		return nil
	}
	a := abi.Arches()[i]
	nr, _ := a.Number("execve")
	return kernel.Program{
		{Op: kernel.LoadWord, K: 4 * uint32(table.Arch)},
		{Op: kernel.JumpEqual, Jf: 3, K: a.Audit},
		{Op: kernel.LoadWord, K: 4 * uint32(table.Nr)},
		{Op: kernel.JumpEqual, Jf: 1, K: nr},
		{Op: kernel.Return, K: kernel.RetNotify},
	}
}

// fresh reports whether a program does not care what the registers hold where it
// begins, which the kernel sets to zero.
func fresh(p kernel.Program) bool {
	usesX := func(ins bpf.RawInstruction) bool { return kernel.ReadsX(ins.Op) }
	return p[0].Op == kernel.LoadWord && !slices.ContainsFunc(p, usesX)
}
