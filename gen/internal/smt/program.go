package smt

import (
	"fmt"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// register is A, X or a word of scratch memory.
type register int

const (
	regA register = iota
	regX
	regM // M[0]; M[k] is regM+k
)

func (r register) String() string {
	switch r {
	case regA:
		return "a"
	case regX:
		return "x"
	}
	return fmt.Sprintf("m%d", int(r-regM))
}

// edge is a way from one instruction to another.
type edge struct {
	from int
	when term // the call takes it
}

// machine writes the run of a program as definitions, an instruction after the
// other. Jumps only go forward, so all ways to an instruction are known when its
// turn comes.
type machine struct {
	*writer
	edges  [][]edge            // that lead to each instruction
	after  []map[register]term // what each instruction wrote
	before []map[register]term // what registers hold before each, where it was asked
	got    term                // what the returns so far answer
}

// program defines got, the program's answer.
func (w *writer) program(p kernel.Program) {
	m := machine{
		writer: w,
		edges:  make([][]edge, len(p)),
		after:  make([]map[register]term, len(p)),
		before: make([]map[register]term, len(p)),
		got:    word(0),
	}
	for pc := range p {
		m.after[pc] = map[register]term{}
		m.before[pc] = map[register]term{}
	}
	// The kernel clears A and X before a program runs; M is written before it is read.
	m.before[0][regA], m.before[0][regX] = word(0), word(0)
	w.line("")
	w.line("; The program: at_N is whether the call gets to instruction N.")
	for pc, ins := range p {
		var ways []term
		for _, e := range m.edges[pc] {
			ways = append(ways, e.when)
		}
		if pc == 0 {
			ways = []term{"true"}
		}
		if len(ways) == 0 {
			continue // nothing leads here
		}
		w.line("; %d: code %#x, jt %d, jf %d, k %#x", pc, ins.Op, ins.Jt, ins.Jf, ins.K)
		m.step(p, pc, w.define(fmt.Sprintf("at_%d", pc), boolSort, or(ways...)))
	}
	w.define("got", wordSort, m.got)
}

// step defines what instruction pc does, for the calls that get to it.
func (m *machine) step(p kernel.Program, pc int, here term) {
	ins := p[pc]
	k := word(ins.K)
	switch ins.Op {
	case kernel.Return:
		m.answer(pc, here, k)
		return
	case kernel.ReturnA:
		m.answer(pc, here, m.read(pc, regA))
		return
	case kernel.Jump:
		m.flow(pc, pc+1+int(ins.K), here)
		return
	case kernel.LoadWord:
		m.after[pc][regA] = term(m.words[ins.K/4])
	case kernel.LoadLen:
		m.after[pc][regA] = word(64)
	case kernel.LoadConst:
		m.after[pc][regA] = k
	case kernel.LoadMem:
		m.after[pc][regA] = m.read(pc, regM+register(ins.K))
	case kernel.LoadXLen:
		m.after[pc][regX] = word(64)
	case kernel.LoadXConst:
		m.after[pc][regX] = k
	case kernel.LoadXMem:
		m.after[pc][regX] = m.read(pc, regM+register(ins.K))
	case kernel.Store:
		m.after[pc][regM+register(ins.K)] = m.read(pc, regA)
	case kernel.StoreX:
		m.after[pc][regM+register(ins.K)] = m.read(pc, regX)
	case kernel.ToX:
		m.after[pc][regX] = m.read(pc, regA)
	case kernel.FromX:
		m.after[pc][regA] = m.read(pc, regX)
	case kernel.Neg:
		m.write(pc, apply("bvneg", m.read(pc, regA)))
	default:
		m.operate(pc, ins.Op, k, here, int(ins.Jt), int(ins.Jf))
		return
	}
	m.flow(pc, pc+1, here)
}

// operate is arithmetic and conditional jumps, on A and either K or X.
func (m *machine) operate(pc int, op uint16, k, here term, jt, jf int) {
	a := m.read(pc, regA)
	withX := op&kernel.UseX != 0
	if withX {
		k = m.read(pc, regX)
	}
	switch op &^ kernel.UseX {
	case kernel.JumpEqual:
		m.branch(pc, here, apply("=", a, k), jt, jf)
		return
	case kernel.JumpGreater:
		m.branch(pc, here, apply("bvugt", a, k), jt, jf)
		return
	case kernel.JumpGreaterEq:
		m.branch(pc, here, apply("bvuge", a, k), jt, jf)
		return
	case kernel.JumpAnyBit:
		m.branch(pc, here, apply("distinct", apply("bvand", a, k), word(0)), jt, jf)
		return
	case kernel.Add:
		m.write(pc, apply("bvadd", a, k))
	case kernel.Sub:
		m.write(pc, apply("bvsub", a, k))
	case kernel.Mul:
		m.write(pc, apply("bvmul", a, k))
	case kernel.Or:
		m.write(pc, apply("bvor", a, k))
	case kernel.And:
		m.write(pc, apply("bvand", a, k))
	case kernel.Xor:
		m.write(pc, apply("bvxor", a, k))
	case kernel.Lsh: // of a distance in X the kernel takes the lowest five bits
		m.write(pc, apply("bvshl", a, apply("bvand", k, word(31))))
	case kernel.Rsh:
		m.write(pc, apply("bvlshr", a, apply("bvand", k, word(31))))
	case kernel.Div:
		if withX { // zero ends the program, which then answers 0
			zero := m.define(fmt.Sprintf("if_%d", pc), boolSort, apply("=", k, word(0)))
			m.answer(pc, and(here, zero), word(0))
			here = and(here, apply("not", zero))
		}
		m.write(pc, apply("bvudiv", a, k))
	}
	m.flow(pc, pc+1, here)
}

func (m *machine) branch(pc int, here, holds term, jt, jf int) {
	holds = m.define(fmt.Sprintf("if_%d", pc), boolSort, holds)
	m.flow(pc, pc+1+jt, and(here, holds))
	m.flow(pc, pc+1+jf, and(here, apply("not", holds)))
}

func (m *machine) flow(from, to int, when term) {
	m.edges[to] = append(m.edges[to], edge{from, when})
}

// answer ends the program for some calls.
func (m *machine) answer(pc int, when, value term) {
	m.got = m.define(fmt.Sprintf("got_%d", pc), wordSort, apply("ite", when, value, m.got))
}

// write defines what instruction pc puts into A.
func (m *machine) write(pc int, value term) {
	m.after[pc][regA] = m.define(fmt.Sprintf("a_%d", pc), wordSort, value)
}

// read is what a register holds before instruction pc: where ways with different
// contents meet, that of the way the call takes.
func (m *machine) read(pc int, r register) term {
	if t, ok := m.before[pc][r]; ok {
		return t
	}
	var value, last term
	same := true
	for i, e := range m.edges[pc] {
		t, wrote := m.after[e.from][r]
		if !wrote {
			t = m.read(e.from, r)
		}
		if i == 0 {
			value, last = t, t
			continue
		}
		same = same && t == last
		value = apply("ite", e.when, t, value)
	}
	if same {
		value = last
	} else {
		value = m.define(fmt.Sprintf("%s_at_%d", r, pc), wordSort, value)
	}
	m.before[pc][r] = value
	return value
}
