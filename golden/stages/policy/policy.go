// Package policy shows two policies in one file: they share the installer.
package policy

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
)

var arches = []dsl.Arch{dsl.AMD64, dsl.ARM64, dsl.LOONG64}

var both = []dsl.Rule{dsl.Allow.For(sys.Read, sys.Write, sys.ExitGroup)}

// Start is what the program does first; it may install Serve.
var Start = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Rules:   slices.Concat(both, []dsl.Rule{dsl.Allow.For(sys.Openat, sys.Prctl, sys.Seccomp)}),
}

// Serve is what it does afterwards.
var Serve = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	After:   &Start,
	Rules:   both,
}
