// Package policy shows how calls that came after the author's review are
// answered: as an old kernel would, so that a new libc falls back.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Newer was reviewed up to statmount, and allows one call after it.
var Newer = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.ARM, dsl.MIPSLE, dsl.S390X},
	Default: dsl.KillProcess,
	Newer:   dsl.Newer{Than: sys.Statmount, Action: dsl.Errno(linux.ENOSYS)},
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Read, sys.Write, sys.Exit, sys.Mseal),
	},
}
