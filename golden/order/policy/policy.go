// Package policy shows that the first rule that matches decides: an answer for
// the families that are not allowed, whatever the default.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Order allows some sockets, refuses the others, and kills on everything else.
var Order = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.ARM64},
	Default: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.In(linux.AF_UNIX, linux.AF_INET, linux.AF_INET6)),
		dsl.Errno(linux.EPERM).For(sys.Socket),
		dsl.Allow.For(sys.Socket), // comes too late and changes nothing
		dsl.Allow.For(sys.Read, sys.Exit),
	},
}
