// Package policy shows arm64 and arm in one program beside amd64's: a program
// for each kernel family, three architectures, two arrays.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Arm names calls that not all of the architectures have.
var Arm = dsl.Policy{
	Arches:  []dsl.Arch{dsl.ARM64, dsl.ARM, dsl.AMD64},
	Default: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Read, sys.Write, sys.RtSigreturn, sys.ExitGroup),
		dsl.Allow.For(sys.Cacheflush, sys.SetTls),
		dsl.Allow.For(sys.Futex, sys.FutexTime64).When(sys.Futex.FutexOp.In(linux.FUTEX_WAIT_PRIVATE, linux.FUTEX_WAKE_PRIVATE)),
		dsl.Allow.For(sys.Openat).When(sys.Openat.Flags.Lacks(linux.O_DIRECTORY, linux.O_CREAT)),
		dsl.Allow.For(sys.Readahead).When(sys.Readahead.Offset.Lt(dsl.Int(1 << 40))),
	},
}
