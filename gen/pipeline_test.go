package gen

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/program"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// answer is what a table says of one call: a third opinion beside the proof's and
// the program's.
func answer(tb table.Table, data [16]uint32) uint32 { return tb.Answer(data) }

func compileTable(t interface{ Fatal(...any) }, tb table.Table) kernel.Program {
	insns, _ := inPieces(t, tb, 0)
	return insns
}

func inPieces(t interface{ Fatal(...any) }, tb table.Table, most int) (kernel.Program, []meaning.Cut) {
	root, cuts, err := tree.Build(tb, tree.Weights{}, most)
	if err != nil {
		t.Fatal(err)
	}
	insns, starts := program.Lower(root)
	return insns, places(cuts, starts)
}

func TestProgramsMeanWhatTheirTablesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tb := drawTable(byRapid(t), 6)
		most := rapid.IntRange(0, 2).Draw(t, "most")
		insns, cuts := inPieces(t, tb, most)
		for _, cuts := range [][]meaning.Cut{nil, cuts} {
			err := meaning.Prove(tb, insns, cuts...)
			if errors.As(err, new(*meaning.TooLarge)) {
				t.Skip("that is too much for the proof")
			}
			if err != nil {
				t.Fatalf("%v\n%v\n%v", err, insns, cuts)
			}
		}
		if len(cuts) == 0 {
			checkShape(t, tb, insns)
		}
		vm := machine(t, insns)
		r, e := rand.New(rand.NewPCG(1, 2)), edgesOf(tb)
		for range 300 {
			data := e.call(r)
			got, executed := kernel.Run(insns, data)
			if want := answer(tb, data); got != want {
				t.Fatalf("%x: answers %#x, not %#x, and was proved", data, got, want)
			}
			if executed > kernel.Longest(insns) {
				t.Fatalf("%x: executed %d of at most %d", data, executed, kernel.Longest(insns))
			}
			if other := runVM(t, vm, data); other != got {
				t.Fatalf("%x: x/net/bpf's machine answers %#x, ours %#x", data, other, got)
			}
		}
	})
}

// checkShape finds argument loads on the way to a plain allow, and words that
// are loaded twice on a way.
func checkShape(t interface{ Fatalf(string, ...any) }, tb table.Table, insns kernel.Program) {
	for _, p := range tb.Parts {
		for _, nr := range numbers {
			if plainlyAllowed(p, nr) && !kernel.Cached(insns, p.Arch.Audit, nr) {
				t.Fatalf("%s: number %d is allowed whatever its arguments, but the kernel would run the filter:\n%v", p.Arch.Name, nr, insns)
			}
		}
	}
	type state struct {
		pc     int
		loaded uint16
	}
	seen := map[state]bool{}
	var walk func(state)
	walk = func(s state) {
		if seen[s] {
			return
		}
		seen[s] = true
		ins := insns[s.pc]
		if ins.Op == kernel.LoadWord {
			bit := uint16(1) << (ins.K / 4)
			// What conditions say of some bits is another question.
			masked := insns[s.pc+1].Op == kernel.And || insns[s.pc+1].Op == kernel.JumpAnyBit
			if !masked {
				if s.loaded&bit != 0 {
					t.Fatalf("instruction %d loads a word again:\n%v", s.pc, insns)
				}
				s.loaded |= bit
			}
		}
		for _, to := range kernel.Next(insns, s.pc) {
			walk(state{to, s.loaded})
		}
	}
	walk(state{})
}

// plainlyAllowed reports whether the first rule for the number has no condition
// and allows, or there is none and the default allows.
func plainlyAllowed(p table.Part, nr uint32) bool {
	in := func(ranges []abi.Range) bool {
		return slices.ContainsFunc(ranges, func(r abi.Range) bool { return r.Lo <= nr && nr <= r.Hi })
	}
	if !in(p.Numbers) {
		return false
	}
	for _, r := range p.Rules {
		if in(r.Numbers) {
			return r.Cond == nil && r.Action == 0x7fff0000
		}
	}
	return p.Default == 0x7fff0000
}

// machine is x/net/bpf's own, with a program.
func machine(t interface{ Fatal(...any) }, p kernel.Program) *bpf.VM {
	decoded, ok := bpf.Disassemble(p)
	vm, err := bpf.NewVM(decoded)
	if err != nil || !ok {
		t.Fatal(err, ok)
	}
	return vm
}

// runVM runs a machine, which loads big-endian words.
func runVM(t interface{ Fatal(...any) }, vm *bpf.VM, data [16]uint32) uint32 {
	var packet [64]byte
	for i, w := range data {
		binary.BigEndian.PutUint32(packet[4*i:], w)
	}
	ret, err := vm.Run(packet[:])
	if err != nil {
		t.Fatal(err)
	}
	return uint32(ret)
}

