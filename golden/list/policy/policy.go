// Package policy shows a long list of values: it costs about two comparisons
// for each doubling, and a run of consecutive values two.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// List allows terminal and socket requests.
var List = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.PPC64LE, dsl.MIPS64LE},
	Default: dsl.Errno(linux.EPERM),
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.In(
			linux.TCGETS, linux.TCSETS, linux.TCSETSW, linux.TCSETSF, linux.TCSBRK, linux.TCXONC, linux.TCFLSH,
			linux.TIOCGWINSZ, linux.TIOCSWINSZ, linux.TIOCGPGRP, linux.TIOCSPGRP, linux.TIOCOUTQ, linux.TIOCNOTTY,
			linux.TIOCGPTN, linux.TIOCSPTLCK, linux.FIONREAD, linux.FIONBIO, linux.FIOASYNC, linux.FIOCLEX, linux.FIONCLEX,
			linux.SIOCGIFNAME, linux.SIOCGIFCONF, linux.SIOCGIFFLAGS, linux.SIOCGIFADDR, linux.SIOCGIFMTU, linux.SIOCGIFINDEX)),
		dsl.Allow.For(sys.Prctl).When(sys.Prctl.Option.Between(dsl.Int(1), dsl.Int(16))),
	},
}
