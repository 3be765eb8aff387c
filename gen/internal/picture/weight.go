package picture

import (
	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// weigh tells what each call weighs, by what may become of it: as where trees are
// built, by what the kernel executes for it. A test of arguments divides it evenly.
func (b *builder) weigh() map[uint32]float64 {
	usual := b.usual()
	survives := map[uint32]bool{}
	for _, p := range b.order {
		if ins := b.insns[p.pc]; b.ends(p) && ins != usual && !kills(ins) {
			for nr := range b.flows[p].share {
				survives[nr] = true
			}
		}
	}
	weights := map[uint32]float64{}
	for nr := range b.flows[b.order[0]].share {
		switch {
		case b.cached(nr):
			weights[nr] = tree.Remembered
		case survives[nr]:
			weights[nr] = tree.RunsFilter
		default:
			weights[nr] = tree.Unusual
		}
	}
	return weights
}

// usual is the end for all that nothing else is said of: of those that numbers
// without a name come to, the one for the most calls.
func (b *builder) usual() bpf.RawInstruction {
	calls := map[bpf.RawInstruction]int{}
	var usual bpf.RawInstruction
	for _, p := range b.order {
		if f := b.flows[p]; b.ends(p) && len(f.others) > 0 {
			ins := b.insns[p.pc]
			if calls[ins] += 1 + len(f.share); calls[ins] > calls[usual] {
				usual = ins
			}
		}
	}
	return usual
}

func (b *builder) cached(nr uint32) bool {
	return b.arch.Cached(nr) && kernel.Cached(b.insns, b.arch.Audit, nr)
}
