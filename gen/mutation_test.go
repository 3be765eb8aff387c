package gen

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/smt"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/internal/load"
	"github.com/secgen-dev/secgen/internal/prove"
)

// allMutantsEnv, if it is set, has every mutant judged and not a sample of them.
const allMutantsEnv = "SECGEN_ALL_MUTANTS"

// sampled is about how many mutants of one program are judged.
const sampled = 100

// mutant is a program with one mistake.
type mutant struct {
	pc      int
	mistake string
	program kernel.Program
}

// What a mistake is called that is not in an instruction but of it.
const (
	deleted = "deleted"
	closed  = "deleted, jumps across it shortened"
)

// classes are codes that a mistake might exchange.
var classes = [][]uint16{
	{kernel.JumpEqual, kernel.JumpGreater, kernel.JumpGreaterEq, kernel.JumpAnyBit,
		kernel.JumpEqual | kernel.UseX, kernel.JumpGreater | kernel.UseX, kernel.JumpGreaterEq | kernel.UseX, kernel.JumpAnyBit | kernel.UseX, kernel.Jump},
	{kernel.Add, kernel.Sub, kernel.Mul, kernel.Div, kernel.Or, kernel.And, kernel.Lsh, kernel.Rsh, kernel.Xor, kernel.Neg,
		kernel.Add | kernel.UseX, kernel.Sub | kernel.UseX, kernel.Mul | kernel.UseX, kernel.Div | kernel.UseX, kernel.Or | kernel.UseX,
		kernel.And | kernel.UseX, kernel.Lsh | kernel.UseX, kernel.Rsh | kernel.UseX, kernel.Xor | kernel.UseX},
	{kernel.LoadWord, kernel.LoadLen, kernel.LoadConst, kernel.LoadMem, kernel.LoadXLen, kernel.LoadXConst, kernel.LoadXMem,
		kernel.Store, kernel.StoreX, kernel.ToX, kernel.FromX},
	{kernel.Return, kernel.ReturnA},
}

// mutants are all programs that a mistake in one instruction makes of p.
func mutants(p kernel.Program) (list []mutant) {
	var returns []uint32
	for _, ins := range p {
		if ins.Op == kernel.Return && !slices.Contains(returns, ins.K) {
			returns = append(returns, ins.K)
		}
	}
	for pc, old := range p {
		replace := func(mistake string, new bpf.RawInstruction) {
			if new == old {
				return
			}
			q := slices.Clone(p)
			q[pc] = new
			list = append(list, mutant{pc, mistake, q})
		}
		constant := func(k uint32) {
			new := old
			new.K = k
			replace(fmt.Sprintf("constant %#x", k), new)
		}
		constant(old.K + 1)
		constant(old.K - 1)
		for bit := range 32 {
			constant(old.K ^ 1<<bit)
		}
		switch {
		case old.Op == kernel.LoadWord:
			for w := range uint32(16) {
				constant(4 * w)
			}
		case old.Op == kernel.Return:
			for _, k := range returns {
				constant(k)
			}
		case kernel.Conditional(old.Op):
			for _, j := range [][2]uint8{{old.Jf, old.Jt}, {old.Jt + 1, old.Jf}, {old.Jt - 1, old.Jf}, {old.Jt, old.Jf + 1}, {old.Jt, old.Jf - 1}} {
				new := old
				new.Jt, new.Jf = j[0], j[1]
				replace(fmt.Sprintf("jumps by %d and %d", j[0], j[1]), new)
			}
		}
		for _, codes := range classes {
			if !slices.Contains(codes, old.Op) {
				continue
			}
			for _, op := range codes {
				new := old
				new.Op = op
				replace(fmt.Sprintf("code %#x", op), new)
			}
		}
		list = append(list, mutant{pc, deleted, slices.Delete(slices.Clone(p), pc, pc+1)})
		list = append(list, mutant{pc, closed, without(p, pc)})
	}
	return list
}

// without deletes an instruction, as an optimiser would that takes it for
// useless: what jumped to it or past it still gets where it went.
func without(p kernel.Program, gone int) kernel.Program {
	q := slices.Clone(p)
	for pc := range gone {
		switch ins := &q[pc]; {
		case ins.Op == kernel.Jump:
			if pc+1+int(ins.K) > gone {
				ins.K--
			}
		case kernel.Conditional(ins.Op):
			if pc+1+int(ins.Jt) > gone {
				ins.Jt--
			}
			if pc+1+int(ins.Jf) > gone {
				ins.Jf--
			}
		}
	}
	return slices.Delete(q, gone, gone+1)
}

