// Package policy shows x32, whose calls are amd64's architecture with bit 30 in
// the number: neither ABI's rules answer the other's calls.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// X32 has both ABIs.
var X32 = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.X32},
	Default: dsl.Errno(linux.EPERM),
	BadArch: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Read, sys.Write, sys.ExitGroup),
		dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.Eq(linux.TIOCGWINSZ)),
		dsl.Allow.For(sys.Getpid).On(dsl.X32),
		dsl.Errno(linux.EACCES).For(dsl.Number(-1)),
	},
}

// NoX32 refuses x32's calls although it denies nothing else but one call.
var NoX32 = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64},
	Default: dsl.Allow,
	BadArch: dsl.Errno(linux.ENOSYS),
	Rules:   []dsl.Rule{dsl.KillProcess.For(sys.Execve, sys.Execveat)},
}
