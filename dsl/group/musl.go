package group

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// muslThread are what musl's pthread_create passes to clone, exactly.
var muslThread = slices.Concat(threadFlags, []dsl.Value{linux.CLONE_DETACHED})

// MuslThreads lets a C program that uses musl make threads, synchronise and end
// them, take signals and manage its memory, but make no process and no executable
// memory. Seen with musl 1.2.3 on amd64; arm64's calls are from the tables.
var MuslThreads = []dsl.Rule{
	dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Has(muslThread...), sys.Clone.Flags.Only(muslThread...)),
	dsl.Allow.For(sys.Futex).When(
		sys.Futex.FutexOp.Masked(futexCommand).In(linux.FUTEX_WAIT, linux.FUTEX_WAKE, linux.FUTEX_REQUEUE),
		sys.Futex.FutexOp.Only(futexCommand, linux.FUTEX_PRIVATE_FLAG)),
	dsl.Allow.For(sys.Mmap).When(
		sys.Mmap.Prot.Lacks(linux.PROT_EXEC),
		sys.Mmap.Flags.Has(linux.MAP_PRIVATE, linux.MAP_ANONYMOUS)),
	dsl.Allow.For(sys.Mprotect).When(sys.Mprotect.Prot.Lacks(linux.PROT_EXEC)),
	dsl.Allow.For(sys.Madvise).When(sys.Madvise.Advice.Eq(linux.MADV_FREE)),
	dsl.Allow.For(sys.Membarrier).When(sys.Membarrier.Cmd.In(
		linux.MEMBARRIER_CMD_PRIVATE_EXPEDITED, linux.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)),
	dsl.Allow.For(
		sys.Brk, sys.Mremap, sys.Munmap,
		sys.RtSigprocmask, sys.RtSigreturn, sys.RestartSyscall,
		sys.Tkill, // pthread_kill and raise
		// Mostly answered without a call, but not on every clock source.
		sys.ClockGettime,
		sys.Exit, sys.ExitGroup,
	),
}

// MuslStart is what a C program that uses musl needs besides [MuslThreads] from its
// execve until main runs, for a filter that is there before the program, as
// [GlibcStart] is for glibc. Seen with musl 1.2.3 on amd64, linked dynamically, with
// a library, and statically; arm64's calls are from the tables.
var MuslStart = []dsl.Rule{
	dsl.Allow.For(sys.Open, sys.Openat).When(sys.Openat.Flags.Only(linux.O_CLOEXEC, linux.O_LARGEFILE)),
	mapData, mapCode,
	dsl.Allow.For(sys.Fcntl).When(sys.Fcntl.Cmd.Eq(linux.F_SETFD)),
	dsl.Allow.For(sys.Execve, sys.ArchPrctl, sys.SetTidAddress, sys.Read, sys.Fstat, sys.Close),
}
