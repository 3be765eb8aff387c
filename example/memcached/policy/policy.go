// Package policy says what a memcached server may ask of the kernel, in two
// stages: Start from its execve to its event loop, and Serve from then on.
//
// Both are for Debian's memcached 1.6 in the foreground with TCP or UDP
// sockets. Daemon mode, pid files, unix sockets, TLS and external storage need
// more. Each was tried on amd64; arm64's calls were added from the tables.
package policy

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/group"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

var arches = []dsl.Arch{dsl.AMD64, dsl.ARM64}

// reviewed answers system calls that came after this review as an old kernel
// would, so that a newer libc falls back instead of dying.
var reviewed = dsl.Newer{Than: sys.Listns, Action: dsl.Errno(linux.ENOSYS)}

// serve is what a running server does.
var serve = slices.Concat(group.GlibcThreads, []dsl.Rule{
	// Connections: the main thread accepts, the workers read and answer.
	dsl.Allow.For(sys.Accept4).When(sys.Accept4.Flags.Eq(linux.SOCK_NONBLOCK)),
	dsl.Allow.For(sys.EpollWait, sys.EpollPwait, sys.EpollCtl, sys.Poll, sys.Ppoll),
	dsl.Allow.For(sys.Read, sys.Recvfrom, sys.Write, sys.Close),
	dsl.Allow.For(sys.Sendmsg).When(sys.Sendmsg.Flags.Eq(dsl.Int(0))),
	dsl.Allow.For(sys.Getpeername, sys.Getsockname),

	// A client that resets makes getpeername fail and perror(3) look at
	// standard error: dup(2), F_GETFL, and fstat of the copy.
	dsl.Allow.For(sys.Dup).When(sys.Dup.Oldfd.Eq(linux.Stderr)),
	dsl.Allow.For(sys.Fcntl).When(sys.Fcntl.Cmd.Eq(linux.F_GETFL)),
	dsl.Allow.For(sys.Newfstatat).When(sys.Newfstatat.Flags.Eq(linux.AT_EMPTY_PATH)),
	dsl.Allow.For(sys.Fstat, sys.Lseek),

	// Statistics and the housekeeping threads.
	dsl.Allow.For(sys.Getrusage).When(sys.Getrusage.Who.Eq(linux.RUSAGE_SELF)),
	dsl.Allow.For(sys.ClockNanosleep).When(
		sys.ClockNanosleep.Clockid.Eq(linux.CLOCK_REALTIME),
		sys.ClockNanosleep.Flags.Eq(dsl.Int(0))),

	// malloc counts the CPUs: by a file in /sys, or if it cannot open that, so.
	dsl.Allow.For(sys.SchedGetaffinity),
})

// Serve is memcached's steady state: the sockets are bound and the threads run.
// No file can be opened, no socket made, no program executed, and no memory made
// executable.
var Serve = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Newer:   reviewed,
	After:   &Start,
	Rules: slices.Concat(serve, []dsl.Rule{
		// A new thread's name goes through /proc/self/task/TID/comm, and
		// malloc wants the number of CPUs; both do without.
		dsl.Errno(linux.EACCES).For(sys.Openat),
	}),
}

// Start is memcached from its execve until it listens: the dynamic linker, the
// change of user, the sockets and the threads. Files can only be read.
var Start = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Newer:   reviewed,
	Rules: slices.Concat(serve, []dsl.Rule{
		// The launcher, a Go program until its execve, may have to wait.
		dsl.Allow.For(sys.Execve, sys.Nanosleep),

		// Serve is put on top, which takes the same calls as Start's own
		// installation. A filter can only take away; a listener could give.
		dsl.Allow.For(sys.Prctl).When(sys.Prctl.Option.Eq(linux.PR_SET_NO_NEW_PRIVS)),
		dsl.Allow.For(sys.Seccomp).When(
			sys.Seccomp.Operation.Eq(linux.SECCOMP_SET_MODE_FILTER),
			sys.Seccomp.Flags.Only(linux.SECCOMP_FILTER_FLAG_TSYNC)),
		dsl.Allow.For(sys.Seccomp).When(sys.Seccomp.Operation.Eq(linux.SECCOMP_GET_ACTION_AVAIL)),

		// The dynamic linker and libc.
		dsl.Allow.For(sys.Openat).When(
			sys.Openat.Flags.Masked(linux.O_ACCMODE).Eq(linux.O_RDONLY),
			sys.Openat.Flags.Lacks(linux.O_CREAT, linux.O_TRUNC)),
		dsl.Errno(linux.EACCES).For(sys.Openat),
		dsl.Allow.For(sys.Mmap).When(sys.Mmap.Prot.Lacks(linux.PROT_EXEC)),
		dsl.Allow.For(sys.Mmap).When(
			sys.Mmap.Prot.Lacks(linux.PROT_WRITE),
			sys.Mmap.Flags.Has(linux.MAP_PRIVATE),
			sys.Mmap.Flags.Lacks(linux.MAP_ANONYMOUS)),
		dsl.Allow.For(sys.Access, sys.Faccessat, sys.Newfstatat, sys.Pread64, sys.Getrandom),
		dsl.Allow.For(sys.SetTidAddress, sys.RtSigaction, sys.Prlimit64),
		dsl.Allow.For(sys.ArchPrctl).When(sys.ArchPrctl.Code.Eq(linux.ARCH_SET_FS)),

		// The change of user.
		dsl.Allow.For(sys.Getuid, sys.Getgid, sys.Geteuid, sys.Getegid),
		dsl.Allow.For(sys.Setuid, sys.Setgid, sys.Setgroups),

		// Sockets and events. Name services are asked through files alone.
		dsl.Allow.For(sys.Socket).When(
			sys.Socket.Domain.In(linux.AF_INET, linux.AF_INET6),
			sys.Socket.Type.Masked(linux.SOCK_TYPE_MASK).In(linux.SOCK_STREAM, linux.SOCK_DGRAM)),
		dsl.Errno(linux.EACCES).For(sys.Socket, sys.Connect),
		dsl.Allow.For(sys.Bind, sys.Listen, sys.Setsockopt, sys.Getsockopt),
		dsl.Allow.For(sys.EpollCreate1, sys.Eventfd2, sys.Pipe2),
		dsl.Allow.For(sys.Dup),
		dsl.Allow.For(sys.Fcntl).When(sys.Fcntl.Cmd.Eq(linux.F_SETFL)),
	}),
}
