package smt_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/smt"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/internal/prove"
)

var operations = []uint16{kernel.Add, kernel.Sub, kernel.Mul, kernel.Div, kernel.Or, kernel.And, kernel.Lsh, kernel.Rsh, kernel.Xor}

var jumps = []uint16{kernel.JumpEqual, kernel.JumpGreater, kernel.JumpGreaterEq, kernel.JumpAnyBit}

// randomProgram has instructions of every kind; kernel.Check may refuse it.
func randomProgram(r *rand.Rand) kernel.Program {
	const slots = 3
	var p kernel.Program
	for k := range uint32(slots) {
		p = append(p, bpf.RawInstruction{Op: kernel.LoadWord, K: 4 * r.Uint32N(16)}, bpf.RawInstruction{Op: kernel.Store, K: k})
	}
	plain := []uint16{kernel.LoadLen, kernel.LoadXLen, kernel.ToX, kernel.FromX, kernel.Neg}
	constant := []uint16{kernel.LoadConst, kernel.LoadXConst}
	memory := []uint16{kernel.LoadMem, kernel.LoadXMem, kernel.Store, kernel.StoreX}
	for n := 10 + r.IntN(20); n > 0; n-- {
		ins := bpf.RawInstruction{K: r.Uint32() >> r.IntN(32)}
		switch r.IntN(10) {
		case 0:
			ins.Op, ins.K = plain[r.IntN(len(plain))], 0
		case 1:
			ins.Op = constant[r.IntN(len(constant))]
		case 2, 3:
			ins.Op, ins.K = memory[r.IntN(len(memory))], r.Uint32N(slots)
		case 4:
			ins.Op, ins.K = kernel.LoadWord, 4*r.Uint32N(16)
		case 5, 6:
			ins.Op, ins.Jt, ins.Jf = jumps[r.IntN(4)]|uint16(r.IntN(2))*kernel.UseX, uint8(r.IntN(5)), uint8(r.IntN(5))
		case 7:
			switch r.IntN(6) {
			case 0:
				ins.Op, ins.K = kernel.Jump, r.Uint32N(5)
			case 1:
				ins.Op = kernel.Return
			case 2:
				ins.Op = kernel.ReturnA
			default:
				ins.Op, ins.K = kernel.LoadMem, r.Uint32N(slots)
			}
		default:
			ins.Op = operations[r.IntN(len(operations))] | uint16(r.IntN(2))*kernel.UseX
			if op := ins.Op &^ kernel.UseX; (op == kernel.Lsh || op == kernel.Rsh) && ins.Op == op {
				ins.K %= 32
			}
		}
		p = append(p, ins)
	}
	return append(p, bpf.RawInstruction{Op: kernel.ReturnA}, bpf.RawInstruction{Op: kernel.ReturnA})
}

// constantTable answers every call the same.
func constantTable(ret uint32) table.Table {
	arch := abi.Lookup("amd64")
	return table.Table{Parts: []table.Part{{Arch: arch, Numbers: arch.Numbers, Default: ret}}, BadArch: ret}
}

// forCall narrows a problem to one call.
func forCall(problem []byte, call [16]uint32) []byte {
	var b bytes.Buffer
	for i, name := range smt.Words(abi.Lookup("amd64")) {
		fmt.Fprintf(&b, "(assert (= %s #x%08x))\n", name, call[i])
	}
	b.WriteString("(check-sat)")
	return bytes.Replace(problem, []byte("(check-sat)"), b.Bytes(), 1)
}

// Random programs of all instructions answer in SMT-LIB what kernel.Run says,
// and nothing else.
func TestDefinitionsComputeWhatInstructionsDo(t *testing.T) {
	needZ3(t)
	r := rand.New(rand.NewPCG(9, 10))
	var problems [][]byte
	var want []prove.Verdict
	ran := map[uint16]int{}
	zeros, programs := 0, 0
	for programs < 150 {
		p := randomProgram(r)
		if kernel.Check(p) != nil {
			continue
		}
		programs++
		for _, ins := range p {
			ran[ins.Op]++
		}
		for range 3 {
			var call [16]uint32
			for i := range call {
				call[i] = r.Uint32() >> r.IntN(32) & -uint32(r.IntN(4)&1)
			}
			ret, _ := kernel.Run(p, call)
			if ret == 0 {
				zeros++
			}
			for _, c := range []struct {
				ret     uint32
				verdict prove.Verdict
			}{{ret, prove.Unsat}, {ret ^ 1<<r.IntN(32), prove.Sat}} {
				text, err := smt.Problem(constantTable(c.ret), p)
				if err != nil {
					t.Fatal(err)
				}
				problems = append(problems, forCall(text, call))
				want = append(want, c.verdict)
			}
		}
	}
	got, err := prove.Verdicts(t.Context(), problems...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s, not %s, is z3's answer to\n%s", got[i], want[i], problems[i])
		}
	}
	for _, op := range append(operations, jumps...) {
		if ran[op] == 0 || ran[op|kernel.UseX] == 0 {
			t.Errorf("no program had code %#x, or not its form with X", op)
		}
	}
	t.Logf("%d programs, %d problems, %d codes of instructions, %d answers of zero", programs, len(problems), len(ran), zeros)
}

// Every operation and comparison, with K and with X, has in SMT-LIB the result
// that kernel.Run says, at the values where they turn.
func TestOperationsComputeTheirResults(t *testing.T) {
	needZ3(t)
	turns := []uint32{0, 1, 31, 32, 0x7fffffff, 0x80000001, 0xffffffff}
	var problems [][]byte
	check := func(a, k uint32, ops ...bpf.RawInstruction) {
		p := append(kernel.Program{{Op: kernel.LoadWord, K: 24}, {Op: kernel.ToX}, {Op: kernel.LoadWord, K: 16}}, ops...)
		if kernel.Check(p) != nil {
			return
		}
		call := [16]uint32{4: a, 6: k}
		ret, _ := kernel.Run(p, call)
		text, err := smt.Problem(constantTable(ret), p)
		if err != nil {
			t.Fatal(err)
		}
		problems = append(problems, forCall(text, call))
	}
	for _, a := range turns {
		check(a, 0, bpf.RawInstruction{Op: kernel.Neg}, bpf.RawInstruction{Op: kernel.ReturnA})
		for _, k := range turns {
			for _, form := range []uint16{0, kernel.UseX} {
				for _, op := range operations {
					check(a, k, bpf.RawInstruction{Op: op | form, K: k}, bpf.RawInstruction{Op: kernel.ReturnA})
				}
				for _, op := range jumps {
					check(a, k, bpf.RawInstruction{Op: op | form, K: k, Jf: 1},
						bpf.RawInstruction{Op: kernel.Return, K: 1}, bpf.RawInstruction{Op: kernel.Return, K: 2})
				}
			}
		}
	}
	got, err := prove.Verdicts(t.Context(), problems...)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if v != prove.Unsat {
			t.Fatalf("%s is z3's answer to\n%s", v, problems[i])
		}
	}
	t.Logf("%d results", len(problems))
}
