// Package policy says what a web server may ask of the kernel, in two stages, and
// what one thread of it may, which has to do with what strangers send.
package policy

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/group"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

var arches = []dsl.Arch{dsl.AMD64, dsl.ARM64}

// Listen is the server until it listens: it makes sockets and reads files.
var Listen = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Rules:   slices.Concat(group.GoNet, group.GoRuntime, group.Install),
}

// Serve answers connections. It makes no socket and executes nothing. Files that
// Go's libraries would open late (the time zone, types of files) are not to be had.
var Serve = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	After:   &Listen,
	Rules: slices.Concat(group.GoConn, group.GoRuntime, group.Install, []dsl.Rule{
		dsl.Errno(linux.EACCES).For(sys.Openat),
	}),
}

// Worker computes, on a thread of its own: what its Go runtime needs is all it may do.
var Worker = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	After:   &Serve,
	Rules:   group.GoRuntime,
}
