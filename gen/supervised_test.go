package gen

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// What is handed over is exactly what a stack does not plainly allow, and execve.
func TestSupervisedHandsOverWhatIsNotPlainlyAllowed(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the execve that is handed over is this machine's")
	}
	r := rand.New(rand.NewPCG(1, 2))
	own := abi.Lookup("amd64")
	all := slices.DeleteFunc(compiled(t), func(f Filter) bool { return f.table.Parts[0].Arch.Family != own.Family })
	execve, _ := own.Number("execve")
	// One that counts on zeroes, as the kernel gives them.
	zeroes := Filter{Policy: "zeroes", Arches: all[0].Arches, Program: kernel.Program{
		{Op: kernel.FromX}, {Op: kernel.JumpEqual, Jf: 1}, {Op: kernel.Return, K: kernel.RetAllow}, {Op: kernel.Return, K: kernel.RetKillProcess},
	}}
	handed, passed := 0, 0
	for range 400 {
		f := all[r.IntN(len(all))]
		for range r.IntN(3) {
			f.Older = append(f.Older, all[r.IntN(len(all))])
		}
		if r.IntN(4) == 0 {
			f.Older = append(f.Older, zeroes)
		}
		joint, err := Supervised(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range f.stack() {
			if len(one.table.Parts) == 0 {
				continue
			}
			e := edgesOf(one.table)
			for range 50 {
				d := e.call(r)
				m := Made{Arch: d[table.Arch], Number: int32(d[table.Nr]), Instruction: uint64(d[2]) | uint64(d[3])<<32}
				for i := range m.Args {
					m.Args[i] = uint64(d[4+2*i]) | uint64(d[5+2*i])<<32
				}
				want := uint32(kernel.RetAllow)
				if !f.Judge(m).Plain() || d[table.Arch] == own.Audit && d[table.Nr] == execve {
					want = kernel.RetNotify
					handed++
				} else {
					passed++
				}
				if got, _ := kernel.Run(joint, d); got != want {
					t.Fatalf("%s over %d others: %v: %#x, judged %+v", f.Policy, len(f.Older), d, got, f.Judge(m))
				}
			}
		}
	}
	if handed < 1000 || passed < 1000 {
		t.Errorf("%d calls were handed over, %d passed: too few to tell", handed, passed)
	}
}

// A judgement is what the policy says, by the rule that says it.
func TestJudgementsAreThePolicys(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, f := range compiled(t) {
		e := edgesOf(f.table)
		big := f.table.Parts[0].Arch.BigEndian
		for range 30 {
			d := e.call(r)
			m := Made{Arch: d[table.Arch], Number: int32(d[table.Nr])}
			for i := range m.Args {
				lo, hi := 4+2*i, 5+2*i
				if big {
					lo, hi = hi, lo
				}
				m.Args[i] = uint64(d[lo]) | uint64(d[hi])<<32
			}
			j := f.Judge(m)
			if want := f.table.Answer(d); j.Return != want {
				t.Errorf("%s: %v: judged %#x, the table answers %#x", f.Policy, d, j.Return, want)
			}
			if j.Arch != "" && (j.Rule == "" || j.Action == "") {
				t.Errorf("%s: %v: no reason: %+v", f.Policy, d, j)
			}
		}
	}
}

func TestComputedAnswersAreNotSupervised(t *testing.T) {
	f := Filter{Policy: "p", Arches: compiled(t)[0].Arches, Program: []bpf.RawInstruction{{Op: kernel.LoadConst, K: kernel.RetAllow}, {Op: kernel.ReturnA}}}
	if _, err := Supervised(f); err == nil {
		t.Error("a program that returns A was taken")
	}
}
