// Package systemd has the sets of system calls that SystemCallFilter= of
// systemd.exec(5) knows by name, as values for [dsl.Action.For]:
//
//	dsl.Allow.For(systemd.SystemService)
//	dsl.Errno(linux.EPERM).For(systemd.Privileged, systemd.Resources)
//
// They are names alone, without conditions on arguments: wide, and a place to begin
// from. BasicIO is @basic-io, and so on; sets contain others where systemd's do.
// @known is left out, which is every call that systemd was built with, and nothing
// else is: secgen knows all calls of these sets. What an architecture lacks is
// skipped there, as everywhere. Calls newer than these sets, such as mseal,
// cachestat, listmount and setxattrat, are in none.
//
// Which call is in which set is from src/shared/seccomp-util.c of systemd, of
// version 255 or one soon after: it knows fchmodat2, which came in October 2023.
package systemd

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Set is a set of calls by its names.
type Set struct {
	Name   string // as in this package
	Filter string // as in SystemCallFilter=
	Calls  dsl.Calls
}

// Sets are all sets of this package, by name.
var Sets = []Set{
	{"AIO", "@aio", AIO},
	{"BasicIO", "@basic-io", BasicIO},
	{"Chown", "@chown", Chown},
	{"Clock", "@clock", Clock},
	{"CPUEmulation", "@cpu-emulation", CPUEmulation},
	{"Debug", "@debug", Debug},
	{"Default", "@default", Default},
	{"FileSystem", "@file-system", FileSystem},
	{"IOEvent", "@io-event", IOEvent},
	{"IPC", "@ipc", IPC},
	{"Keyring", "@keyring", Keyring},
	{"Memlock", "@memlock", Memlock},
	{"Module", "@module", Module},
	{"Mount", "@mount", Mount},
	{"NetworkIO", "@network-io", NetworkIO},
	{"Obsolete", "@obsolete", Obsolete},
	{"Pkey", "@pkey", Pkey},
	{"Privileged", "@privileged", Privileged},
	{"Process", "@process", Process},
	{"RawIO", "@raw-io", RawIO},
	{"Reboot", "@reboot", Reboot},
	{"Resources", "@resources", Resources},
	{"Sandbox", "@sandbox", Sandbox},
	{"Setuid", "@setuid", Setuid},
	{"Signal", "@signal", Signal},
	{"Swap", "@swap", Swap},
	{"Sync", "@sync", Sync},
	{"SystemService", "@system-service", SystemService},
	{"Timer", "@timer", Timer},
}

// AIO is asynchronous input and output, io_uring with it.
var AIO = dsl.Calls{
	sys.IoCancel, sys.IoDestroy, sys.IoGetevents, sys.IoPgetevents, sys.IoPgeteventsTime64, sys.IoSetup,
	sys.IoSubmit, sys.IoUringEnter, sys.IoUringRegister, sys.IoUringSetup,
}

// BasicIO is reading, writing, seeking, duplicating and closing descriptors.
var BasicIO = dsl.Calls{
	sys.Llseek, sys.Close, sys.CloseRange, sys.Dup, sys.Dup2, sys.Dup3, sys.Lseek, sys.Pread64, sys.Preadv,
	sys.Preadv2, sys.Pwrite64, sys.Pwritev, sys.Pwritev2, sys.Read, sys.Readv, sys.Write, sys.Writev,
}

// Chown gives files to other users and groups.
var Chown = dsl.Calls{
	sys.Chown, sys.Chown32, sys.Fchown, sys.Fchown32, sys.Fchownat, sys.Lchown, sys.Lchown32,
}

// Clock sets the clocks.
var Clock = dsl.Calls{
	sys.Adjtimex, sys.ClockAdjtime, sys.ClockAdjtime64, sys.ClockSettime, sys.ClockSettime64,
	sys.Settimeofday,
}

// CPUEmulation is for emulators of other modes of the CPU.
var CPUEmulation = dsl.Calls{
	sys.ModifyLdt, sys.SubpageProt, sys.SwitchEndian, sys.Vm86, sys.Vm86old,
}

// Debug looks into other processes, and measures.
var Debug = dsl.Calls{
	sys.LookupDcookie, sys.PerfEventOpen, sys.PidfdGetfd, sys.Ptrace, sys.Rtas, sys.S390RuntimeInstr,
	sys.SysDebugSetcontext,
}

