//go:build linux

package install

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// A refusal is an installation that cannot be, on this kernel or under an
// earlier filter that makes it look like an older or a more guarded one.
type refusal struct {
	name    string
	earlier []Instruction // on this thread, without no_new_privs where root installs it
	program []Instruction
	flags   uintptr
	all     bool // threads
	listen  bool
	errno   syscall.Errno // 0: no kernel's error
	says    string
	changes bool // sets no_new_privs all the same
}

var plain = on(syscall.SYS_GETPRIORITY, errnoIs|99)

var (
	seccompNr = callNumber(runtime.GOARCH)

	noSeccomp   = on(seccompNr, errnoIs|uint32(syscall.ENOSYS))
	noQuestion  = onArg(seccompNr, 0, 2, errnoIs|uint32(syscall.EINVAL))
	noSet       = on(seccompNr, errnoIs|uint32(syscall.EPERM))
	noAsking    = onArg(seccompNr, 0, 2, errnoIs|uint32(syscall.EPERM))
	fakedSet    = on(seccompNr, errnoIs)
	cappedSet   = on(seccompNr, errnoIs|4095)
	noPrctl     = onArg(syscall.SYS_PRCTL, 0, 38, errnoIs|uint32(syscall.EPERM))
	fakedPrctl  = onArg(syscall.SYS_PRCTL, 0, 38, errnoIs)
	lateSet     = butProbe(syscall.EPERM)
	lateNoName  = butProbe(syscall.ESRCH)
	longest     = slices.Repeat([]Instruction{{ret, 0, 0, allow}}, syscall.BPF_MAXINSNS)
	noReturn    = []Instruction{{load, 0, 0, 0}}
	byteLoad    = []Instruction{{syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, 0, 0, 0}, {ret, 0, 0, allow}}
	farJump     = []Instruction{{jeq, 9, 9, 0}, {ret, 0, 0, allow}}
	outOfBounds = []Instruction{{load, 0, 0, 64}, {ret, 0, 0, allow}}
)

const waitKillable = 32 // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV

var asking = on(syscall.SYS_GETPRIORITY, notify)

// noFlag refuses a flag as a kernel does that is older.
func noFlag(flag uint32) []Instruction {
	return []Instruction{
		{load, 0, 0, 0},
		{jeq, 0, 3, uint32(seccompNr)},
		{load, 0, 0, low(1)},
		{syscall.BPF_JMP | syscall.BPF_JSET | syscall.BPF_K, 0, 1, flag},
		{ret, 0, 0, errnoIs | uint32(syscall.EINVAL)},
		{ret, 0, 0, allow},
	}
}

// butProbe answers seccomp(2) with errno once it is called with a program.
func butProbe(errno syscall.Errno) []Instruction {
	return []Instruction{
		{load, 0, 0, 0},
		{jeq, 0, 5, uint32(seccompNr)},
		{load, 0, 0, low(0)},
		{jeq, 3, 0, 2}, // SECCOMP_GET_ACTION_AVAIL
		{load, 0, 0, low(2)},
		{jeq, 1, 0, 0},
		{ret, 0, 0, errnoIs | uint32(errno)},
		{ret, 0, 0, allow},
	}
}

