package group

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// GoExec is what os/exec needs besides [GoRuntime] to find and start programs, to
// talk to them through pipes, to kill them and to wait for them. What
// syscall.SysProcAttr can ask for besides (credentials, namespaces, sessions) is
// not in it, nor is a directory (chdir).
//
// A child has its parent's filter from the first instruction, so what it does, up
// to its own start ([GlibcStart], [GoStart]), needs rules as well; and execve is open
// to any program. The signals are SIGKILL, SIGINT and SIGTERM, to any process that
// pidfd_open opens.
//
// Seen with Go 1.26 on amd64, Linux 6.18; arm64's calls are the same in the
// source. Before Linux 5.4, where there are no pidfds, it is kill and wait4.
var GoExec = []dsl.Rule{
	dsl.Allow.For(sys.Clone).When(
		sys.Clone.Flags.Has(linux.CLONE_VM, linux.CLONE_VFORK, linux.CLONE_PIDFD),
		sys.Clone.Flags.Only(linux.CLONE_VM, linux.CLONE_VFORK, linux.CLONE_PIDFD, dsl.Int(0xff)),
		// The lowest byte is the signal at the end.
		sys.Clone.Flags.Masked(dsl.Int(0xff)).In(dsl.Int(0), linux.SIGCHLD)),
	dsl.Allow.For(sys.Waitid).When(sys.Waitid.Idtype.Eq(linux.P_PIDFD)),
	// 0 asks whether pidfds work; the rest is Process.Kill and a polite end.
	dsl.Allow.For(sys.PidfdSendSignal).When(sys.PidfdSendSignal.Sig.In(dsl.Int(0), linux.SIGKILL, linux.SIGINT, linux.SIGTERM)),
	dsl.Allow.For(sys.Pipe2).When(sys.Pipe2.Flags.Eq(linux.O_CLOEXEC)),
	// /dev/null, for what the child is not given.
	dsl.Allow.For(sys.Openat).When(sys.Openat.Flags.Only(linux.O_CLOEXEC, linux.O_WRONLY)),
	dsl.Allow.For(sys.Fcntl).When(sys.Fcntl.Cmd.In(linux.F_GETFL, linux.F_SETFL, linux.F_SETFD)),
	dsl.Allow.For(sys.Dup3).When(sys.Dup3.Flags.Only(linux.O_CLOEXEC)),
	// The child's limit is what the program's was before package os raised it.
	dsl.Allow.For(sys.Prlimit64).When(sys.Prlimit64.Pid.Eq(dsl.Int(0)), sys.Prlimit64.Resource.Eq(linux.RLIMIT_NOFILE)),
	dsl.Allow.For(
		sys.Execve, sys.PidfdOpen,
		sys.Newfstatat, sys.Faccessat2, // to find the program
		sys.Wait4, // for a child that could not execute it
		sys.Read, sys.Write, sys.Close,
	),
}
