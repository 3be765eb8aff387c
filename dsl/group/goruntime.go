package group

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// GoRuntime lets the runtime of a Go program without cgo (CGO_ENABLED=0: package
// net uses cgo where a C compiler is installed) work once main runs:
// goroutines and threads, memory, timers, signals, the poller, and the end. The
// program's own reading, writing and networking is not in it. Seen with Go 1.26
// on amd64; another version may need more. Architectures on which mmap is
// another call (32-bit ones) or takes a pointer (s390x) need a rule for theirs.
var GoRuntime = []dsl.Rule{
	dsl.Allow.For(sys.Futex).When(sys.Futex.FutexOp.In(linux.FUTEX_WAIT_PRIVATE, linux.FUTEX_WAKE_PRIVATE)),
	dsl.Allow.For(sys.Mmap).When(
		sys.Mmap.Prot.Lacks(linux.PROT_EXEC),
		sys.Mmap.Flags.Has(linux.MAP_PRIVATE, linux.MAP_ANONYMOUS)).On(own...),
	// amd64 adds CLONE_SETTLS.
	dsl.Allow.For(sys.Clone).When(
		sys.Clone.Flags.Has(goThread...),
		sys.Clone.Flags.Only(append([]dsl.Value{linux.CLONE_SETTLS}, goThread...)...)),
	// The runtime preempts goroutines by SIGURG, and ends by the signal that it
	// got, if nobody handles it.
	dsl.Allow.For(sys.Tgkill).When(sys.Tgkill.Sig.In(linux.SIGURG, linux.SIGABRT,
		linux.SIGHUP, linux.SIGINT, linux.SIGQUIT, linux.SIGTERM, linux.SIGPIPE)),
	dsl.Allow.For(sys.RtSigprocmask).When(sys.RtSigprocmask.How.Eq(linux.SIG_SETMASK)),
	dsl.Allow.For(
		sys.Munmap, sys.Madvise, sys.Sigaltstack, sys.RtSigaction, sys.RtSigreturn, sys.RestartSyscall,
		sys.Getpid, sys.Gettid, sys.Nanosleep, sys.SchedYield,
		sys.EpollCreate1, sys.EpollCtl, sys.EpollPwait, sys.Eventfd2,
		sys.Exit, sys.ExitGroup,
		// Once a second, to follow the CPU limit of the cgroup.
		sys.SchedGetaffinity, sys.Pread64,
		// Mostly answered without a call, but not on every clock source.
		sys.ClockGettime,
	),
	// Names for areas of memory, which the runtime does without.
	dsl.Errno(linux.EINVAL).For(sys.Prctl).When(sys.Prctl.Option.Eq(linux.PR_SET_VMA)),
}

// own are the architectures on which mmap takes its arguments in registers.
var own = []dsl.Arch{dsl.AMD64, dsl.ARM64, dsl.RISCV64, dsl.LOONG64, dsl.PPC64LE, dsl.PPC64, dsl.MIPS64, dsl.MIPS64LE}

// goThread are the flags with which the runtime makes a thread: cloneFlags of its
// os_linux.go.
var goThread = []dsl.Value{
	linux.CLONE_VM, linux.CLONE_FS, linux.CLONE_FILES, linux.CLONE_SIGHAND,
	linux.CLONE_SYSVSEM, linux.CLONE_THREAD,
}
