// Package policy shows amd64 and i386 in one program: the kernel runs it for
// both, and an amd64 program can make i386's calls by int 0x80.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// X86 has rules for both ABIs and for one.
var X86 = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.I386},
	Default: dsl.KillProcess,
	BadArch: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Read, sys.Write, sys.RtSigreturn, sys.Sigreturn, sys.ExitGroup),
		dsl.Allow.For(sys.Mmap2, sys.Mprotect).When(sys.Mprotect.Prot.Lacks(linux.PROT_EXEC)),
		dsl.Allow.For(sys.Mmap).When(sys.Mmap.Prot.Lacks(linux.PROT_EXEC)).On(dsl.AMD64),
		dsl.Errno(linux.ENOSYS).For(sys.Socketcall, sys.Ipc).On(dsl.I386),
		dsl.Allow.For(sys.Lseek).When(sys.Lseek.Offset.Ge(dsl.Int(0))),
	},
}
