// Package policy shows conditions on arguments of 32 bits: values, sets,
// orderings with and without sign, and one condition over two calls.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Args looks at arguments.
var Args = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.PPC64},
	Default: dsl.Errno(linux.EPERM),
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Write).When(sys.Write.Fd.In(linux.Stdout, linux.Stderr)),
		dsl.Allow.For(sys.Openat).When(sys.Openat.Dirfd.Eq(linux.AT_FDCWD), sys.Openat.Flags.Eq(linux.O_RDONLY)),
		dsl.Allow.For(sys.Kill).When(sys.Kill.Pid.Gt(dsl.Int(0)), sys.Kill.Sig.Between(linux.SIGHUP, linux.SIGTERM)),
		dsl.Allow.For(sys.Setpriority).When(sys.Setpriority.Prio.Ge(dsl.Int(-5)), sys.Setpriority.Prio.Lt(dsl.Int(20))),
		dsl.Allow.For(sys.Chmod).When(sys.Chmod.Mode.Le(dsl.Int(0o755))),
		dsl.Allow.For(sys.Mmap, sys.Mprotect).When(sys.Mmap.Prot.Lacks(linux.PROT_EXEC)),
		dsl.Allow.For(sys.SetRobustList).When(sys.SetRobustList.Head.NotNull()),
		dsl.Allow.For(sys.Fcntl).When(dsl.Any(
			sys.Fcntl.Cmd.In(linux.F_GETFD, linux.F_GETFL),
			dsl.All(sys.Fcntl.Cmd.Eq(linux.F_SETFL), sys.Fcntl.Fd.NotIn(linux.Stdin, linux.Stdout)))),
	},
}
