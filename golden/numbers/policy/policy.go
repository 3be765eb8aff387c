// Package policy shows calls without a name, arguments without a name, and the
// number that a filter sees of a call that a tracer has skipped.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Numbers allows calls that no table has.
var Numbers = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.I386},
	Default: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(dsl.Number(-1)),
		dsl.Allow.For(dsl.Number(700), sys.Read),
		dsl.Allow.For(dsl.Number(701)).When(dsl.Raw(0).Eq(dsl.Int(7)), dsl.Raw(5).Masked(dsl.Int(0xff)).In(dsl.Int(1), dsl.Int(2))),
		dsl.Errno(linux.EPERM).For(sys.Ioctl).When(dsl.Raw(1).Ne(linux.TCGETS)),
	},
}
