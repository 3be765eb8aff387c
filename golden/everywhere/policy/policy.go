// Package policy shows one policy on every architecture that Go has, with what
// differs between them: numbers, constants and errnos, the order of clone's
// arguments, and offsets that lie in one register or in two.
package policy

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Everywhere answers calls in every way there is but by a supervisor.
var Everywhere = dsl.Policy{
	Arches: []dsl.Arch{
		dsl.AMD64, dsl.I386, dsl.ARM64, dsl.ARM, dsl.RISCV64, dsl.S390X, dsl.PPC64LE, dsl.PPC64,
		dsl.MIPS, dsl.MIPSLE, dsl.MIPS64, dsl.MIPS64LE, dsl.LOONG64,
	},
	Default: dsl.Errno(linux.EPERM),
	BadArch: dsl.KillProcess,
	Rules: []dsl.Rule{
		dsl.Allow.For(sys.Read, sys.Close, sys.Getpid, sys.ExitGroup),
		dsl.Errno(linux.ENOSYS).For(sys.Clone3),
		dsl.Errno(linux.EDEADLK).For(sys.Flock),
		dsl.KillProcess.For(sys.Getppid),
		dsl.KillThread.For(sys.Getpgid),
		dsl.Trap(7).For(sys.Getsid),
		dsl.Trace(9).For(sys.Uname),
		dsl.Log.For(sys.Umask),
		dsl.Allow.For(sys.Write).When(sys.Write.Fd.In(linux.Stdout, linux.Stderr), sys.Write.Count.Le(dsl.Int(1<<20))),
		dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Has(linux.CLONE_VM, linux.CLONE_THREAD)),
		dsl.Allow.For(sys.Openat).When(sys.Openat.Dirfd.Eq(linux.AT_FDCWD), sys.Openat.Flags.Lacks(linux.O_DIRECTORY, linux.O_CREAT)),
		dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.In(linux.TCGETS, linux.TIOCGWINSZ)),
		dsl.Allow.For(sys.Pread64).When(sys.Pread64.Offset.Between(dsl.Int(0), dsl.Int(1<<33))),
		dsl.Allow.For(sys.Kill).When(sys.Kill.Pid.Gt(dsl.Int(0)), sys.Kill.Sig.In(linux.SIGUSR1, linux.SIGCHLD)),
		dsl.Allow.For(sys.Accept4).When(sys.Accept4.Flags.Only(linux.SOCK_NONBLOCK, linux.SOCK_CLOEXEC)),
		dsl.Allow.For(sys.Socketpair).When(sys.Socketpair.Type.Masked(linux.SOCK_TYPE_MASK).Eq(linux.SOCK_STREAM)),
	},
}
