package lint

// Rule is a check.
type Rule struct {
	ID    string // of its findings, for //secgen:ignore
	Finds string
}

// Rules are all checks. Those of comments cannot be ignored, and are not among them.
var Rules = []Rule{
	{"unreachable", "a rule that never decides, since rules before it do"},
	{"redundant", "a rule without which every call would get the same answer"},
	{"condition", "a condition that always holds, or never"},
	{"not-equal-twice", "two rules that allow what is not a and what is not b: everything (moby#52494)"},
	{"wide-compare", "64 bits compared of an argument of 32 (CVE-2019-10063, CVE-2019-7303)"},
	{"cut-argument", "64 bits compared where the kernel, for that command, takes 32: fcntl, prctl, ioctl, keyctl"},
	{"multiplexed", "a call limited or denied that socketcall or ipc makes (moby#52494)"},
	{"clone3", "clone limited and clone3 open (CVE-2021-41133), or clone3 answered otherwise than with ENOSYS (moby#42680)"},
	{"twin", "a call limited or denied whose twin is open: open and openat2, mmap and mmap2, …"},
	{"time64", "a 32-bit ABI's call allowed and its form with 64-bit time not (moby#40734)"},
	{"tiocsti", "ioctl open to TIOCSTI (CVE-2017-5226)"},
	{"tioclinux", "TIOCSTI denied and TIOCLINUX open (CVE-2023-28100, CVE-2023-1523)"},
	{"af-alg", "sockets of AF_ALG (CVE-2026-31431)"},
	{"dangerous", "ptrace, process_vm_writev, io_uring, bpf, userfaultfd and others open"},
	{"writable-code", "memory that is writable and executable"},
	{"listener", "seccomp open to SECCOMP_FILTER_FLAG_NEW_LISTENER"},
	{"deny-list", "calls allowed that are newer than the policy (CVE-2021-41133)"},
	{"foreign-abi", "calls allowed through an ABI that the filter does not know"},
	{"vital", "exit_group, rt_sigreturn or restart_syscall denied"},
	{"kill-thread", "an action that kills one thread of a Go program"},
	{"trap", "SIGSYS for a Go program, which cannot handle it"},
	{"errno", "an errno that is not from 1 to 4094"},
	{"stage", "a stage that cannot be installed on all threads after the one before"},
}