// Default is what every service gets: memory, time, its own identity, futexes,
// execve, the end.
var Default = dsl.Calls{
	Sandbox,
	sys.ArchPrctl, sys.Brk, sys.Cacheflush, sys.ClockGetres, sys.ClockGetresTime64, sys.ClockGettime,
	sys.ClockGettime64, sys.ClockNanosleep, sys.ClockNanosleepTime64, sys.Execve, sys.Exit, sys.ExitGroup,
	sys.Futex, sys.FutexTime64, sys.FutexWaitv, sys.GetRobustList, sys.GetThreadArea, sys.Getegid,
	sys.Getegid32, sys.Geteuid, sys.Geteuid32, sys.Getgid, sys.Getgid32, sys.Getgroups, sys.Getgroups32,
	sys.Getpgid, sys.Getpgrp, sys.Getpid, sys.Getppid, sys.Getrandom, sys.Getresgid, sys.Getresgid32,
	sys.Getresuid, sys.Getresuid32, sys.Getrlimit, sys.Getsid, sys.Gettid, sys.Gettimeofday, sys.Getuid,
	sys.Getuid32, sys.Membarrier, sys.Mmap, sys.Mmap2, sys.Mprotect, sys.Munmap, sys.Nanosleep, sys.Pause,
	sys.Prlimit64, sys.RestartSyscall, sys.RiscvFlushIcache, sys.RiscvHwprobe, sys.Rseq, sys.RtSigreturn,
	sys.SchedGetaffinity, sys.SchedYield, sys.SetRobustList, sys.SetThreadArea, sys.SetTidAddress,
	sys.SetTls, sys.Sigreturn, sys.Time, sys.Ugetrlimit,
}

// FileSystem is files and directories: to open, look at, change and remove them.
var FileSystem = dsl.Calls{
	sys.Access, sys.Chdir, sys.Chmod, sys.Close, sys.Creat, sys.Faccessat, sys.Faccessat2, sys.Fallocate,
	sys.Fchdir, sys.Fchmod, sys.Fchmodat, sys.Fchmodat2, sys.Fcntl, sys.Fcntl64, sys.Fgetxattr,
	sys.Flistxattr, sys.Fremovexattr, sys.Fsetxattr, sys.Fstat, sys.Fstat64, sys.Fstatat64, sys.Fstatfs,
	sys.Fstatfs64, sys.Ftruncate, sys.Ftruncate64, sys.Futimesat, sys.Getcwd, sys.Getdents, sys.Getdents64,
	sys.Getxattr, sys.InotifyAddWatch, sys.InotifyInit, sys.InotifyInit1, sys.InotifyRmWatch, sys.Lgetxattr,
	sys.Link, sys.Linkat, sys.Listxattr, sys.Llistxattr, sys.Lremovexattr, sys.Lsetxattr, sys.Lstat,
	sys.Lstat64, sys.Mkdir, sys.Mkdirat, sys.Mknod, sys.Mknodat, sys.Newfstatat, sys.Oldfstat, sys.Oldlstat,
	sys.Oldstat, sys.Open, sys.Openat, sys.Openat2, sys.Readlink, sys.Readlinkat, sys.Removexattr,
	sys.Rename, sys.Renameat, sys.Renameat2, sys.Rmdir, sys.Setxattr, sys.Stat, sys.Stat64, sys.Statfs,
	sys.Statfs64, sys.Statx, sys.Symlink, sys.Symlinkat, sys.Truncate, sys.Truncate64, sys.Unlink,
	sys.Unlinkat, sys.Utime, sys.Utimensat, sys.UtimensatTime64, sys.Utimes,
}

// IOEvent waits for descriptors.
var IOEvent = dsl.Calls{
	sys.Newselect, sys.EpollCreate, sys.EpollCreate1, sys.EpollCtl, sys.EpollCtlOld, sys.EpollPwait,
	sys.EpollPwait2, sys.EpollWait, sys.EpollWaitOld, sys.Eventfd, sys.Eventfd2, sys.Poll, sys.Ppoll,
	sys.PpollTime64, sys.Pselect6, sys.Pselect6Time64, sys.Select,
}

