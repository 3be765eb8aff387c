package meaning

import (
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// machine is what a program works with: A, X and scratch memory. A nil register
// is one whose contents cannot matter.
type machine struct {
	a, x vector
	m    [16]vector
}

// registers lists them by number: A, X, M[0] to M[15].
func (m *machine) registers() []*vector {
	rs := []*vector{&m.a, &m.x}
	for i := range m.m {
		rs = append(rs, &m.m[i])
	}
	return rs
}

// program is the function that a program computes from an instruction on, with
// an arrival wherever it comes to one of stops. kernel.Check accepts it, and before
// start no register holds anything that matters, or start is 0.
//
// Jumps only go forward, so one pass in order meets every instruction after all
// that lead to it: for each it knows for which calls it is reached, and what the
// registers then hold.
func (d *diagram) program(p kernel.Program, start int, stops map[int]bool) (node, error) {
	uses := used(p)
	reached := make([]node, len(p)) // all no
	holds := make([]machine, len(p))
	reached[start] = yes
	if start == 0 {
		zero := d.constant(0)
		holds[0] = machine{a: zero, x: zero}
	}

	f := d.value(0)
	for pc := start; pc < len(p); pc++ {
		ins, here, m := p[pc], reached[pc], holds[pc]
		flow := func(from node, to int) {
			if from == no {
				return
			}
			if stops[to] {
				f = d.ite(from, d.arrival(to), f)
				return
			}
			old, new := holds[to].registers(), m.registers()
			for i := range old {
				if uses[to]>>i&1 == 1 {
					*old[i] = d.merge(from, *new[i], *old[i])
				}
			}
			reached[to] = d.or(from, reached[to])
		}
		k := d.constant(ins.K)
		if ins.Op&kernel.UseX != 0 {
			k = m.x // for the codes that have a form with X
		}
		switch op := ins.Op; {
		case here == no:
			continue
		case op == kernel.Return:
			f = d.ite(here, d.value(ins.K), f)
			continue
		case op == kernel.ReturnA:
			f = d.ite(here, d.valueIs(m.a), f)
			continue
		case op == kernel.Jump:
			flow(here, pc+1+int(ins.K))
		case kernel.Conditional(op):
			holds := d.compare(op, m.a, k)
			flow(d.and(here, holds), pc+1+int(ins.Jt))
			flow(d.ite(holds, no, here), pc+1+int(ins.Jf))
		case op == kernel.Div|kernel.UseX: // division by zero ends the program with 0
			zero := d.equal(m.x, 0)
			f = d.ite(d.and(here, zero), d.value(0), f)
			m.a = d.divide(m.a, m.x)
			flow(d.ite(zero, no, here), pc+1)
		default:
			d.step(&m, op, ins.K, k)
			flow(here, pc+1)
		}
		if err := d.check(); err != nil {
			return no, err
		}
	}
	return f, d.check()
}

// step does an instruction that goes on to the next; k is ins.K or X, as the
// code says.
func (d *diagram) step(m *machine, op uint16, index uint32, k vector) {
	switch op {
	case kernel.LoadWord:
		m.a = d.word(table.Word(index / 4))
	case kernel.LoadConst:
		m.a = d.constant(index)
	case kernel.LoadLen:
		m.a = d.constant(64)
	case kernel.LoadMem:
		m.a = m.m[index]
	case kernel.LoadXConst:
		m.x = d.constant(index)
	case kernel.LoadXLen:
		m.x = d.constant(64)
	case kernel.LoadXMem:
		m.x = m.m[index]
	case kernel.Store:
		m.m[index] = m.a
	case kernel.StoreX:
		m.m[index] = m.x
	case kernel.ToX:
		m.x = m.a
	case kernel.FromX:
		m.a = m.x
	case kernel.Neg:
		m.a = d.add(d.complement(m.a), d.constant(0), yes)
	default:
		m.a = d.arithmetic(op&^kernel.UseX, m.a, k)
	}
}

func (d *diagram) arithmetic(op uint16, a, k vector) vector {
	switch op {
	case kernel.Add:
		return d.add(a, k, no)
	case kernel.Sub:
		return d.add(a, d.complement(k), yes)
	case kernel.Mul:
		return d.multiply(a, k)
	case kernel.Div:
		return d.divide(a, k)
	case kernel.And:
		return d.each(a, k, d.and)
	case kernel.Or:
		return d.each(a, k, d.or)
	case kernel.Xor:
		return d.each(a, k, d.xor)
	case kernel.Lsh:
		return d.shift(a, k, func(i, by int) int { return i - by })
	default: // kernel.Rsh
		return d.shift(a, k, func(i, by int) int { return i + by })
	}
}

// compare holds where a conditional jump takes its first way.
func (d *diagram) compare(op uint16, a, k vector) node {
	switch op &^ kernel.UseX {
	case kernel.JumpEqual:
		return d.same(a, k)
	case kernel.JumpGreater:
		return d.exceeds(a, k)
	case kernel.JumpGreaterEq:
		return d.not(d.exceeds(k, a))
	default: // kernel.JumpAnyBit
		any := no
		for i := range a {
			any = d.or(d.and(a[i], k[i]), any)
		}
		return any
	}
}

// merge is new where it comes from, and old elsewhere.
func (d *diagram) merge(from node, new, old vector) vector {
	if old == nil || slices.Equal(new, old) {
		return new
	}
	v := make(vector, 32)
	for i := range v {
		v[i] = d.ite(from, new[i], old[i])
	}
	return v
}

// valueIs is the function whose value is the number v.
func (d *diagram) valueIs(v vector) node {
	var build func(i int, sum uint32) node
	build = func(i int, sum uint32) node {
		if i == len(v) {
			return d.value(sum)
		}
		if v[i] == no || d.full {
			return build(i+1, sum)
		}
		if v[i] == yes {
			return build(i+1, sum|1<<i)
		}
		return d.ite(v[i], build(i+1, sum|1<<i), build(i+1, sum))
	}
	return build(0, 0)
}

// used tells for each instruction which registers' contents before it can
// matter, as bits in the order of machine.registers.
func used(p kernel.Program) []uint32 {
	const a, x = 1, 2
	m := func(k uint32) uint32 { return 4 << k }
	uses := make([]uint32, len(p))
	for pc := len(p) - 1; pc >= 0; pc-- {
		ins := p[pc]
		var later uint32
		for _, to := range kernel.Next(p, pc) {
			later |= uses[to]
		}
		var reads, writes uint32
		switch op := ins.Op; op {
		case kernel.LoadWord, kernel.LoadConst, kernel.LoadLen:
			writes = a
		case kernel.LoadMem:
			reads, writes = m(ins.K), a
		case kernel.LoadXConst, kernel.LoadXLen:
			writes = x
		case kernel.LoadXMem:
			reads, writes = m(ins.K), x
		case kernel.Store:
			reads, writes = a, m(ins.K)
		case kernel.StoreX:
			reads, writes = x, m(ins.K)
		case kernel.ToX:
			reads, writes = a, x
		case kernel.FromX:
			reads, writes = x, a
		case kernel.Jump, kernel.Return:
		case kernel.ReturnA, kernel.Neg:
			reads = a
		default: // arithmetic and conditional jumps
			reads = a
			if op&kernel.UseX != 0 {
				reads |= x
			}
		}
		uses[pc] = later&^writes | reads
	}
	return uses
}
