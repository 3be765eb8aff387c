// Package policy shows the simplest filter: some calls are allowed, whatever
// their arguments, and everything else ends the process.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Plain allows a handful of calls.
var Plain = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.ARM64, dsl.RISCV64},
	Default: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Read, sys.Write, sys.Close, sys.RtSigreturn, sys.ExitGroup),
	},
}
