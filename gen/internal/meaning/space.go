package meaning

import (
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Space holds functions that can be compared with each other.
type Space struct{ d *diagram }

// Function is what a table or a program answers to calls, or, after At, to one
// call's arguments. Functions of one space are equal exactly if they are ==.
type Function struct{ n node }

// NewSpace returns an empty space for so many nodes.
func NewSpace(budget int) *Space { return &Space{newDiagram(budget)} }

// Table is the function that a table describes.
func (s *Space) Table(t table.Table) (Function, error) {
	return Function{s.d.table(t, nil)}, s.d.check()
}

// Program is the function that a program computes.
func (s *Space) Program(p kernel.Program) (Function, error) {
	if err := kernel.Check(p); err != nil {
		return Function{}, err
	}
	n, err := s.d.program(p, 0, nil)
	return Function{n}, err
}

// Stack is what filters answer together, the newest first: the kernel runs all
// of them and takes the most restrictive action, and of equal actions the data of
// the newest (kernel/seccomp.c, seccomp_run_filters).
func (s *Space) Stack(newest ...Function) (Function, error) {
	f := newest[0].n
	for _, older := range newest[1:] {
		f = s.d.lower(f, older.n, map[[2]node]node{})
	}
	return Function{f}, s.d.check()
}

// Programs is what programs answer together, the newest first.
func (s *Space) Programs(newest ...kernel.Program) (Function, error) {
	var list []Function
	for _, p := range newest {
		f, err := s.Program(p)
		if err != nil {
			return Function{}, err
		}
		list = append(list, f)
	}
	return s.Stack(list...)
}

// lower is a where its action is at most b's, else b.
func (d *diagram) lower(a, b node, done map[[2]node]node) node {
	if a == b || d.full {
		return a
	}
	key := [2]node{a, b}
	if n, ok := done[key]; ok {
		return n
	}
	var n node
	if d.isEnd(a) && d.isEnd(b) {
		n = a
		// Actions rank as signed numbers, the lowest first.
		if int32(d.valueOf(b)&0xffff0000) < int32(d.valueOf(a)&0xffff0000) {
			n = b
		}
	} else {
		bit := min(d.nodes[a].bit, d.nodes[b].bit)
		a0, a1 := d.at(a, bit)
		b0, b1 := d.at(b, bit)
		lo, hi := d.lower(a0, b0, done), d.lower(a1, b1, done)
		if n = lo; lo != hi {
			n = d.intern(split{bit, lo, hi})
		}
	}
	done[key] = n
	return n
}

// At is what f answers to calls with this audit value and number, as a function
// of their arguments.
func (s *Space) At(f Function, audit, nr uint32) Function {
	return Function{s.d.with(s.d.with(f.n, table.Arch, audit), table.Nr, nr)}
}

// with is f where the word w, which f looks at first if at all, is v.
func (d *diagram) with(f node, w table.Word, v uint32) node {
	for first := rank[w] * 32; d.nodes[f].bit >= first && d.nodes[f].bit < first+32; {
		s := d.nodes[f]
		if f = s.lo; v>>(31-(s.bit-first))&1 == 1 {
			f = s.hi
		}
	}
	return f
}

// Value is f's answer if it is the same for all calls.
func (s *Space) Value(f Function) (action uint32, constant bool) {
	if s.d.isEnd(f.n) {
		return s.d.valueOf(f.n), true
	}
	return 0, false
}

// Unlike lists numbers of an ABI, the known ones left out, on which f and g
// differ: one for each two functions that they are there.
func (s *Space) Unlike(f, g Function, arch *abi.Arch, known []uint32) ([]uint32, error) {
	left := s.d.numbers(arch.Numbers)
	for _, nr := range known {
		left = s.d.ite(s.d.equal(s.d.word(table.Nr), uint64(nr)), no, left)
	}
	left = s.d.and(left, s.d.equal(s.d.word(table.Arch), uint64(arch.Audit)))
	// Outside of what is left, both answer nothing.
	a, b := s.d.ite(left, f.n, s.d.value(0)), s.d.ite(left, g.n, s.d.value(0))
	if a == b {
		return nil, s.d.check()
	}
	r := regions{d: s.d}
	inside := []node{s.d.with(a, table.Arch, arch.Audit), s.d.with(b, table.Arch, arch.Audit)}
	var list []uint32
	last := (rank[table.Nr] + 1) * 32
	for _, next := range r.behind(inside, last) {
		if next[0] != next[1] {
			list = append(list, s.d.least(r.indicator(inside, last, next), rank[table.Nr]*32))
		}
	}
	slices.Sort(list)
	return list, s.d.check()
}

// Elsewhere is a call with none of the audit values for which f and g differ, with
// their answers; nil if there is none.
func (s *Space) Elsewhere(f, g Function, audits []uint32) (*Differ, error) {
	left := yes
	for _, a := range audits {
		left = s.d.ite(s.d.equal(s.d.word(table.Arch), uint64(a)), no, left)
	}
	a, b := s.d.ite(left, f.n, s.d.value(0)), s.d.ite(left, g.n, s.d.value(0))
	if err := s.d.check(); err != nil || a == b {
		return nil, err
	}
	return s.d.witness(a, b), nil
}

// Given is f where the word w is v; f looks at w first, if at all.
func (s *Space) Given(f Function, w table.Word, v uint32) Function {
	return Function{s.d.with(f.n, w, v)}
}

// Answers lists the values that f has anywhere, each once.
func (s *Space) Answers(f Function) []uint32 {
	var list []uint32
	seen := map[node]bool{}
	var walk func(n node)
	walk = func(n node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if s.d.isEnd(n) {
			list = append(list, s.d.valueOf(n))
			return
		}
		walk(s.d.nodes[n].lo)
		walk(s.d.nodes[n].hi)
	}
	walk(f.n)
	slices.Sort(list)
	return list
}