// IPC is pipes, memfds, System V and POSIX message queues, semaphores and shared
// memory, and other processes' memory.
var IPC = dsl.Calls{
	sys.Ipc, sys.MemfdCreate, sys.MqGetsetattr, sys.MqNotify, sys.MqOpen, sys.MqTimedreceive,
	sys.MqTimedreceiveTime64, sys.MqTimedsend, sys.MqTimedsendTime64, sys.MqUnlink, sys.Msgctl, sys.Msgget,
	sys.Msgrcv, sys.Msgsnd, sys.Pipe, sys.Pipe2, sys.ProcessMadvise, sys.ProcessVmReadv, sys.ProcessVmWritev,
	sys.Semctl, sys.Semget, sys.Semop, sys.Semtimedop, sys.SemtimedopTime64, sys.Shmat, sys.Shmctl,
	sys.Shmdt, sys.Shmget,
}

// Keyring is the kernel's key store.
var Keyring = dsl.Calls{
	sys.AddKey, sys.Keyctl, sys.RequestKey,
}

// Memlock locks memory against swapping.
var Memlock = dsl.Calls{
	sys.Mlock, sys.Mlock2, sys.Mlockall, sys.Munlock, sys.Munlockall,
}

// Module loads and unloads kernel modules.
var Module = dsl.Calls{
	sys.DeleteModule, sys.FinitModule, sys.InitModule,
}

// Mount mounts, and changes the root.
var Mount = dsl.Calls{
	sys.Chroot, sys.Fsconfig, sys.Fsmount, sys.Fsopen, sys.Fspick, sys.Mount, sys.MountSetattr,
	sys.MoveMount, sys.OpenTree, sys.PivotRoot, sys.Umount, sys.Umount2,
}

// NetworkIO is sockets of all kinds.
var NetworkIO = dsl.Calls{
	sys.Accept, sys.Accept4, sys.Bind, sys.Connect, sys.Getpeername, sys.Getsockname, sys.Getsockopt,
	sys.Listen, sys.Recv, sys.Recvfrom, sys.Recvmmsg, sys.RecvmmsgTime64, sys.Recvmsg, sys.Send,
	sys.Sendmmsg, sys.Sendmsg, sys.Sendto, sys.Setsockopt, sys.Shutdown, sys.Socket, sys.Socketcall,
	sys.Socketpair,
}

// Obsolete is what is old, unusual, or was never implemented.
var Obsolete = dsl.Calls{
	sys.Sysctl, sys.AfsSyscall, sys.Bdflush, sys.Break, sys.CreateModule, sys.Ftime, sys.GetKernelSyms,
	sys.Getpmsg, sys.Gtty, sys.Idle, sys.Lock, sys.Mpx, sys.Prof, sys.Profil, sys.Putpmsg, sys.QueryModule,
	sys.Security, sys.Sgetmask, sys.Ssetmask, sys.Stime, sys.Stty, sys.Sysfs, sys.Tuxcall, sys.Ulimit,
	sys.Uselib, sys.Ustat, sys.Vserver,
}

// Pkey is memory protection keys.
var Pkey = dsl.Calls{
	sys.PkeyAlloc, sys.PkeyFree, sys.PkeyMprotect,
}

// Privileged is what takes a capability.
var Privileged = dsl.Calls{
	Chown, Clock, Module, RawIO, Reboot, Swap,
	sys.Sysctl, sys.Acct, sys.Bpf, sys.Capset, sys.Chroot, sys.FanotifyInit, sys.FanotifyMark,
	sys.Nfsservctl, sys.OpenByHandleAt, sys.PivotRoot, sys.Quotactl, sys.QuotactlFd, sys.Setdomainname,
	sys.Setfsuid, sys.Setfsuid32, sys.Setgroups, sys.Setgroups32, sys.Sethostname, sys.Setresuid,
	sys.Setresuid32, sys.Setreuid, sys.Setreuid32, sys.Setuid, sys.Setuid32, sys.Vhangup,
}

// Process makes processes and namespaces, sends signals and waits.
var Process = dsl.Calls{
	sys.Capget, sys.Clone, sys.Clone3, sys.Execveat, sys.Fork, sys.Getrusage, sys.Kill, sys.PidfdOpen,
	sys.PidfdSendSignal, sys.Prctl, sys.RtSigqueueinfo, sys.RtTgsigqueueinfo, sys.Setns, sys.Swapcontext,
	sys.Tgkill, sys.Times, sys.Tkill, sys.Unshare, sys.Vfork, sys.Wait4, sys.Waitid, sys.Waitpid,
}

