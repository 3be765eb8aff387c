//go:build linux

package notify

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrGone is the error of answers to a call that waits no longer: the caller was
// killed or interrupted, or the request was answered before. Nothing is lost then: an
// interrupted call that starts again is a request again.
var ErrGone = errors.New("the call waits no longer")

// Request is a call that waits for an answer. It must get one, from one of Continue,
// Errno, Value and AddFD, all of which return ErrGone if it is too late.
//
// What Arch and Number are called, and which argument is where in Args,
// gen.Identify tells; this package has no tables.
type Request struct {
	ID          uint64
	Thread      int       // thread ID in the supervisor's PID namespace; 0: it is not in there
	Arch        uint32    // AUDIT_ARCH_* of linux/audit.h
	Number      int32     // of the call on that architecture
	Args        [6]uint64 // registers: of an int, the upper half can be anything
	Instruction uint64    // address of the instruction after the call's

	listener *Listener
}

// Valid returns ErrGone if the call waits no longer. What was found out about
// Thread before, in /proc for one, is about the caller only if Valid returns nil
// afterwards: its number may be another's by now.
func (r *Request) Valid() error {
	return r.listener.control(func(fd int) error { return valid(fd, r.ID) })
}

func valid(fd int, id uint64) error {
	_, err := ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&id))
	return gone(err)
}

// gone is the error of an ioctl(2) about a request.
func gone(err error) error {
	if err == unix.ENOENT || err == unix.EINPROGRESS { // EINPROGRESS: is answered and about to go on
		return ErrGone
	}
	return err
}

// Process returns the ID of the process that Thread is one of.
func (r *Request) Process() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.Thread))
	if gone := r.Valid(); gone != nil {
		return 0, gone
	}
	if err != nil {
		return 0, fmt.Errorf("finding the process of thread %d: %w", r.Thread, err)
	}
	_, rest, _ := bytes.Cut(status, []byte("\nTgid:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return strconv.Atoi(string(line))
}

// Continue has the kernel execute the call, as if the filter had allowed it. It must
// not depend on anything that was found by following a pointer, a descriptor or a
// path: what the kernel finds there may be something else. The package's
// documentation says more. It needs Linux 5.5.
func (r *Request) Continue() error {
	return r.answer("continuing", response{flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE})
}

// Errno makes the call fail with e, which is from 1 to 4094.
func (r *Request) Errno(e syscall.Errno) error {
	if e < 1 || e > 4094 { // the greatest is none to Go on some architectures
		return fmt.Errorf("%d is no errno to answer a call with", uintptr(e))
	}
	return r.answer("refusing", response{errno: -int32(e)})
}

// Value makes the call return v, without the kernel doing anything: the supervisor
// has done what there was to do. Values from -4095 to -1 are errnos to the caller.
func (r *Request) Value(v int64) error {
	return r.answer("answering", response{value: v})
}

func (r *Request) answer(doing string, a response) error {
	err := r.listener.control(func(fd int) error {
		resp := (*response)(room(r.listener.sizes.response))
		*resp = a
		resp.id = r.ID
		_, err := ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(resp)) // looks for the ID
		return gone(err)
	})
	return r.explain(doing, err)
}

// AddFD gives the caller a copy of the supervisor's descriptor fd and makes the call
// return its number there. It needs Linux 5.9. Before 5.14 a caller that is
// interrupted at the wrong moment keeps the copy without knowing its number.
func (r *Request) AddFD(fd int, closeOnExec bool) (number int, err error) {
	add := addition{fd: uint32(fd), flags: unix.SECCOMP_ADDFD_FLAG_SEND}
	if closeOnExec {
		add.newFlags = unix.O_CLOEXEC
	}
	number, err = r.add(add)
	if err == unix.EINVAL { // before Linux 5.14
		return r.addThenAnswer(add)
	}
	return number, r.explain("answering with a descriptor", err)
}

func (r *Request) addThenAnswer(add addition) (int, error) {
	add.flags &^= unix.SECCOMP_ADDFD_FLAG_SEND
	number, err := r.add(add)
	if err != nil {
		return 0, r.explain("adding a descriptor (since Linux 5.9)", err)
	}
	return number, r.Value(int64(number))
}

func (r *Request) add(add addition) (number int, err error) {
	add.id = r.ID
	err = r.listener.control(func(fd int) error {
		number, err = ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_ADDFD, unsafe.Pointer(&add)) // looks for the ID
		return gone(err)
	})
	return number, err
}

// explain adds to an error what was to be done, except to ErrGone.
func (r *Request) explain(doing string, err error) error {
	if err == nil || err == ErrGone {
		return err
	}
	return fmt.Errorf("%s call %d of thread %d: %w", doing, r.Number, r.Thread, err)
}
