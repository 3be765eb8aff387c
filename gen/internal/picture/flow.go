package picture

import (
	"cmp"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// operand is what A holds: a word of seccomp_data under a mask, or nothing that can
// be named.
type operand struct {
	word table.Word
	mask uint32
}

const unknown table.Word = 0xff

// place is an instruction to which calls come with an operand in A.
type place struct {
	pc int
	a  operand
}

// flow is the calls that come to a place.
type flow struct {
	share  map[uint32]float64 // of named calls by number
	others []abi.Range        // numbers without a name
}

func (f flow) empty() bool { return len(f.share) == 0 && len(f.others) == 0 }

// all is every number of the ABI.
func (b *builder) all() flow {
	f := flow{share: map[uint32]float64{}}
	var named []uint32
	for _, call := range abi.Calls() {
		if nr, ok := b.arch.Number(call); ok {
			f.share[nr] = 1
			named = append(named, nr)
		}
	}
	slices.Sort(named)
	for _, r := range b.arch.Numbers {
		lo := uint64(r.Lo)
		for _, nr := range named {
			if nr < r.Lo || nr > r.Hi {
				continue
			}
			if uint64(nr) > lo {
				f.others = append(f.others, abi.Range{Lo: uint32(lo), Hi: nr - 1})
			}
			lo = uint64(nr) + 1
		}
		if lo <= uint64(r.Hi) {
			f.others = append(f.others, abi.Range{Lo: uint32(lo), Hi: r.Hi})
		}
	}
	return f
}

// step sends the calls at a place on, and returns where they go.
func (b *builder) step(p place) []place {
	ins := b.insns[p.pc]
	a := p.a
	switch {
	case ins.Op == kernel.LoadWord:
		a = operand{table.Word(ins.K / 4), ^uint32(0)}
	case ins.Op == kernel.And && a.word != unknown:
		a.mask &= ins.K
	case kernel.Conditional(ins.Op), ins.Op == kernel.Jump, ins.Op == kernel.Store, ins.Op == kernel.StoreX,
		ins.Op == kernel.ToX, ins.Op == kernel.LoadXConst, ins.Op == kernel.LoadXLen, ins.Op == kernel.LoadXMem:
	default:
		a = operand{unknown, 0}
	}
	var to []place
	for _, pc := range kernel.Next(b.insns, p.pc) {
		to = append(to, place{pc, a})
	}
	switch len(to) {
	case 1:
		b.next[p] = [2]place{to[0], to[0]}
		b.send(to[0], b.flows[p])
	case 2:
		b.next[p] = [2]place{to[0], to[1]}
		yes, no := b.split(p)
		b.send(to[0], yes)
		b.send(to[1], no)
		to = slices.DeleteFunc(to, func(p place) bool { return b.flows[p].empty() })
	}
	return to
}

func (b *builder) send(to place, f flow) {
	if f.empty() {
		return
	}
	old, ok := b.flows[to]
	if !ok {
		old.share = map[uint32]float64{}
	}
	for nr, share := range f.share {
		old.share[nr] += share
	}
	old.others = union(old.others, f.others)
	b.flows[to] = old
}

// split divides the calls at a conditional jump.
func (b *builder) split(p place) (yes, no flow) {
	ins, f := b.insns[p.pc], b.flows[p]
	yes.share, no.share = map[uint32]float64{}, map[uint32]float64{}
	constant := p.a.word <= table.Arch && ins.Op&kernel.UseX == 0
	for nr, share := range f.share {
		switch {
		case !constant:
			yes.share[nr], no.share[nr] = share/2, share/2
		case kernel.Holds(ins.Op, b.value(p.a, nr), ins.K):
			yes.share[nr] = share
		default:
			no.share[nr] = share
		}
	}
	for _, r := range f.others {
		in, out := b.divide(p, ins.Op, ins.K, constant, r)
		yes.others, no.others = append(yes.others, in...), append(no.others, out...)
	}
	return yes, no
}

func (b *builder) value(a operand, nr uint32) uint32 {
	if a.word == table.Arch {
		nr = b.arch.Audit
	}
	return nr & a.mask
}

// divide divides numbers without a name. Where it does not pay to be exact, they may
// go both ways.
func (b *builder) divide(p place, op uint16, k uint32, constant bool, r abi.Range) (yes, no []abi.Range) {
	whole := []abi.Range{r}
	if !constant {
		return whole, whole
	}
	if p.a.word == table.Arch || r.Lo == r.Hi {
		if kernel.Holds(op, b.value(p.a, r.Lo), k) {
			return whole, nil
		}
		return nil, whole
	}
	least, most := k, k // that a jump if equal takes
	switch {
	case p.a.mask != ^uint32(0) || op == kernel.JumpAnyBit:
		return whole, whole
	case op == kernel.JumpGreaterEq:
		most = ^uint32(0)
	case op == kernel.JumpGreater && k == ^uint32(0):
		return nil, whole
	case op == kernel.JumpGreater:
		least, most = k+1, ^uint32(0)
	}
	if most < r.Lo || least > r.Hi {
		return nil, whole
	}
	yes = []abi.Range{{Lo: max(r.Lo, least), Hi: min(r.Hi, most)}}
	if r.Lo < least {
		no = append(no, abi.Range{Lo: r.Lo, Hi: least - 1})
	}
	if r.Hi > most {
		no = append(no, abi.Range{Lo: most + 1, Hi: r.Hi})
	}
	return yes, no
}

// union joins two sets of ranges.
func union(a, b []abi.Range) []abi.Range {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(r, s abi.Range) int { return cmp.Compare(r.Lo, s.Lo) })
	var out []abi.Range
	for _, r := range all {
		if n := len(out); n > 0 && uint64(r.Lo) <= uint64(out[n-1].Hi)+1 {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
			continue
		}
		out = append(out, r)
	}
	return out
}
