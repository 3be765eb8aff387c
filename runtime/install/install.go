//go:build linux

package install

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// Instruction is one of classic BPF: struct sock_filter of linux/filter.h.
type Instruction syscall.SockFilter

// Flags of linux/seccomp.h: SECCOMP_FILTER_FLAG_TSYNC and _NEW_LISTENER.
const tsync, newListener = 1, 8

// AllThreads installs program on every thread of the process, or on none. The
// flags are seccomp(2)'s, without NEW_LISTENER; name is for errors. Filters that
// the calling thread already has go to the other threads with it.
func AllThreads(name string, program []Instruction, flags uintptr) error {
	runtime.LockOSThread() // no_new_privs and the filter are set on one and the same
	defer runtime.UnlockOSThread()
	_, err := install(name, program, flags|tsync)
	return err
}

// ThisThread installs program on the calling thread alone and leaves the
// goroutine locked to it: if it ends so, the thread ends too, unless it is the
// process's main thread, which stays and keeps the filter (lock that one in an
// init function if it must not be taken). After an error the goroutine is not
// locked.
func ThisThread(name string, program []Instruction, flags uintptr) error {
	runtime.LockOSThread()
	_, err := install(name, program, flags)
	if err != nil {
		runtime.UnlockOSThread()
	}
	return err
}

// install returns the listener that the flags ask for, else -1.
func install(name string, program []Instruction, flags uintptr) (listener int, err error) {
	if err = checkKernel(program, flags); err == nil {
		listener, err = commit(program, flags)
	}
	if err != nil {
		return -1, fmt.Errorf("seccomp filter %s: nothing installed: %w", name, err)
	}
	return listener, nil
}

// checkKernel finds what this kernel would not do, and changes nothing.
func checkKernel(program []Instruction, flags uintptr) error {
	if len(program) == 0 {
		return fmt.Errorf("no program for %s: add this architecture to the policy and generate again", runtime.GOARCH)
	}
	if len(program) > syscall.BPF_MAXINSNS {
		return fmt.Errorf("the program has %d instructions, the kernel takes %d: make the policy smaller", len(program), syscall.BPF_MAXINSNS)
	}
	if flags&newListener == 0 && notifies(program) {
		return fmt.Errorf("it answers calls with Notify, which fail with ENOSYS unless a supervisor listens: use InstallNotify, which returns the descriptor to listen on")
	}
	// Without a program the kernel judges the flags, then answers EFAULT.
	switch _, errno := setFilter(flags, nil); errno {
	case syscall.EFAULT:
	case syscall.ENOSYS:
		return fmt.Errorf("no seccomp(2), which flags and all threads need: run Linux 3.17 or later with CONFIG_SECCOMP, under no filter that hides it: %w", errno)
	case syscall.EINVAL:
		return fmt.Errorf("the kernel does not take flags %#x or has no CONFIG_SECCOMP_FILTER (a listener, 0x8, needs Linux 5.0, one for all threads, 0x10, 5.7, WAIT_KILLABLE_RECV, 0x20, 5.19): run a newer kernel or use fewer flags: %w", flags, errno)
	default:
		return fmt.Errorf("an earlier filter answers seccomp(2): it must allow SECCOMP_SET_MODE_FILTER: %w", errno)
	}
	known := map[uint32]bool{}
	for _, ins := range program {
		action := ins.K & 0xffff0000 // SECCOMP_RET_ACTION_FULL
		if ins.Code != syscall.BPF_RET|syscall.BPF_K || known[action] {
			continue
		}
		if err := checkAction(action); err != nil {
			return err
		}
		known[action] = true
	}
	return nil
}

func notifies(program []Instruction) bool {
	for _, ins := range program {
		if ins.Code == syscall.BPF_RET|syscall.BPF_K && ins.K&0xffff0000 == 0x7fc00000 { // SECCOMP_RET_USER_NOTIF
			return true
		}
	}
	return false
}

