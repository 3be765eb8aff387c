// Package policy shows a list of what is forbidden. Everything else is allowed,
// through the listed architectures: others are refused, or they would be a way
// around it.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

var modules = dsl.Calls{sys.InitModule, sys.FinitModule, sys.DeleteModule}

var reboots = dsl.Calls{sys.Reboot, sys.KexecLoad, sys.KexecFileLoad}

// Denylist forbids what changes the machine.
var Denylist = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.I386, dsl.ARM64},
	Default: dsl.Allow,
	BadArch: dsl.Errno(linux.ENOSYS),
	Rules: []dsl.Rule{
		dsl.Errno(linux.EPERM).For(modules, reboots, sys.Swapon, sys.Swapoff),
		dsl.Errno(linux.EPERM).For(sys.Ioctl).When(sys.Ioctl.Request.In(linux.TIOCSTI, linux.TIOCLINUX)),
		dsl.Errno(linux.EPERM).For(sys.Personality).When(sys.Personality.Persona.NotIn(dsl.Int(0), dsl.Int(0xffffffff))),
	},
}