// A sabotaged program is either shown to differ, by a call on which it does, or
// it means the same after all.
func TestSabotageIsFound(t *testing.T) {
	differ, same, refused := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		tb := drawTable(byRapid(t), 6)
		insns, cuts := inPieces(t, tb, rapid.IntRange(0, 2).Draw(t, "most"))
		if len(cuts) > 0 && rapid.Bool().Draw(t, "wrong cut") {
			c := &cuts[rapid.IntRange(0, len(cuts)-1).Draw(t, "cut")]
			c.PC += rapid.IntRange(-3, 3).Draw(t, "further")
			c.Rule += rapid.IntRange(-1, 1).Draw(t, "other")
		}
		pc := rapid.IntRange(0, len(insns)-1).Draw(t, "pc")
		ins := &insns[pc]
		switch op := ins.Op; {
		case kernel.Conditional(op):
			switch rapid.IntRange(0, 2).Draw(t, "how") {
			case 0:
				ins.Jt, ins.Jf = ins.Jf, ins.Jt
			case 1:
				ins.K ^= 1 << rapid.IntRange(0, 31).Draw(t, "bit")
			case 2:
				ins.Op = kernel.JumpGreater
			}
		case op == kernel.Return:
			ins.K ^= 0x7fff0000
		case op == kernel.LoadWord:
			ins.K ^= 4
		case op == kernel.And:
			ins.K ^= 1
		}
		err := meaning.Prove(tb, insns, cuts...)
		var d *meaning.Differ
		if errors.As(err, &d) {
			differ++
			got, _ := kernel.Run(insns, d.Call)
			if got != d.Got || answer(tb, d.Call) != d.Want || got == d.Want {
				t.Fatalf("the witness %x shows nothing: program %#x, table %#x, said %#x and %#x",
					d.Call, got, answer(tb, d.Call), d.Got, d.Want)
			}
			return
		}
		if err != nil && len(cuts) > 0 {
			refused++ // the cuts do not hold
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		same++
		r, e := rand.New(rand.NewPCG(3, 4)), edgesOf(tb)
		for range 3000 {
			data := e.call(r)
			if got, _ := kernel.Run(insns, data); got != answer(tb, data) {
				t.Fatalf("proved, yet %x gets %#x and not %#x", data, got, answer(tb, data))
			}
		}
	})
	if differ == 0 || same > differ {
		t.Errorf("%d found, %d the same: the sabotage does not bite", differ, same)
	}
	if 2*refused > differ {
		t.Errorf("%d found, and %d times no more than a cut that does not hold", differ, refused)
	}
}

// scattered is a list of n values far apart.
func scattered(n int) (values []uint64) {
	for i := range n {
		values = append(values, uint64(uint32(i)*2654435761))
	}
	return values
}

// listTable allows calls whose argument has one of the values, and asks call after
// call of them another argument.
func listTable(calls, values int) table.Table {
	arch := abi.Lookup("amd64")
	p := table.Part{Arch: arch, Numbers: arch.Numbers, Default: 0x80000000}
	for i := range calls {
		slot := table.Word(i % 6)
		p.Rules = append(p.Rules, table.Rule{
			Numbers: []abi.Range{{Lo: uint32(3 * i), Hi: uint32(3 * i)}},
			Cond:    table.Test{Lo: 4 + 2*slot, Hi: 5 + 2*slot, Bits: 32, Mask: 0xffffffff, Values: scattered(values + i%4)},
			Action:  0x00050000 | uint32(i+1),
			Source:  i,
		})
	}
	return table.Table{Parts: []table.Part{p}, BadArch: 0x80000000}
}

func TestJumpsReachAcrossLongPrograms(t *testing.T) {
	for _, c := range []struct{ calls, values int }{{1, 127}, {1, 128}, {1, 1200}, {20, 60}, {60, 20}, {300, 3}} {
		tb := listTable(c.calls, c.values)
		insns := compileTable(t, tb)
		if len(insns) > kernel.MaxLen {
			t.Fatalf("%d calls of %d values: %d instructions", c.calls, c.values, len(insns))
		}
		if err := meaning.Prove(tb, insns); err != nil {
			t.Errorf("%d calls of %d values: %v", c.calls, c.values, err)
		}
	}
}

func TestAListCostsTwoTestsForEachDoubling(t *testing.T) {
	for _, n := range []int{10, 40, 100, 400, 1200} {
		insns := compileTable(t, listTable(1, n))
		most := 10
		for m := 1; m < n; m *= 2 {
			most += 2
		}
		if kernel.Longest(insns) > most || float64(len(insns)) > 2.2*float64(n)+20 {
			t.Errorf("%d values: %d instructions, at most %d executed", n, len(insns), kernel.Longest(insns))
		}
		t.Logf("%d values: %d instructions, at most %d executed", n, len(insns), kernel.Longest(insns))
	}
}

func TestAProofInPiecesGoesWhereTheWholeIsTooLarge(t *testing.T) {
	arch := abi.Lookup("amd64")
	p := table.Part{Arch: arch, Numbers: arch.Numbers, Default: 0x80000000}
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 120 {
		var all table.All
		for slot := table.Word(0); slot < 3; slot++ {
			mask := uint64(1)<<r.IntN(32) | 1<<r.IntN(32) | 1<<r.IntN(32) | 1<<r.IntN(32)
			all = append(all, table.Test{Lo: 4 + 2*slot, Hi: 5 + 2*slot, Bits: 32, Mask: mask, Values: []uint64{mask & r.Uint64()}})
		}
		p.Rules = append(p.Rules, table.Rule{Numbers: []abi.Range{{Lo: 1, Hi: 1}}, Cond: all, Action: 0x00050000 | uint32(i+1), Source: i})
	}
	tb := table.Table{Parts: []table.Part{p}, BadArch: 0x80000000}
	for _, most := range []int{4, 1} {
		insns, cuts := inPieces(t, tb, most)
		if err := meaning.Prove(tb, insns, cuts...); err != nil || len(cuts) == 0 {
			t.Errorf("%d rules each: there is no proof in %d pieces: %v", most, len(cuts), err)
		}
		if err := meaning.Prove(tb, insns); !errors.As(err, new(*meaning.TooLarge)) {
			t.Errorf("%d rules each: the proof of %d instructions as a whole was not given up: %v", most, len(insns), err)
		}
	}
}
