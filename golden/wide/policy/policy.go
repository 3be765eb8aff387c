// Package policy shows arguments of 64 bits: values that share an upper half,
// orderings across both halves, and an offset that 32-bit ARM passes in two
// registers.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Wide compares lengths and offsets.
var Wide = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.S390X, dsl.ARM, dsl.MIPS},
	Default: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Write).When(sys.Write.Count.Le(dsl.Int(1 << 20))),
		dsl.Allow.For(sys.Pread64).When(sys.Pread64.Offset.Between(dsl.Int(0), dsl.Int(1<<33))),
		dsl.Allow.For(sys.Ftruncate64).When(sys.Ftruncate64.Length.Lt(dsl.Int(-1))),
		dsl.Allow.For(sys.Brk).When(sys.Brk.Addr.Eq(dsl.Int(0))),
		dsl.Allow.For(sys.Pwrite64).When(sys.Pwrite64.Offset.In(
			dsl.Int(0x100000000), dsl.Int(0x100000001), dsl.Int(0x100001000), dsl.Int(0x200000000))),
	},
}