// RawIO is ports and PCI devices.
var RawIO = dsl.Calls{
	sys.Ioperm, sys.Iopl, sys.PciconfigIobase, sys.PciconfigRead, sys.PciconfigWrite, sys.S390PciMmioRead,
	sys.S390PciMmioWrite,
}

// Reboot reboots, and loads another kernel.
var Reboot = dsl.Calls{
	sys.KexecFileLoad, sys.KexecLoad, sys.Reboot,
}

// Resources sets limits, priorities, and where memory and threads are placed.
var Resources = dsl.Calls{
	sys.IoprioSet, sys.Mbind, sys.MigratePages, sys.MovePages, sys.Nice, sys.SchedSetaffinity,
	sys.SchedSetattr, sys.SchedSetparam, sys.SchedSetscheduler, sys.SetMempolicy, sys.SetMempolicyHomeNode,
	sys.Setpriority, sys.Setrlimit,
}

// Sandbox puts more seccomp filters and Landlock rules on the caller.
var Sandbox = dsl.Calls{
	sys.LandlockAddRule, sys.LandlockCreateRuleset, sys.LandlockRestrictSelf, sys.Seccomp,
}

// Setuid changes users and groups.
var Setuid = dsl.Calls{
	sys.Setgid, sys.Setgid32, sys.Setgroups, sys.Setgroups32, sys.Setregid, sys.Setregid32, sys.Setresgid,
	sys.Setresgid32, sys.Setresuid, sys.Setresuid32, sys.Setreuid, sys.Setreuid32, sys.Setuid, sys.Setuid32,
}

// Signal handles, blocks and waits for signals.
var Signal = dsl.Calls{
	sys.RtSigaction, sys.RtSigpending, sys.RtSigprocmask, sys.RtSigsuspend, sys.RtSigtimedwait,
	sys.RtSigtimedwaitTime64, sys.Sigaction, sys.Sigaltstack, sys.Signal, sys.Signalfd, sys.Signalfd4,
	sys.Sigpending, sys.Sigprocmask, sys.Sigsuspend,
}

// Swap turns swapping to devices on and off.
var Swap = dsl.Calls{
	sys.Swapoff, sys.Swapon,
}

// Sync writes to the disk what is in memory.
var Sync = dsl.Calls{
	sys.Fdatasync, sys.Fsync, sys.Msync, sys.Sync, sys.SyncFileRange, sys.SyncFileRange2, sys.Syncfs,
}

// SystemService is what systemd.exec(5) recommends to begin with for a service,
// as a list of what it may call.
var SystemService = dsl.Calls{
	AIO, BasicIO, Chown, Default, FileSystem, IOEvent, IPC, Keyring, Memlock, NetworkIO, Process, Resources,
	Setuid, Signal, Sync, Timer,
	sys.ArmFadvise6464, sys.Capget, sys.Capset, sys.CopyFileRange, sys.Fadvise64, sys.Fadvise6464, sys.Flock,
	sys.GetMempolicy, sys.Getcpu, sys.Getpriority, sys.Ioctl, sys.IoprioGet, sys.Kcmp, sys.Madvise,
	sys.Mremap, sys.NameToHandleAt, sys.Oldolduname, sys.Olduname, sys.Personality, sys.Readahead,
	sys.Readdir, sys.RemapFilePages, sys.SchedGetPriorityMax, sys.SchedGetPriorityMin, sys.SchedGetattr,
	sys.SchedGetparam, sys.SchedGetscheduler, sys.SchedRrGetInterval, sys.SchedRrGetIntervalTime64,
	sys.SchedYield, sys.Sendfile, sys.Sendfile64, sys.Setfsgid, sys.Setfsgid32, sys.Setfsuid, sys.Setfsuid32,
	sys.Setpgid, sys.Setsid, sys.Splice, sys.Sysinfo, sys.Tee, sys.Umask, sys.Uname, sys.Userfaultfd,
	sys.Vmsplice,
}

// Timer is timers and alarms.
var Timer = dsl.Calls{
	sys.Alarm, sys.Getitimer, sys.Setitimer, sys.TimerCreate, sys.TimerDelete, sys.TimerGetoverrun,
	sys.TimerGettime, sys.TimerGettime64, sys.TimerSettime, sys.TimerSettime64, sys.TimerfdCreate,
	sys.TimerfdGettime, sys.TimerfdGettime64, sys.TimerfdSettime, sys.TimerfdSettime64, sys.Times,
}