// checkAction asks the kernel, which would kill on an action it does not know.
func checkAction(action uint32) error {
	const getActionAvail = 2 // SECCOMP_GET_ACTION_AVAIL
	_, _, errno := syscall.Syscall(callNumber(runtime.GOARCH), getActionAvail, 0, uintptr(unsafe.Pointer(&action)))
	switch errno {
	case 0:
		return nil
	case syscall.EOPNOTSUPP:
	case syscall.EINVAL, syscall.ENOSYS: // before Linux 4.14, which brought the question
		switch action {
		case 0, 0x00030000, 0x00050000, 0x7ff00000, 0x7fff0000: // kill thread, trap, errno, trace, allow
			return nil
		}
	default:
		return fmt.Errorf("an earlier filter answers seccomp(2): it must allow SECCOMP_GET_ACTION_AVAIL: %w", errno)
	}
	return fmt.Errorf("the kernel does not know action %#x (kill process, 0x80000000, and log, 0x7ffc0000, need Linux 4.14; notify, 0x7fc00000, 5.0): run a newer kernel or use another action: %w", action, errno)
}

// commit sets no_new_privs, without which only the privileged may install a
// filter, and installs program.
func commit(program []Instruction, flags uintptr) (listener int, err error) {
	const setNoNewPrivs = 38 // PR_SET_NO_NEW_PRIVS of linux/prctl.h
	if _, _, errno := syscall.Syscall6(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return -1, fmt.Errorf("an earlier filter answers prctl(2): it must allow PR_SET_NO_NEW_PRIVS: %w", errno)
	}
	r, errno := setFilter(flags, &syscall.SockFprog{
		Len:    uint16(len(program)),
		Filter: (*syscall.SockFilter)(&program[0]),
	})
	why := "an earlier filter answers seccomp(2): it must allow SECCOMP_SET_MODE_FILTER"
	switch errno {
	case 0:
		if flags&newListener != 0 {
			return int(r), nil
		}
		if flags&tsync == 0 || r == 0 {
			return -1, nil
		}
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/comm", r))
		return -1, fmt.Errorf("thread %d (%s) has a filter of its own: install this one first; no_new_privs stays set on the calling thread", r, strings.TrimSpace(string(comm)))
	case syscall.ESRCH:
		why = "a thread that the kernel does not name has a filter of its own: install this one first"
	case syscall.EBUSY:
		why = "the thread has a filter with a listener already, and the kernel takes no second: use Notify in one stage alone"
	case syscall.EMFILE, syscall.ENFILE:
		why = "there is no descriptor left for the listener: close some or raise the limit"
	case syscall.EINVAL:
		why = "the kernel refuses the program: generate it again and do not edit it"
	case syscall.ENOMEM:
		why = "memory is short, or the thread's filters together exceed 32768 of the kernel's instructions: install fewer or smaller ones"
	case syscall.EACCES:
		return -1, fmt.Errorf("no_new_privs did not take: an earlier filter must allow prctl(PR_SET_NO_NEW_PRIVS): %w", errno)
	}
	return -1, fmt.Errorf("%s; no_new_privs stays set on the calling thread: %w", why, errno)
}

// setFilter is seccomp(SECCOMP_SET_MODE_FILTER). For one thread and without flags
// prctl(PR_SET_SECCOMP) does the same, and did so before Linux 3.17.
func setFilter(flags uintptr, program *syscall.SockFprog) (uintptr, syscall.Errno) {
	const setModeFilter, modeFilter = 1, 2 // SECCOMP_SET_MODE_FILTER, SECCOMP_MODE_FILTER
	r, _, errno := syscall.Syscall(callNumber(runtime.GOARCH), setModeFilter, flags, uintptr(unsafe.Pointer(program)))
	if errno == syscall.ENOSYS && flags == 0 {
		r, _, errno = syscall.Syscall(syscall.SYS_PRCTL, syscall.PR_SET_SECCOMP, modeFilter, uintptr(unsafe.Pointer(program)))
	}
	return r, errno
}

// callNumber is seccomp(2)'s number, which package syscall has for some
// architectures only.
func callNumber(goarch string) uintptr {
	switch goarch {
	case "386":
		return 354
	case "amd64":
		return 317
	case "arm":
		return 383
	case "arm64", "loong64", "riscv64":
		return 277
	case "mips", "mipsle":
		return 4352
	case "mips64", "mips64le":
		return 5312
	case "ppc64", "ppc64le":
		return 358
	case "s390x":
		return 348
	}
	return ^uintptr(0) // no call at all: ENOSYS
}
