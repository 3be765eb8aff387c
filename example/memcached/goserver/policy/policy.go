// Package policy says what the stand-in for memcached may ask of the kernel
// once it listens.
package policy

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// runtime is what Go's runtime calls while a program runs, without cgo. Seen
// with Go 1.26 on amd64.
var runtime = []dsl.Rule{
	dsl.Allow.For(sys.Futex).When(sys.Futex.FutexOp.In(linux.FUTEX_WAIT_PRIVATE, linux.FUTEX_WAKE_PRIVATE)),
	dsl.Allow.For(sys.Mmap).When(
		sys.Mmap.Prot.Lacks(linux.PROT_EXEC),
		sys.Mmap.Flags.Has(linux.MAP_PRIVATE, linux.MAP_ANONYMOUS)),
	dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Has(linux.CLONE_VM, linux.CLONE_THREAD)),
	dsl.Allow.For(sys.Tgkill).When(sys.Tgkill.Sig.Eq(linux.SIGURG)),
	dsl.Allow.For(sys.RtSigprocmask).When(sys.RtSigprocmask.How.Eq(linux.SIG_SETMASK)),
	dsl.Allow.For(
		sys.Munmap, sys.Madvise, sys.Sigaltstack, sys.RtSigaction, sys.RtSigreturn, sys.RestartSyscall,
		sys.Getpid, sys.Gettid, sys.Nanosleep, sys.SchedYield, sys.EpollPwait,
		// Once a second, to follow the CPU limit of the cgroup.
		sys.SchedGetaffinity, sys.Pread64,
		sys.Exit, sys.ExitGroup,
	),
	// The names of memory areas are a convenience.
	dsl.Errno(linux.EINVAL).For(sys.Prctl),
}

// Serve answers connections, and opens nothing.
var Serve = dsl.Policy{
	Arches:  []dsl.Arch{dsl.AMD64, dsl.ARM64},
	Default: dsl.KillProcess,
	Rules: slices.Concat(runtime, []dsl.Rule{
		dsl.Allow.For(sys.Accept4).When(sys.Accept4.Flags.Only(linux.SOCK_CLOEXEC, linux.SOCK_NONBLOCK)),
		dsl.Allow.For(sys.EpollCtl, sys.Setsockopt, sys.Getsockname, sys.Getpeername),
		dsl.Allow.For(sys.Read, sys.Write, sys.Close),
	}),
}