var refusals = []refusal{
	{name: "no program", says: "no program for " + runtime.GOARCH + ": "},
	{name: "no program, all threads", all: true, says: "no program for " + runtime.GOARCH + ": "},
	{name: "a program too long", program: slices.Repeat(longest[:1], syscall.BPF_MAXINSNS+1), says: "the program has 4097 instructions, the kernel takes 4096"},
	{name: "a program whose length does not fit", program: slices.Repeat(longest[:1], 1<<16+1), says: "the program has 65537 instructions"},
	{name: "unknown action", program: on(syscall.SYS_GETPRIORITY, 0x7fc10007), errno: syscall.EOPNOTSUPP, says: "does not know action 0x7fc10000 "},
	{name: "unknown action, all threads", program: on(syscall.SYS_GETPRIORITY, 0x00060000), all: true, errno: syscall.EOPNOTSUPP, says: "does not know action 0x60000 "},
	{name: "unknown flag", program: plain, flags: 1 << 30, errno: syscall.EINVAL, says: "does not take flags 0x40000000 "},
	{name: "unknown flag, all threads", program: plain, flags: 1 << 30, all: true, errno: syscall.EINVAL, says: "does not take flags 0x40000001 "},

	{name: "no return", program: noReturn, errno: syscall.EINVAL, says: "refuses the program", changes: true},
	{name: "a load of a byte", program: byteLoad, errno: syscall.EINVAL, says: "refuses the program", changes: true},
	{name: "a jump past the end, all threads", program: farJump, all: true, errno: syscall.EINVAL, says: "refuses the program", changes: true},
	{name: "a load past the data, all threads", program: outOfBounds, all: true, errno: syscall.EINVAL, says: "refuses the program", changes: true},

	{name: "kernel before 3.17, all threads", earlier: noSeccomp, program: plain, all: true, errno: syscall.ENOSYS, says: "no seccomp(2), "},
	{name: "kernel before 3.17, flags", earlier: noSeccomp, program: plain, flags: 2, errno: syscall.ENOSYS, says: "no seccomp(2), "},
	{name: "kernel before 3.17, new action", earlier: noSeccomp, program: on(syscall.SYS_GETPRIORITY, killProcess), errno: syscall.ENOSYS, says: "does not know action 0x80000000 "},
	{name: "kernel before 4.14, log", earlier: noQuestion, program: on(syscall.SYS_GETPRIORITY, logged), errno: syscall.EINVAL, says: "does not know action 0x7ffc0000 "},
	{name: "notify without a listener", program: asking, says: "use InstallNotify"},
	{name: "notify without a listener, all threads", program: asking, flags: waitKillable, all: true, says: "use InstallNotify"},
	{name: "kernel before 5.0, listener", earlier: noFlag(newListener), program: asking, listen: true, errno: syscall.EINVAL, says: "a listener, 0x8, needs Linux 5.0"},
	{name: "kernel before 5.7, listener for all threads", earlier: noFlag(16), program: asking, all: true, listen: true, errno: syscall.EINVAL, says: "does not take flags 0x19 "},
	{name: "kernel before 5.19, WAIT_KILLABLE_RECV", earlier: noFlag(waitKillable), program: asking, flags: waitKillable, all: true, listen: true, errno: syscall.EINVAL, says: "does not take flags 0x39 "},
	{name: "kernel before 4.14, notify", earlier: noQuestion, program: asking, all: true, listen: true, errno: syscall.EINVAL, says: "does not know action 0x7fc00000 "},

	{name: "seccomp(2) refused", earlier: noSet, program: plain, all: true, errno: syscall.EPERM, says: "must allow SECCOMP_SET_MODE_FILTER"},
	{name: "the question refused", earlier: noAsking, program: plain, all: true, errno: syscall.EPERM, says: "must allow SECCOMP_GET_ACTION_AVAIL"},
	{name: "success faked", earlier: fakedSet, program: plain, says: "must allow SECCOMP_SET_MODE_FILTER"},
	{name: "the program refused", earlier: lateSet, program: plain, errno: syscall.EPERM, says: "must allow SECCOMP_SET_MODE_FILTER", changes: true},
	{name: "a thread without a number", earlier: lateNoName, program: plain, all: true, errno: syscall.ESRCH, says: "a thread that the kernel does not name", changes: true},
	{name: "no_new_privs refused", earlier: noPrctl, program: plain, all: true, errno: syscall.EPERM, says: "must allow PR_SET_NO_NEW_PRIVS"},
}

// refusalChildren print the error, then what the thread is in.
var refusalChildren = func() map[string]func() {
	made := map[string]func(){}
	for _, r := range refusals {
		made[r.name] = func() {
			if r.earlier != nil {
				earlier(r.earlier)
			}
			before := field(gettid(), "NoNewPrivs")
			fmt.Println(saysErrno(r.install()))
			fmt.Println(field(gettid(), "Seccomp"), before, field(gettid(), "NoNewPrivs"))
		}
	}
	// 4095 is an error number to the kernel, but not to Go on amd64, 386 and arm.
	made["success faked by a capped errno"] = func() {
		earlier(cappedSet)
		fmt.Println(ThisThread("Test", plain, 0), denied())
	}
	made["no_new_privs faked"] = func() {
		earlier(fakedPrctl)
		// This thread alone gives up root, and with it CAP_SYS_ADMIN.
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETUID, nobody, 0, 0); errno != 0 {
			must(errno)
		}
		fmt.Println(saysErrno(ThisThread("Test", plain, 0)))
	}
	made["too many filters"] = func() {
		for n := 1; ; n++ {
			if err := AllThreads("Test", longest, 0); err != nil {
				fmt.Println(saysErrno(err))
				fmt.Println(n > 3)
				return
			}
		}
	}
	made["kernel before 3.17, this thread"] = func() {
		earlier(noSeccomp)
		must(ThisThread("Test", plain, 0))
		fmt.Println(denied(), <-elsewhere(denied))
	}
	made["kernel before 4.14, all threads"] = func() {
		earlier(noQuestion)
		must(AllThreads("Test", plain, 0))
		fmt.Println(denied(), <-elsewhere(denied))
	}
	return made
}()

