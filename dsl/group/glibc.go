// Package group has rules worth reusing: what runtimes and C libraries need of
// the kernel for themselves, whatever the program does.
package group

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// threadFlags are what glibc's pthread_create passes to clone, exactly.
var threadFlags = []dsl.Value{
	linux.CLONE_VM, linux.CLONE_FS, linux.CLONE_FILES, linux.CLONE_SIGHAND, linux.CLONE_THREAD,
	linux.CLONE_SYSVSEM, linux.CLONE_SETTLS, linux.CLONE_PARENT_SETTID, linux.CLONE_CHILD_CLEARTID,
}

// futexCommand is the part of futex(2)'s futex_op below its flags, the lowest of
// which is FUTEX_PRIVATE_FLAG, 128. FUTEX_CMD_MASK would let through flags that
// are newer than this.
var futexCommand = dsl.Int(0x7f)

// GlibcThreads lets a C program that uses glibc make threads, synchronise and
// end them, take signals and manage its memory, but make no process and no
// executable memory. Seen with glibc 2.36 on amd64.
//
// clone3 fails with ENOSYS, and glibc then uses clone, whose flags a filter can
// see. restart_syscall is what a thread that slept calls after a stop
// (SIGSTOP, a debugger); strace of an undisturbed run never shows it.
var GlibcThreads = []dsl.Rule{
	dsl.Errno(linux.ENOSYS).For(sys.Clone3),
	dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Has(threadFlags...), sys.Clone.Flags.Only(threadFlags...)),
	dsl.Allow.For(sys.Futex).When(
		sys.Futex.FutexOp.Masked(futexCommand).In(linux.FUTEX_WAIT, linux.FUTEX_WAKE, linux.FUTEX_WAIT_BITSET),
		sys.Futex.FutexOp.Only(futexCommand, linux.FUTEX_PRIVATE_FLAG, linux.FUTEX_CLOCK_REALTIME)),
	dsl.Allow.For(sys.Mmap).When(
		sys.Mmap.Prot.Lacks(linux.PROT_EXEC),
		sys.Mmap.Flags.Has(linux.MAP_PRIVATE, linux.MAP_ANONYMOUS)),
	dsl.Allow.For(sys.Mprotect).When(sys.Mprotect.Prot.Lacks(linux.PROT_EXEC)),
	dsl.Allow.For(sys.Madvise).When(sys.Madvise.Advice.Eq(linux.MADV_DONTNEED)),
	dsl.Allow.For(
		sys.Brk, sys.Mremap, sys.Munmap,
		sys.RtSigprocmask, sys.RtSigreturn, sys.RestartSyscall,
		sys.Rseq, sys.SetRobustList, sys.SchedYield,
		sys.Gettid, sys.Getpid, sys.Tgkill,
		// Mostly answered without a call, but not on every clock source.
		sys.ClockGettime, sys.ClockGetres, sys.Gettimeofday, sys.Time, sys.Getcpu,
		sys.Exit, sys.ExitGroup,
	),
}
