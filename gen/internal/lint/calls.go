package lint

import (
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// multiplexed finds calls that are limited or denied and can be made through
// socketcall or ipc.
func multiplexed(v *view) []Finding {
	var found []Finding
	for _, m := range abi.Multiplexers {
		known := "" // where somebody got round a filter by it
		if m.Name == "socketcall" {
			known = " (moby#52494)"
		}
		for _, call := range abi.Calls() {
			code, ok := m.Calls[call]
			if ok && !v.mayWith(m.Name, want{0, code}) {
				code |= m.Version
			}
			if !ok || !v.mayWith(m.Name, want{0, code}) {
				continue
			}
			f := Finding{Rule: "multiplexed", Calls: []string{call}, rule: v.granter(m.Name, want{0, code}),
				Fix: "deny " + m.Name + " with ENOSYS, or limit its first argument to what may be done with any arguments"}
			switch {
			case v.limited(call):
				f.Severity, f.Why = Error, m.Name+" does the same with the arguments elsewhere, so conditions on them can be gone round"+known
			case v.never(call):
				f.Severity, f.Why = Warning, m.Name+" does the same, so denying it denies nothing"+known
			default:
				continue
			}
			found = append(found, f)
		}
	}
	return found
}

// clone3 finds limits on clone that clone3 goes round, and answers to clone3 that
// keep glibc from falling back.
func clone3(v *view) []Finding {
	const call = "clone3"
	if !v.has(call) {
		return nil
	}
	fix := "answer clone3 with ENOSYS" + v.fix(": dsl.Errno(linux.ENOSYS).For(sys.Clone3)", ": SCMP_ACT_ERRNO with errnoRet 38")
	if v.may(call) && (v.limited("clone") || v.never("clone")) {
		return []Finding{{Severity: Error, Rule: "clone3", Calls: []string{call}, rule: v.granter(call),
			Why: "clone is limited and clone3 is not: it takes the same flags in memory, where no filter sees them (CVE-2021-41133)",
			Fix: fix}}
	}
	if !v.may("clone") || v.may(call) {
		return nil
	}
	f := Finding{Rule: "clone3", Calls: []string{call}, rule: v.ruleOn(call, isDenied),
		Fix: fix}
	switch {
	case v.some(call, func(ret uint32) bool { return isErrno(ret) && !v.isENOSYS(ret) }):
		f.Severity, f.Why = Warning, "glibc from 2.34 on tries clone3 first and falls back to clone for ENOSYS alone, so no thread can be made (moby#42680)"
	case v.some(call, func(ret uint32) bool { return !isErrno(ret) && !asks(ret) }):
		f.Severity, f.Why = Note, "glibc from 2.34 on tries clone3 first, so a C program, or one with cgo, dies as it makes a thread (moby#42680 is the same with EPERM)"
	default:
		return nil
	}
	return []Finding{f}
}

// family is calls that do the same in different ways; their twins belong to it.
type family struct {
	calls []string
	what  string
}

// families are calls of which each can stand in for the others, as far as filters
// are concerned. Those that open the door to a bug that was found name it.
var families = []family{
	{[]string{"open", "openat", "openat2"}, "opens files too"},
	{[]string{"mmap"}, "maps memory too"},
	{[]string{"mprotect", "pkey_mprotect"}, "changes the protection of memory too"},
	{[]string{"execve", "execveat"}, "executes programs too"},
	{[]string{"fcntl"}, "does all that it does"},
	{[]string{"futex"}, "does all that it does"},
	{[]string{"chmod", "fchmod", "fchmodat", "fchmodat2"}, "changes modes too"},
	{[]string{"chown", "lchown", "fchown", "fchownat"}, "changes owners too"},
	{[]string{"mknod", "mknodat"}, "makes device files too"},
	{[]string{"sendmsg", "sendmmsg"}, "sends messages too"},
	{[]string{"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"}, "sends signals too"},
	{[]string{"setrlimit", "prlimit64"}, "sets limits too"},
	{[]string{"sched_setscheduler", "sched_setattr"}, "sets scheduling too"},
	{[]string{"init_module", "finit_module"}, "loads modules too"},
	{[]string{"kexec_load", "kexec_file_load"}, "loads kernels too"},
	{[]string{"settimeofday", "clock_settime", "adjtimex", "clock_adjtime"}, "sets the clock too"},
	{[]string{"ptrace", "process_vm_writev"}, "writes another process's memory too"},
	{[]string{"mount", "fsmount", "move_mount", "open_tree", "mount_setattr"}, "changes mounts too (CVE-2021-41133 came of the newer calls being open)"},
	{[]string{"umount", "umount2"}, "unmounts too"},
}

// twins finds calls that are limited or denied while another of their family is
// open. In an allow list, a call is denied if a rule says so, but with ENOSYS, which
// sends the caller to the twin.
func twins(v *view) []Finding {
	var found []Finding
	list := v.denies()
	for _, f := range families {
		calls := withTwins(f.calls)
		for _, call := range calls {
			denied := v.never(call) && (list || v.ruleOn(call, isDenied) != noRule && !v.some(call, v.isENOSYS))
			if !denied && !v.limited(call) {
				continue
			}
			for _, twin := range calls {
				if twin == call || !v.always(twin) {
					continue
				}
				one := Finding{Severity: Warning, Rule: "twin", Calls: []string{call}, rule: v.ruleOn(call, func(uint32) bool { return true }),
					Fix: "give " + twin + " the same rules, or deny it"}
				one.Why = twin + " is open whatever its arguments and " + f.what
				found = append(found, one)
			}
		}
	}
	return found
}

// withTwins adds the other forms of calls.
func withTwins(calls []string) []string {
	var all []string
	for _, call := range calls {
		all = append(all, call)
		for _, t := range (dsl.Target{Name: call}).Twins() {
			all = append(all, t.Name)
		}
	}
	return all
}

// time64 finds calls of 32-bit ABIs that a libc with 64-bit time makes in another
// form, where one form happens and the other is denied.
func time64(v *view) []Finding {
	if v.arch.Word != 32 {
		return nil
	}
	var found []Finding
	for _, call := range abi.Calls() {
		for _, t := range (dsl.Target{Name: call}).Twins() {
			twin := t.Name
			// Linux 5.1 brought those for 64-bit time, with numbers from 403 to 423 behind the ABI's base.
			nr, ok := v.arch.Number(twin)
			if nr -= v.arch.Generic[0].Lo; !ok || nr < 403 || nr > 423 || !v.has(call) {
				continue
			}
			if v.may(call) && v.never(twin) && !v.some(twin, v.isENOSYS) {
				found = append(found, Finding{Severity: Warning, Rule: "time64", Calls: []string{twin}, rule: v.granter(call),
					Why: "libcs with 64-bit time make this call first and fall back to the old one, which the filter lets happen, for ENOSYS alone (moby#40734)",
					Fix: v.fix("name the call with dsl.Twins, or answer this one with ENOSYS", "give it the rules of the call without 64, or answer it with ENOSYS")})
			}
		}
	}
	return found
}

func isErrno(ret uint32) bool { return ret>>16 == 5 }

func (v *view) isENOSYS(ret uint32) bool {
	enosys, _ := v.arch.Errno("ENOSYS")
	return isErrno(ret) && ret&0xffff == uint32(enosys)
}

// terminal finds the ioctl requests that put text into the terminal's input.
func terminal(v *view) []Finding {
	sti, linux := want{1, v.constant("TIOCSTI")}, want{1, v.constant("TIOCLINUX")}
	open, other := v.mayWith("ioctl", sti), v.mayWith("ioctl", linux)
	switch {
	case open:
		return []Finding{{Severity: Warning, Rule: "tiocsti", Calls: []string{"ioctl"}, rule: v.granter("ioctl", sti),
			Why: "ioctl with TIOCSTI happens, which types into a controlling terminal as its user would, outside the sandbox (CVE-2017-5226; kernels from 6.2 on can turn it off)",
			Fix: "deny ioctl with TIOCSTI and TIOCLINUX, or allow the requests that are needed"}}
	case other:
		return []Finding{{Severity: Error, Rule: "tioclinux", Calls: []string{"ioctl"}, rule: v.granter("ioctl", linux),
			Why: "ioctl with TIOCSTI is denied and with TIOCLINUX is not, which pastes into a virtual console all the same (CVE-2023-28100, CVE-2023-1523)",
			Fix: "deny TIOCLINUX with it"}}
	}
	return nil
}

// cryptoSockets finds sockets of AF_ALG. (Those that socketcall makes are multiplexed's
// to find.)
func cryptoSockets(v *view) []Finding {
	family := want{0, v.constant("AF_ALG")}
	if !v.mayWith("socket", family) {
		return nil
	}
	return []Finding{{Severity: Warning, Rule: "af-alg", Calls: []string{"socket"}, rule: v.granter("socket", family),
		Why: "sockets of AF_ALG can be made: through one, any user could write to files that he could only read (CVE-2026-31431, moby#52494)",
		Fix: "deny AF_ALG, or allow the families that are needed"}}
}

// danger is a call that a sandbox has reason not to allow.
type danger struct{ call, why string }

var dangers = []danger{
	{"ptrace", "a tracer rules other processes of the same user, which are under no such filter; before Linux 4.8 it also changed calls behind the filter's back (CVE-2019-2054)"},
	{"process_vm_writev", "it writes the memory of other processes of the same user, which are under no such filter"},
	{"io_uring_setup", "through a ring, files are opened, sockets connected and more with no system call that a filter would see"},
	{"bpf", "it loads programs into the kernel, and many a kernel hole began there, such as CVE-2021-3490"},
	{"userfaultfd", "it stops the kernel at a place of one's choice, which exploits use to win races"},
	{"perf_event_open", "it watches other processes and the kernel, and many a kernel hole began there"},
	{"open_by_handle_at", "it opens files by number and so leaves chroots and containers"},
	{"kexec_load", "it replaces the running kernel"},
	{"kexec_file_load", "it replaces the running kernel"},
	{"init_module", "it loads code into the kernel"},
	{"finit_module", "it loads code into the kernel"},
	{"pidfd_getfd", "it takes open files out of other processes"},
}

// dangerous finds calls that happen and undo what the filter is for.
func dangerous(v *view) []Finding {
	var found []Finding
	for _, d := range dangers {
		if v.may(d.call) {
			found = append(found, Finding{Severity: Warning, Rule: "dangerous", Calls: []string{d.call}, rule: v.granter(d.call),
				Why: d.why, Fix: "deny it, unless the program is made for just that"})
		}
	}
	return found
}

// writableCode finds calls that make memory both writable and executable, or what
// was writable executable.
func writableCode(v *view) []Finding {
	var found []Finding
	write, exec := v.constant("PROT_WRITE"), v.constant("PROT_EXEC")
	for _, call := range []string{"mmap", "mmap2", "mprotect", "pkey_mprotect"} {
		args := v.arch.Args(call)
		i := slices.IndexFunc(args, func(a abi.Arg) bool { return a.Name == "prot" })
		if i < 0 || args[i].Slot < 0 {
			continue
		}
		slot := args[i].Slot
		both, all := want{slot, write | exec}, want{slot, v.constant("PROT_READ") | write | exec}
		if v.mayWith(call, both) || v.mayWith(call, all) {
			rule := v.granter(call, all)
			if rule == noRule {
				rule = v.granter(call, both)
			}
			found = append(found, Finding{Severity: Note, Rule: "writable-code", Calls: []string{call}, rule: rule,
				Why: "memory can be made writable and executable at once, so whoever can write it brings code of their own",
				Fix: "allow it when prot lacks PROT_EXEC, or lacks PROT_WRITE, unless the program compiles at run time"})
		}
	}
	return found
}

// listener finds seccomp(2) open to SECCOMP_FILTER_FLAG_NEW_LISTENER. It asks for
// that flag alone.
func listener(v *view) []Finding {
	const setModeFilter, newListener = 1, 8 // linux/seccomp.h
	wants := []want{{0, setModeFilter}, {1, newListener}}
	if !v.mayWith("seccomp", wants...) {
		return nil
	}
	return []Finding{{Severity: Note, Rule: "listener", Calls: []string{"seccomp"}, rule: v.granter("seccomp", wants...),
		Why: "with NEW_LISTENER a process can take over answering its children's calls; what a supervisor lets continue can still be changed in memory (linux/seccomp.h on SECCOMP_USER_NOTIF_FLAG_CONTINUE)",
		Fix: "limit the flags of seccomp to those the program installs filters with"}}
}

// vital finds calls that every program comes to, and no test run shows.
func vital(v *view) []Finding {
	var found []Finding
	for call, why := range map[string]string{
		"exit_group":      "it is how a process ends: without it, it crashes or hangs at its end",
		"rt_sigreturn":    "it is how every signal handler returns, and Go's runtime sends itself signals: without it, the first signal is the end",
		"restart_syscall": "the kernel makes a sleeping thread call it after a stop (SIGSTOP, a debugger): without it, a program that was stopped fails, and no trace of an ordinary run shows it",
	} {
		if v.never(call) {
			found = append(found, Finding{Severity: Warning, Rule: "vital", Calls: []string{call}, rule: v.ruleOn(call, isDenied),
				Why: why, Fix: "allow it; it does no harm"})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return strings.Compare(a.Calls[0], b.Calls[0]) })
	return found
}