func (r refusal) install() (err error) {
	switch {
	case r.all && r.listen:
		_, err = NotifyAllThreads("Test", r.program, r.flags)
	case r.listen:
		_, err = NotifyThisThread("Test", r.program, r.flags)
	case r.all:
		err = AllThreads("Test", r.program, r.flags)
	default:
		err = ThisThread("Test", r.program, r.flags)
	}
	return err
}

// earlier installs program on this thread, without no_new_privs as root may.
func earlier(program []Instruction) {
	if os.Getuid() != 0 {
		must(ThisThread("Earlier", program, 0))
		return
	}
	_, _, errno := syscall.RawSyscall(seccompNr, 1, 0, uintptr(unsafe.Pointer(&syscall.SockFprog{
		Len: uint16(len(program)), Filter: (*syscall.SockFilter)(&program[0]),
	})))
	if errno != 0 {
		must(errno)
	}
}

func TestRefusals(t *testing.T) {
	for who, uid := range users(t) {
		for _, r := range refusals {
			t.Run(who+"/"+r.name, func(t *testing.T) {
				lines := strings.Split(output(t, r.name, uid), "\n")
				text := lines[0]
				if !strings.HasPrefix(text, "seccomp filter Test: nothing installed: ") || !strings.Contains(text, r.says) {
					t.Errorf("the error is\n%s", text)
				}
				if strings.Contains(text, "no_new_privs stays set") != r.changes {
					t.Errorf("says the wrong thing of no_new_privs:\n%s", text)
				}
				errno := fmt.Sprintf("errno %d", uintptr(r.errno))
				if r.errno == 0 && r.earlier == nil {
					errno = "no errno"
				}
				if lines[1] != errno {
					t.Errorf("%s, not %s", lines[1], errno)
				}
				mode, before, after := "0", "0", "0"
				if r.earlier != nil {
					mode = "2"
				}
				if r.earlier != nil && uid != 0 {
					before, after = "1", "1"
				}
				if r.changes {
					after = "1"
				}
				if want := mode + " " + before + " " + after; lines[2] != want {
					t.Errorf("Seccomp and NoNewPrivs before and after are %s, not %s", lines[2], want)
				}
			})
		}
	}
}

func TestUnderEarlierFilters(t *testing.T) {
	tests := map[string]string{
		"kernel before 3.17, this thread": "errno 99 done\n",
		"kernel before 4.14, all threads": "errno 99 errno 99\n",
		"too many filters": "seccomp filter Test: nothing installed: memory is short, or the thread's filters together exceed 32768 of the kernel's instructions: " +
			"install fewer or smaller ones; no_new_privs stays set on the calling thread: " + syscall.ENOMEM.Error() + fmt.Sprintf("\nerrno %d\ntrue\n", uintptr(syscall.ENOMEM)),
		"no_new_privs faked": "seccomp filter Test: nothing installed: no_new_privs did not take: an earlier filter must allow prctl(PR_SET_NO_NEW_PRIVS): " + syscall.EACCES.Error() + fmt.Sprintf("\nerrno %d\n", uintptr(syscall.EACCES)),
	}
	for who, uid := range users(t) {
		for name, want := range tests {
			t.Run(who+"/"+name, func(t *testing.T) {
				if name == "no_new_privs faked" && uid != 0 {
					t.Skip("needs root, to install a filter before no_new_privs is set")
				}
				if got := output(t, name, uid); got != want {
					t.Errorf("got\n%swant\n%s", got, want)
				}
			})
		}
		t.Run(who+"/success faked by a capped errno", func(t *testing.T) {
			got := output(t, "success faked by a capped errno", uid)
			if !strings.Contains(got, "must allow SECCOMP_SET_MODE_FILTER") || !strings.HasSuffix(got, " done\n") {
				t.Error(got)
			}
		})
	}
}
