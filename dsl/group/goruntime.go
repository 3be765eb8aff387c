package group

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// GoRuntime lets the runtime of a Go program without cgo (CGO_ENABLED=0: package
// net uses cgo where a C compiler is installed) work once main runs:
// goroutines and threads, memory, timers, signals, the poller, panics, and the
// end. The program's own reading, writing and networking is not in it, and
// neither are CPU profiles (setitimer, timer_create), GOTRACEBACK=crash after
// SIGQUIT (kill) and, before Linux 6.11, crypto/rand (getrandom).
//
// Seen with Go 1.26 on amd64; arm64's calls are the same in the runtime's source.
// Another version may need more. Architectures on which mmap is another call
// (32-bit ones) or takes a pointer (s390x) need a rule for theirs.
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
	dsl.Allow.For(sys.RtSigprocmask).When(sys.RtSigprocmask.How.In(linux.SIG_SETMASK, linux.SIG_UNBLOCK)),
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
	// A thread that waits in the poller is woken by eight bytes through an
	// eventfd, whose number nobody knows beforehand: so many can go through any.
	dsl.Allow.For(sys.Read).When(sys.Read.Count.Eq(dsl.Int(8))),
	dsl.Allow.For(sys.Write).When(sys.Write.Count.Eq(dsl.Int(8))),
	// What a panic or a fatal error says.
	dsl.Allow.For(sys.Write).When(sys.Write.Fd.Eq(linux.Stderr)),
	// Names for areas of memory, which the runtime does without.
	dsl.Errno(linux.EINVAL).For(sys.Prctl).When(sys.Prctl.Option.Eq(linux.PR_SET_VMA)),
}

// GoStart is what a Go program without cgo needs besides [GoRuntime] from its
// execve until main runs, for a filter that is there before the program: the
// execve itself, the files that tell the size of huge pages and the cgroup's CPU
// limit, and what package os asks about standard input and output, which must be
// open. Files can be read, not written. A later stage takes all this away again.
//
// Seen with Go 1.26 on amd64; arm64's calls are the same in the source, but for
// arch_prctl, which is amd64's alone. Packages whose variables are set by reading
// files or by asking the network need rules of their own.
var GoStart = []dsl.Rule{
	readOnly,
	dsl.Allow.For(sys.Fcntl).When(sys.Fcntl.Cmd.In(linux.F_GETFD, linux.F_GETFL)),
	dsl.Allow.For(sys.Prlimit64).When(sys.Prlimit64.Pid.Eq(dsl.Int(0)), sys.Prlimit64.Resource.Eq(linux.RLIMIT_NOFILE)),
	dsl.Allow.For(sys.Execve, sys.ArchPrctl, sys.Read, sys.Close),
}

// readOnly opens what is there, and for reading.
var readOnly = dsl.Allow.For(sys.Openat).When(sys.Openat.Flags.Only(linux.O_CLOEXEC))

// own are the architectures on which mmap takes its arguments in registers.
var own = []dsl.Arch{dsl.AMD64, dsl.ARM64, dsl.RISCV64, dsl.LOONG64, dsl.PPC64LE, dsl.PPC64, dsl.MIPS64, dsl.MIPS64LE}

// goThread are the flags with which the runtime makes a thread: cloneFlags of its
// os_linux.go.
var goThread = []dsl.Value{
	linux.CLONE_VM, linux.CLONE_FS, linux.CLONE_FILES, linux.CLONE_SIGHAND,
	linux.CLONE_SYSVSEM, linux.CLONE_THREAD,
}
