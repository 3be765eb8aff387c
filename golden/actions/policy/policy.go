// Package policy shows every action that needs no supervisor, and flags.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Actions answers calls in every way there is.
var Actions = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.MIPS},
	Default: dsl.Allow,
	BadArch: dsl.KillProcess,
	Flags:   dsl.LogDenied,
	Rules: []dsl.Rule{
		dsl.KillProcess.For(sys.Getppid),
		dsl.KillThread.For(sys.Getpgid),
		dsl.Trap(7).For(sys.Getsid),
		dsl.Errno(linux.ENOSYS).For(sys.Getpriority),
		dsl.Trace(9).For(sys.Uname),
		dsl.Log.For(sys.Umask),
	},
}
