// Package policy shows tests of bits: all of some flags, none of them, no
// others, and values under a mask.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Masks looks at flags.
var Masks = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.S390X, dsl.MIPS64LE},
	Default: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Has(linux.CLONE_VM, linux.CLONE_THREAD)),
		dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Lacks(
			linux.CLONE_NEWNS, linux.CLONE_NEWUSER, linux.CLONE_NEWPID, linux.CLONE_NEWNET)),
		dsl.Allow.For(sys.Accept4).When(sys.Accept4.Flags.Only(linux.SOCK_NONBLOCK, linux.SOCK_CLOEXEC)),
		dsl.Allow.For(sys.Socket).When(sys.Socket.Type.Masked(linux.SOCK_TYPE_MASK).In(linux.SOCK_STREAM, linux.SOCK_DGRAM)),
		// On s390x, mmap takes a pointer to its arguments.
		dsl.Allow.For(sys.Mmap).When(dsl.Not(sys.Mmap.Prot.Has(linux.PROT_WRITE, linux.PROT_EXEC))).On(dsl.AMD64, dsl.MIPS64LE),
	},
}