// compiled are the filters of the golden policies and of the example's.
func compiled(t *testing.T) (list []Filter) {
	dirs, err := filepath.Glob("../golden/*/policy")
	if err != nil || len(dirs) < 12 {
		t.Fatalf("found %d policies: %v", len(dirs), err)
	}
	dirs = append(dirs, "../example/memcached/policy", "../example/memcached/goserver/policy")
	for _, dir := range dirs {
		pkg, err := load.Policies(context.Background(), load.Options{Stderr: os.Stderr}, filepath.ToSlash(dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pkg.Policies {
			filters, err := Compile(p)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, filters...)
		}
	}
	return list
}

// verdict is what became of a mutant.
type verdict int

const (
	refused   verdict = iota // by kernel.Check, as by the kernel
	different                // from its table, by a call that shows it
	same                     // as its table in meaning
	undecided                // beyond the proof's budget: an error, so no filter
	solved                   // undecided, but the solver has found it out
	verdictCount
)

type counts [verdictCount]int

func (c counts) String() string {
	sum := 0
	for _, n := range c {
		sum += n
	}
	return fmt.Sprintf("%5d mutants: %4d refused as the kernel would, %5d different by a witness, %3d the same, %2d left to the solver, %d undecided",
		sum, c[refused], c[different], c[same], c[solved], c[undecided])
}

// No program with a mistake in one instruction passes for what it is not. It is
// refused, or shown to differ by a call that the interpreter and the table answer
// differently, or it means the same, which a solver that shares nothing with the
// proof confirms. What is beyond the proof is no filter, and left to the solver.
func TestNoMutantSlips(t *testing.T) {
	var total counts
	for i, f := range compiled(t) {
		all := mutants(f.Program)
		r := rand.New(rand.NewPCG(11, uint64(i)))
		var c counts
		var toConfirm []mutant
		for _, m := range all {
			if os.Getenv(allMutantsEnv) == "" && r.IntN(len(all)) >= sampled {
				continue
			}
			v, err := undecided, error(nil)
			if !large(m) || !prove.Found() || kernel.Check(m.program) != nil {
				v, err = judge(f.table, m.program)
			}
			if v == undecided && prove.Found() {
				v, err = solve(t.Context(), f, m)
			}
			if err != nil {
				t.Errorf("%s %v: instruction %d, %s: %v", f.Policy, f.Arches, m.pc, m.mistake, err)
				continue
			}
			c[v]++
			if v == same {
				toConfirm = append(toConfirm, m)
			}
		}
		confirm(t, f, toConfirm)
		t.Logf("%v of %5d: %s %v", c, len(all), f.Policy, f.Arches)
		for v := range c {
			total[v] += c[v]
		}
	}
	t.Logf("%v in all", total)
	if total[refused] == 0 || total[different] < 10*total[same] || total[undecided]+total[solved] > total[different]/20 {
		t.Error("the mutations do not bite")
	}
}

// large reports whether a mutant is of a kind that the proof mostly gives up,
// after a second or more: a whole word as the answer, which has 2^32 values, and
// products and quotients.
func large(m mutant) bool {
	if m.mistake == deleted || m.mistake == closed {
		return false
	}
	switch m.program[m.pc].Op &^ kernel.UseX {
	case kernel.ReturnA, kernel.Mul, kernel.Div:
		return true
	}
	return false
}

// judge has a program proved. The error says that what came out does not hold.
func judge(tb table.Table, p kernel.Program) (verdict, error) {
	bad := kernel.Check(p)
	err := meaning.Prove(tb, p)
	var d *meaning.Differ
	switch {
	case bad != nil && (err == nil || errors.As(err, &d)):
		return refused, fmt.Errorf("the kernel would refuse it, %w, and it was judged all the same: %v", bad, err)
	case bad != nil:
		return refused, nil
	case err == nil:
		return same, nil
	case !errors.As(err, &d):
		return undecided, nil
	}
	got, _ := kernel.Run(p, d.Call)
	if want := answer(tb, d.Call); got == want || got != d.Got || want != d.Want {
		return different, fmt.Errorf("the witness %x shows nothing: program %#x, table %#x, said %#x and %#x", d.Call, got, want, d.Got, d.Want)
	}
	return different, nil
}

// solve has z3 decide about a mutant; the error says that what came out does not
// hold.
func solve(ctx context.Context, f Filter, m mutant) (verdict, error) {
	text, err := smt.Problem(f.table, m.program)
	if err != nil {
		return undecided, err
	}
	answers, err := prove.Verdicts(ctx, text)
	if err != nil || answers[0] == prove.Unsat {
		return solved, err
	}
	words := smt.Words(f.table.Parts[0].Arch)
	values, err := prove.Solution(ctx, text, words[:]...)
	if err != nil {
		return undecided, err
	}
	var call [16]uint32
	for i, w := range words {
		call[i] = values[w]
	}
	if got, _ := kernel.Run(m.program, call); got == answer(f.table, call) {
		return undecided, fmt.Errorf("z3 names %x, which shows nothing", call)
	}
	return solved, nil
}

// confirm has z3 say that mutants mean what their table says; where there is no
// z3, they are tried with calls near their constants.
func confirm(t *testing.T, f Filter, list []mutant) {
	if !prove.Found() {
		for _, m := range list {
			tryNear(t, f, m)
		}
		return
	}
	var problems [][]byte
	for _, m := range list {
		text, err := smt.Problem(f.table, m.program)
		if err != nil {
			t.Fatal(err)
		}
		problems = append(problems, text)
	}
	got, err := prove.Verdicts(t.Context(), problems...)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if v != prove.Unsat {
			t.Errorf("%s %v: instruction %d, %s: proved equal, and z3 says %s", f.Policy, f.Arches, list[i].pc, list[i].mistake, v)
		}
	}
}

