package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/lab/internal/exam"
)

// caught is the errno that a call gets which the examined filter lets pass.
const caught = 2748

// shared lies in memory that a child and its parent share. So it is there however
// the child ends, and no filter has to let it be told.
type shared struct {
	next    uint32    // the call that is being made; the number of calls at the end
	ready   uint32    // 1 once the filter is installed
	failed  uint32    // children that came to no call
	trouble [508]byte // why it is not installed
	got     [1 << 15]uint32
}

func share() (*shared, error) {
	p, err := unix.MmapPtr(-1, 0, nil, unsafe.Sizeof(shared{}), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	return (*shared)(p), err
}

func (s *shared) text() string { return unix.ByteSliceToString(s.trouble[:]) }

// ask makes calls in children that have prepared themselves, and returns what came
// of each. A call that ends its child costs a child.
func ask(calls []exam.Call, prepare func() error) ([]uint32, error) {
	s, err := share()
	if err != nil {
		return nil, err
	}
	defer unix.MunmapPtr(unsafe.Pointer(s), unsafe.Sizeof(*s))
	if len(calls) > len(s.got) {
		return nil, fmt.Errorf("%d calls are too many", len(calls))
	}
	for int(s.next) < len(calls) {
		s.ready = 0
		pid, err := fork()
		if err != nil {
			return nil, err
		}
		if pid == 0 {
			s.child(calls, prepare)
		}
		if err := s.watch(pid, len(calls)); err != nil {
			return nil, fmt.Errorf("call %d of %d, %+v: %w", s.next, len(calls), calls[min(int(s.next), len(calls)-1)], err)
		}
	}
	return slices.Clone(s.got[:len(calls)]), nil
}

// fork is fork(2). The child has this thread and no other, so that no scheduler
// makes calls of its own. If one was about to take this thread, the child waits for
// ever; that is made rare here, and patience is for the rest.
func fork() (int, error) {
	runtime.Gosched()
	return clone(uintptr(syscall.SIGCHLD))
}

// patience is how long a child may take to install a filter.
const patience = 5 * time.Second

func clone(flags uintptr) (int, error) {
	stack := uintptr(0)
	if runtime.GOARCH == "s390x" {
		flags, stack = stack, flags
	}
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, flags, stack, 0, 0, 0, 0)
	if errno != 0 {
		return 0, fmt.Errorf("clone: %w", errno)
	}
	return int(pid), nil
}

// child makes the calls from s.next on and stops at the end of them.
func (s *shared) child(calls []exam.Call, prepare func() error) {
	syscall.RawSyscall6(syscall.SYS_PTRACE, syscall.PTRACE_TRACEME, 0, 0, 0, 0, 0)
	if err := prepare(); err != nil {
		copy(s.trouble[:len(s.trouble)-1], err.Error())
		stop()
	}
	s.ready = 1
	s.call(calls)
	stop()
}

// call is all that runs under a filter.
//
//go:nosplit
func (s *shared) call(calls []exam.Call) {
	for i := int(s.next); i < len(calls); i++ {
		c := &calls[i]
		_, _, errno := syscall.RawSyscall6(uintptr(c.Nr), uintptr(c.Args[0]), uintptr(c.Args[1]), uintptr(c.Args[2]),
			uintptr(c.Args[3]), uintptr(c.Args[4]), uintptr(c.Args[5]))
		s.got[i] = exam.Errno | uint32(errno)
		s.next = uint32(i) + 1
	}
}

var nowhere *uint32

// stop stops the process without a call: the signal goes to the parent, its tracer.
//
//go:nosplit
func stop() { *nowhere = 1 }

// watch waits for the end of a child and says what it means for the call that
// ended it.
func (s *shared) watch(pid, calls int) error {
	late := time.AfterFunc(patience, func() {
		if atomic.LoadUint32(&s.ready) == 0 {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	defer late.Stop()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return err
	}
	var data uint32
	var known error
	if status.Stopped() {
		data, known = trapData(pid)
		syscall.Kill(pid, syscall.SIGKILL)
		var end syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &end, 0, nil); err != nil {
			return err
		}
	}
	switch {
	case s.text() != "":
		return errors.New(s.text())
	case s.ready == 0 && s.failed < 10: // another child takes its place
		s.failed++
		runtime.KeepAlive(make([]byte, 1<<18)) // in case the child's heap had to grow
		return nil
	case s.ready == 0:
		return fmt.Errorf("the child ended before its calls: %#x", int(status))
	case int(s.next) == calls:
		return nil
	case status.Stopped() && status.StopSignal() == syscall.SIGSYS && known == nil:
		s.got[s.next] = exam.Trap | data
	case status.Signaled() && status.Signal() == syscall.SIGSYS:
		s.got[s.next] = exam.Dead
	default:
		return fmt.Errorf("the child ended with %#x", int(status))
	}
	s.next++
	return nil
}

// trapData is the data of SECCOMP_RET_TRAP, for which a child has stopped.
func trapData(pid int) (uint32, error) {
	const getSigInfo, sysSeccomp = 0x4202, 1 // PTRACE_GETSIGINFO, SYS_SECCOMP
	var info struct {
		signal, errno, code int32
		_                   [116]byte
	}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, getSigInfo, uintptr(pid), 0, uintptr(unsafe.Pointer(&info)), 0, 0); errno != 0 {
		return 0, errno
	}
	switch runtime.GOARCH { // arch/mips/include/uapi/asm/siginfo.h
	case "mips", "mipsle", "mips64", "mips64le":
		info.errno, info.code = info.code, info.errno
	}
	if info.code != sysSeccomp {
		return 0, fmt.Errorf("signal %d with code %d", info.signal, info.code)
	}
	return uint32(info.errno), nil
}

// catch installs the catcher, which lets installers' calls happen and no others.
func catch() error {
	const load, equal, ret = syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, syscall.BPF_RET | syscall.BPF_K
	number, argument := uint32(0), uint32(16)
	if bigEndian() {
		argument += 4
	}
	program := []syscall.SockFilter{
		{Code: load, K: number},
		{Code: equal, K: unix.SYS_SECCOMP, Jt: 1},
		{Code: equal, K: unix.SYS_PRCTL, Jt: 3, Jf: 5},
		{Code: load, K: argument},
		{Code: equal, K: 1, Jt: 4},        // SECCOMP_SET_MODE_FILTER
		{Code: equal, K: 2, Jt: 3, Jf: 2}, // SECCOMP_GET_ACTION_AVAIL
		{Code: load, K: argument},
		{Code: equal, K: unix.PR_SET_NO_NEW_PRIVS, Jt: 1},
		{Code: ret, K: exam.Errno | caught},
		{Code: ret, K: exam.Passes},
	}
	if _, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	f := syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := syscall.RawSyscall6(unix.SYS_SECCOMP, 1, 0, uintptr(unsafe.Pointer(&f)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("installing the catcher: %w", errno)
	}
	return nil
}

func bigEndian() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }
