package group

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Install lets the next stage be installed, by Install or InstallThread: put it
// into a policy that another names as After. A filter can only take away; a
// listener could give, and is not in it. Read in runtime/install.
var Install = []dsl.Rule{
	dsl.Allow.For(sys.Prctl).When(sys.Prctl.Option.Eq(linux.PR_SET_NO_NEW_PRIVS)),
	dsl.Allow.For(sys.Seccomp).When(
		sys.Seccomp.Operation.Eq(linux.SECCOMP_SET_MODE_FILTER),
		sys.Seccomp.Flags.Only(linux.SECCOMP_FILTER_FLAG_TSYNC, linux.SECCOMP_FILTER_FLAG_LOG, linux.SECCOMP_FILTER_FLAG_SPEC_ALLOW)),
	dsl.Allow.For(sys.Seccomp).When(sys.Seccomp.Operation.Eq(linux.SECCOMP_GET_ACTION_AVAIL)),
}