func tryNear(t interface{ Fatalf(string, ...any) }, f Filter, m mutant) {
	var near []uint32
	for _, ins := range slices.Concat(f.Program, m.program) {
		near = append(near, ins.K, ins.K-1, ins.K+1)
	}
	near = append(near, 0, 0x7fffffff, 0x80000000, 0xffffffff)
	r := rand.New(rand.NewPCG(12, 13))
	for range 3000 {
		var call [16]uint32
		for i := range call {
			call[i] = near[r.IntN(len(near))]
		}
		if r.IntN(8) > 0 {
			call[table.Arch] = f.table.Parts[r.IntN(len(f.table.Parts))].Arch.Audit
		}
		if got, _ := kernel.Run(m.program, call); got != answer(f.table, call) {
			t.Fatalf("%s %v: instruction %d, %s: proved equal, yet %x gets %#x and not %#x", f.Policy, f.Arches, m.pc, m.mistake, call, got, answer(f.table, call))
		}
	}
}

// The two judges are of one mind about random tables and what mistakes make of
// their programs.
func TestZ3AndTheProofAgree(t *testing.T) {
	if !prove.Found() {
		t.Skip("there is no z3 here: Debian's package is z3")
	}
	var problems [][]byte
	var want []prove.Verdict
	tables := rapid.Custom(func(t *rapid.T) table.Table { return drawTable(byRapid(t), 6) })
	r := rand.New(rand.NewPCG(14, 15))
	for i := range 25 {
		tb := tables.Example(i)
		insns := compileTable(t, tb)
		all := append([]mutant{{program: insns}}, mutants(insns)...)
		for j := range 10 {
			m := all[0]
			if j > 0 {
				m = all[r.IntN(len(all))]
			}
			if large(m) {
				continue
			}
			v, err := judge(tb, m.program)
			if err != nil {
				t.Fatal(err)
			}
			if v != same && v != different {
				continue
			}
			text, err := smt.Problem(tb, m.program)
			if err != nil {
				t.Fatal(err)
			}
			problems = append(problems, text)
			want = append(want, prove.Unsat)
			if v == different {
				want[len(want)-1] = prove.Sat
			}
		}
	}
	got, err := prove.Verdicts(t.Context(), problems...)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("z3 answers %s and the proof %s to\n%s", got[i], want[i], problems[i])
			}
		}
	}
	sat := 0
	for _, v := range got {
		if v == prove.Sat {
			sat++
		}
	}
	t.Logf("%d problems: %d sat, %d unsat", len(got), sat, len(got)-sat)
	if sat == 0 || sat == len(got) {
		t.Error("the judges were asked one kind of question alone")
	}
}
