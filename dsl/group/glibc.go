// Package group has rules worth reusing: what runtimes and C libraries need of
// the kernel for themselves, whatever the program does. Each group says what it is
// for, what is not in it, and where it was seen; the tests run programs under each,
// which die where one of its calls is taken away.
//
// Groups add up, in any order; with the wider first, as in
// slices.Concat(group.GoConn, group.GoRuntime), the review that secgen writes is
// shorter. Of secgen lint's notes on them, clone3 is about C programs, for which
// GlibcThreads has a rule, and redundant and unreachable are about what several
// groups have.
//
// systemd's sets of calls are in the package systemd.
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
// executable memory. Seen with glibc 2.36 on amd64; arm64's calls are from the
// tables.
//
// The first thread is another matter, and the first malloc: see [GlibcStart]. Where
// threads meet in malloc it counts the CPUs, by a file in /sys (openat, read,
// close), or by sched_getaffinity if openat fails. The policy has to say which: an
// errno for openat and a rule that allows sched_getaffinity will do.
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

// GlibcStart is what a C program that uses glibc needs besides [GlibcThreads] from
// its execve until main runs, for a filter that is there before the program, and
// for its first malloc and thread: the execve itself, and the dynamic linker, which
// maps libraries as code. Files can be read, not written. A later stage takes all
// this away again. A launcher in Go may have to wait before its execve (nanosleep,
// sched_yield, tgkill), which is not in it.
//
// Seen with glibc 2.36 on amd64, linked dynamically and statically; arm64's calls
// are from the tables. fstat is what glibc from 2.39 on calls for newfstatat.
var GlibcStart = []dsl.Rule{
	readOnly,
	mapData, mapCode,
	dsl.Allow.For(sys.Access, sys.Faccessat).When(sys.Faccessat.Mode.Eq(linux.R_OK)),
	dsl.Allow.For(sys.Prlimit64).When(sys.Prlimit64.Pid.Eq(dsl.Int(0)), sys.Prlimit64.Resource.Eq(linux.RLIMIT_STACK)),
	// The first malloc.
	dsl.Allow.For(sys.Getrandom).When(sys.Getrandom.Flags.Eq(linux.GRND_NONBLOCK)),
	// The first thread: the signal by which setuid reaches all threads, SIGRTMIN + 1.
	dsl.Allow.For(sys.RtSigaction).When(sys.RtSigaction.Signum.Eq(dsl.Int(33))),
	dsl.Allow.For(
		sys.Execve, sys.ArchPrctl, sys.SetTidAddress,
		sys.Read, sys.Pread64, sys.Newfstatat, sys.Fstat, sys.Close,
		// Of /proc/self/exe, if the program is static.
		sys.Readlink, sys.Readlinkat,
	),
}

// mapData and mapCode map files as a dynamic linker does: never writable and
// executable at once, and never shared.
var (
	mapData = dsl.Allow.For(sys.Mmap).When(
		sys.Mmap.Prot.Lacks(linux.PROT_EXEC),
		sys.Mmap.Flags.Has(linux.MAP_PRIVATE))
	mapCode = dsl.Allow.For(sys.Mmap).When(
		sys.Mmap.Prot.Lacks(linux.PROT_WRITE),
		sys.Mmap.Flags.Has(linux.MAP_PRIVATE),
		sys.Mmap.Flags.Lacks(linux.MAP_ANONYMOUS))
)
