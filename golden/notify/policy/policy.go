// Package policy has a policy that needs a supervisor, and one that does not.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Ask has a supervisor decide which sockets there are and what the machine is
// called.
var Ask = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.ARM64},
	Default: dsl.Allow,
	Flags:   dsl.WaitKillable,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Eq(linux.AF_UNIX)),
		dsl.Notify.For(sys.Socket, sys.Uname),
	},
}

// Hide needs nobody.
var Hide = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.ARM64},
	Default: dsl.Allow,
	Rules:   []dsl.Rule{dsl.Errno(linux.EPERM).For(sys.Uname)},
}
