// Package policy shows calls that 32-bit ABIs have in several forms, and calls
// that socketcall and ipc make, their arguments out of sight.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Multiplexed limits calls that i386, s390 and s390x can make in another way.
var Multiplexed = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.I386, dsl.S390X, dsl.S390},
	Default: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Read, sys.Write, sys.RtSigreturn, sys.ExitGroup),
		dsl.Allow.For(dsl.Twins(sys.Fstat, sys.Getuid, sys.ClockNanosleep)),
		dsl.Allow.For(dsl.Twins(sys.Futex)).When(sys.Futex.FutexOp.In(linux.FUTEX_WAIT_PRIVATE, linux.FUTEX_WAKE_PRIVATE)),
		dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Eq(linux.AF_UNIX)),
		dsl.Errno(linux.EACCES).For(sys.Bind, sys.Listen),
		dsl.Allow.For(sys.Connect, sys.Sendmsg, sys.Recvmsg),
		dsl.Errno(linux.EACCES).For(sys.Shmget).On(dsl.AMD64, dsl.I386),
	},
}
