package meaning

import (
	"testing"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

var plainCodes = []uint16{kernel.LoadConst, kernel.LoadXConst, kernel.ToX, kernel.FromX, kernel.Neg, kernel.LoadLen, kernel.LoadXLen}

var operations = []uint16{kernel.Add, kernel.Sub, kernel.Mul, kernel.Div, kernel.Or, kernel.And, kernel.Lsh, kernel.Rsh, kernel.Xor}

var jumps = []uint16{kernel.JumpEqual, kernel.JumpGreater, kernel.JumpGreaterEq, kernel.JumpAnyBit}

// drawProgram makes programs of all instructions on few bits of the data, so
// that multiplications stay small.
func drawProgram(t *rapid.T) kernel.Program {
	var p kernel.Program
	add := func(op uint16, k uint32) { p = append(p, bpf.RawInstruction{Op: op, K: k}) }
	k := func() uint32 {
		return rapid.SampledFrom([]uint32{0, 1, 2, 3, 5, 31, 32, 0x80000000, 0xffffffff}).Draw(t, "k")
	}
	for slot := range uint32(2) {
		add(kernel.LoadWord, 4*rapid.Uint32Range(0, 15).Draw(t, "word"))
		add(kernel.And, rapid.SampledFrom([]uint32{3, 0x80000001, 0x11}).Draw(t, "mask"))
		add(kernel.Store, slot)
	}
	for range rapid.IntRange(0, 15).Draw(t, "length") {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			add(rapid.SampledFrom([]uint16{kernel.LoadMem, kernel.LoadXMem, kernel.Store, kernel.StoreX}).Draw(t, "mem"), uint32(rapid.IntRange(0, 1).Draw(t, "slot")))
		case 1:
			add(rapid.SampledFrom(plainCodes).Draw(t, "plain"), k())
		case 2:
			op := rapid.SampledFrom(jumps).Draw(t, "jump") | uint16(rapid.IntRange(0, 1).Draw(t, "x"))*kernel.UseX
			p = append(p, bpf.RawInstruction{Op: op, K: k(), Jt: uint8(rapid.IntRange(0, 2).Draw(t, "jt")), Jf: uint8(rapid.IntRange(0, 2).Draw(t, "jf"))})
			add(kernel.Neg, 0)
			add(kernel.ToX, 0)
		default:
			op := rapid.SampledFrom(operations).Draw(t, "op")
			operand := k()
			if rapid.Bool().Draw(t, "withX") {
				op |= kernel.UseX
			} else if op == kernel.Div {
				operand |= 1
			} else if op == kernel.Lsh || op == kernel.Rsh {
				operand %= 32
			}
			add(op, operand)
		}
	}
	if rapid.Bool().Draw(t, "returnA") {
		add(kernel.And, 0xf)
		add(kernel.ReturnA, 0)
	} else {
		p = append(p, bpf.RawInstruction{Op: kernel.JumpAnyBit, K: 0x55, Jf: 1})
		add(kernel.Return, 7)
		add(kernel.Return, 8)
	}
	return p
}

func TestTheMeaningOfAProgramIsWhatRunningItReturns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t)
		if err := kernel.Check(p); err != nil {
			t.Fatal(err)
		}
		d := newDiagram(1 << 20)
		f, err := d.program(p, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			var data [16]uint32
			for i := range data {
				data[i] = rapid.SampledFrom([]uint32{0, 1, 2, 3, 0x10, 0x11, 0x80000000, 0x80000001, 0xffffffff}).Draw(t, "data")
			}
			if want, _ := kernel.Run(p, data); d.valueOf(d.endFor(f, data)) != want {
				t.Fatalf("%x: meaning %#x, run %#x, of %v", data, d.valueOf(d.endFor(f, data)), want, p)
			}
		}
	})
}

func TestAProofThatIsTooLargeIsGivenUp(t *testing.T) {
	// A × X for two whole words, of which the middle bits have no small diagram.
	p := kernel.Program{
		{Op: kernel.LoadWord, K: 16}, {Op: kernel.ToX}, {Op: kernel.LoadWord, K: 24},
		{Op: kernel.Mul | kernel.UseX}, {Op: kernel.ReturnA},
	}
	d := newDiagram(1 << 14)
	if _, err := d.program(p, 0, nil); err == nil {
		t.Error("a product of two words was understood with 16384 nodes")
	}
}
