// Package policy says what a memcached server may ask of the kernel, in two
// stages: Start from its execve to its event loop, and Serve from then on. Flip is
// both in one, for a server with a supervisor.
//
// They are for Debian's memcached 1.6 in the foreground with TCP or UDP sockets.
// StartFiles, ServeFiles and FlipFiles let it make files too: a unix socket, and
// those of its external storage. Daemon mode, pid files, TLS and a password file that
// is read again need more. Each was tried on amd64; arm64's calls were added from the
// tables.
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

// serveFiles is what external storage does to its files, which are open.
var serveFiles = []dsl.Rule{
	dsl.Allow.For(sys.Pread64, sys.Preadv, sys.Pwrite64),
}

// noFiles: a new thread's name goes through /proc/self/task/TID/comm, and malloc
// wants the number of CPUs; both do without.
var noFiles = []dsl.Rule{dsl.Errno(linux.EACCES).For(sys.Openat)}

// starting gives action a to what a server does until it serves, beside what it
// does then: the dynamic linker, the change of user, the sockets and the threads.
func starting(a dsl.Action) []dsl.Rule {
	return []dsl.Rule{
		// The launcher, a Go program until its execve, may have to wait.
		a.For(sys.Execve, sys.Nanosleep),

		// The dynamic linker and libc.
		a.For(sys.Openat).When(
			sys.Openat.Flags.Masked(linux.O_ACCMODE).Eq(linux.O_RDONLY),
			sys.Openat.Flags.Lacks(linux.O_CREAT, linux.O_TRUNC)),
		dsl.Errno(linux.EACCES).For(sys.Openat),
		a.For(sys.Mmap).When(sys.Mmap.Prot.Lacks(linux.PROT_EXEC)),
		a.For(sys.Mmap).When(
			sys.Mmap.Prot.Lacks(linux.PROT_WRITE),
			sys.Mmap.Flags.Has(linux.MAP_PRIVATE),
			sys.Mmap.Flags.Lacks(linux.MAP_ANONYMOUS)),
		a.For(sys.Access, sys.Faccessat, sys.Newfstatat, sys.Getrandom),
		a.For(sys.SetTidAddress, sys.RtSigaction, sys.Prlimit64),
		a.For(sys.ArchPrctl).When(sys.ArchPrctl.Code.Eq(linux.ARCH_SET_FS)),

		// The change of user.
		a.For(sys.Getuid, sys.Getgid, sys.Geteuid, sys.Getegid),
		a.For(sys.Setuid, sys.Setgid, sys.Setgroups),

		// Sockets and events. Name services are asked through files alone.
		a.For(sys.Socket).When(
			sys.Socket.Domain.In(linux.AF_INET, linux.AF_INET6),
			sys.Socket.Type.Masked(linux.SOCK_TYPE_MASK).In(linux.SOCK_STREAM, linux.SOCK_DGRAM)),
		dsl.Errno(linux.EACCES).For(sys.Socket, sys.Connect),
		a.For(sys.Bind, sys.Listen, sys.Setsockopt, sys.Getsockopt),
		a.For(sys.EpollCreate1, sys.Eventfd2, sys.Pipe2),
		a.For(sys.Dup),
		a.For(sys.Fcntl).When(sys.Fcntl.Cmd.Eq(linux.F_SETFL)),
	}
}

// linking does so with what the dynamic linker reads libraries by, which serveFiles
// has too.
func linking(a dsl.Action) []dsl.Rule {
	return []dsl.Rule{a.For(sys.Pread64)}
}

// startingFiles does so with what it takes to make files. It goes before starting.
func startingFiles(a dsl.Action) []dsl.Rule {
	return []dsl.Rule{
		// A unix socket, in the place of one that an earlier server left.
		a.For(sys.Socket).When(
			sys.Socket.Domain.Eq(linux.AF_UNIX),
			sys.Socket.Type.Eq(linux.SOCK_STREAM)),
		a.For(sys.Umask, sys.Unlink, sys.Unlinkat),

		// A file of the external storage, which is locked and emptied.
		a.For(sys.Openat).When(
			sys.Openat.Flags.Has(linux.O_RDWR, linux.O_CREAT),
			sys.Openat.Flags.Only(linux.O_RDWR, linux.O_CREAT)),
		a.For(sys.Fcntl).When(sys.Fcntl.Cmd.Eq(linux.F_SETLK)),
		a.For(sys.Ftruncate),
	}
}

// attaching lets Serve be put on top, which takes the same calls as Start's own
// installation. A filter can only take away; a listener could give.
var attaching = []dsl.Rule{
	dsl.Allow.For(sys.Prctl).When(sys.Prctl.Option.Eq(linux.PR_SET_NO_NEW_PRIVS)),
	dsl.Allow.For(sys.Seccomp).When(
		sys.Seccomp.Operation.Eq(linux.SECCOMP_SET_MODE_FILTER),
		sys.Seccomp.Flags.Only(linux.SECCOMP_FILTER_FLAG_TSYNC)),
	dsl.Allow.For(sys.Seccomp).When(sys.Seccomp.Operation.Eq(linux.SECCOMP_GET_ACTION_AVAIL)),
}

// Serve is memcached's steady state: the sockets are bound and the threads run.
// No file can be opened, no socket made, no program executed, and no memory made
// executable.
var Serve = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Newer:   reviewed,
	After:   &Start,
	Rules:   slices.Concat(serve, noFiles),
}

// Start is memcached from its execve until it listens: the dynamic linker, the
// change of user, the sockets and the threads. Files can only be read.
var Start = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Newer:   reviewed,
	Rules:   slices.Concat(serve, attaching, linking(dsl.Allow), starting(dsl.Allow)),
}

// Flip is one filter for both stages. What a server does only until it serves is a
// supervisor's to allow, and then to refuse; without a supervisor it fails.
var Flip = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Newer:   reviewed,
	Flags:   dsl.WaitKillable, // the launcher is a Go program
	Rules:   slices.Concat(serve, linking(dsl.Notify), starting(dsl.Notify)),
}

// ServeFiles is Serve with external storage: its files can be read and written,
// and none be opened.
var ServeFiles = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Newer:   reviewed,
	After:   &StartFiles,
	Rules:   slices.Concat(serve, serveFiles, noFiles),
}

// StartFiles is Start with unix sockets and external storage, whose files can be
// made.
var StartFiles = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Newer:   reviewed,
	Rules:   slices.Concat(serve, serveFiles, attaching, startingFiles(dsl.Allow), starting(dsl.Allow)),
}

// FlipFiles is Flip with unix sockets and external storage.
var FlipFiles = dsl.Policy{
	Arches:  arches,
	Default: dsl.KillProcess,
	Newer:   reviewed,
	Flags:   dsl.WaitKillable,
	Rules:   slices.Concat(serve, serveFiles, startingFiles(dsl.Notify), starting(dsl.Notify)),
}
