// Package policy says what the stand-in for memcached may ask of the kernel
// once it listens.
package policy

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/group"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Serve answers connections, and opens nothing.
var Serve = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.ARM64},
	Default: dsl.KillProcess,
	Rules: slices.Concat(group.GoRuntime, []dsl.Rule{
		dsl.Allow.For(sys.Accept4).When(sys.Accept4.Flags.Only(linux.SOCK_CLOEXEC, linux.SOCK_NONBLOCK)),
		dsl.Allow.For(sys.Setsockopt, sys.Getsockname, sys.Getpeername),
		dsl.Allow.For(sys.Read, sys.Write, sys.Close),
	}),
}
