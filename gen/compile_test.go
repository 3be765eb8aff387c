package gen

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/program"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// FuzzCompile: the program that is made of a table means what the table does, and so
// does the plain one, in every opinion there is: that of the diagrams, the interpreter
// and x/net/bpf's machine. Every instruction of it is reached by some call, and
// every way of a jump taken.
func FuzzCompile(f *testing.F) {
	r := random()
	for _, n := range []int{0, 30, 100, 300, 1000} {
		choices := make([]byte, n)
		for i := range choices {
			choices[i] = byte(r.Uint32())
		}
		f.Add(choices)
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		choose := byBytes(choices)
		weights, most := drawWeights(choose), choose(3)
		tb := drawTable(choose, 30)
		reference := plain(tb)
		if len(reference) > kernel.MaxLen {
			t.Skip("the plain program is too long")
		}
		root, cuts, err := tree.Build(tb, weights, most)
		if errors.As(err, new(*tree.TooLarge)) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		insns, starts := program.Lower(root)
		prove := func(p kernel.Program, cuts ...meaning.Cut) {
			if err := meaning.Prove(tb, p, cuts...); err != nil && !errors.As(err, new(*meaning.TooLarge)) {
				t.Fatalf("%v\n%+v\n%v", err, tb, p)
			}
		}
		prove(reference)
		prove(insns, places(cuts, starts)...)
		// A piece behind a cut knows nothing of those before it.
		if len(cuts) == 0 {
			checkShape(t, tb, insns)
			const few = 60 // instructions
			if len(insns) <= few && !manyMasks(tb) {
				if list := idle(t, insns); len(list) > 0 {
					t.Fatalf("the instructions %v are idle:\n%v\n%+v", list, insns, tb)
				}
			}
		}

		r, e := rand.New(rand.NewPCG(1, 2)), edgesOf(tb)
		machines := []*bpf.VM{machine(t, reference), machine(t, insns)}
		for range 300 {
			call := e.call(r)
			want := answer(tb, call)
			for i, p := range []kernel.Program{reference, insns} {
				if got, _ := kernel.Run(p, call); got != want {
					t.Fatalf("%x: answers %#x, not %#x:\n%v\n%+v", call, got, want, p, tb)
				}
				if got := runVM(t, machines[i], call); got != want {
					t.Fatalf("%x: x/net/bpf's machine answers %#x, not %#x:\n%v\n%+v", call, got, want, p, tb)
				}
			}
		}
	})
}

// idle lists the instructions of a program that no call reaches, and the jumps that all
// calls leave by the same way. A way is taken if the program is another when the way leads
// to a return of something new.
func idle(t interface{ Fatal(...any) }, p kernel.Program) (list []int) {
	s := meaning.NewSpace(meaning.Budget)
	f, err := s.Program(p)
	if err != nil {
		t.Fatal(err)
	}
	const other = 0x00051234 // no action of ours
	reached := make([]bool, len(p))
	reached[0] = true
	for pc := range p {
		if !reached[pc] {
			list = append(list, pc)
			continue
		}
		ways := kernel.Next(p, pc)
		for i, to := range ways {
			taken := true
			if len(ways) == 2 {
				q := append(slices.Clone(p), bpf.RawInstruction{Op: kernel.Return, K: other})
				far := len(p) - pc - 1
				if far > math.MaxUint8 {
					t.Fatal("the program is too long for this")
				}
				if i == 0 {
					q[pc].Jt = uint8(far)
				} else {
					q[pc].Jf = uint8(far)
				}
				g, err := s.Program(q)
				if err != nil {
					t.Fatal(err)
				}
				taken = f != g
			}
			if taken {
				reached[to] = true
			} else {
				list = append(list, pc)
			}
		}
	}
	return list
}

// manyMasks reports whether a table looks at a word under more than one mask. What one
// of them tells about another the compiler does not always find out, so that its programs
// may have idle instructions: for w&1 == 0 and w&0xffff in {1, 2}, the test for 1.
func manyMasks(tb table.Table) (many bool) {
	masks := map[table.Word]uint32{}
	look := func(w table.Word, mask uint32) {
		old, seen := masks[w]
		many = many || seen && old != mask
		masks[w] = mask
	}
	tests(tb, func(t table.Test) {
		look(t.Lo, uint32(t.Mask))
		if t.Bits > 32 {
			look(t.Hi, uint32(t.Mask>>32))
		}
	})
	return many
}

func TestEveryInstructionIsReached(t *testing.T) {
	n := 0
	for _, f := range compiled(t) {
		n += len(f.Program)
		if list := idle(t, f.Program); len(list) > 0 {
			t.Errorf("%s %v: the instructions %v are idle:\n%v", f.Policy, f.Arches, list, f.Program)
		}
	}
	t.Logf("%d instructions", n)
}

func TestFewInstructionsAreIdleWhereMasksAreMany(t *testing.T) {
	r := random()
	idles, all := 0, 0
	for tables := 0; tables < 100; {
		tb := drawTable(r.IntN, 6)
		insns, cuts := inPieces(t, tb, 0)
		if !manyMasks(tb) || len(insns) > 100 || len(cuts) > 0 {
			continue
		}
		tables++
		idles += len(idle(t, insns))
		all += len(insns)
	}
	t.Logf("%d of %d instructions", idles, all)
	if 100*idles > all {
		t.Error("that is more than one in a hundred")
	}
}
