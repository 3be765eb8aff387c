//go:build linux

// Package probe tries what a sandbox must not let through, and tells what
// became of it.
//
// Each attempt is one system call, made raw in a child process that has
// nothing else to do: see [Try].
package probe

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// An Attempt is one forbidden system call.
type Attempt struct {
	Name    string // "execve", "i386 execve", "x32 execve"
	way     way
	number  uintptr
	arrange arrange
	args    [6]uintptr
}

// arrange puts what a call's arguments point to into memory, and returns the arguments.
type arrange func(*memory) ([6]uintptr, error)

// Prepare makes ready what the call needs. It runs before the filter is there.
func (a *Attempt) Prepare() error {
	m, err := newMemory(a.way.word)
	if err == nil {
		a.args, err = a.arrange(m)
	}
	if err != nil {
		return fmt.Errorf("preparing %s: %w", a.Name, err)
	}
	return nil
}

// Do makes the call, after Prepare, and nothing else: it and what it calls are
// nosplit, so that the Go runtime has no occasion to make calls of its own.
//
//go:nosplit
func (a *Attempt) Do() (r1 uintptr, errno syscall.Errno) {
	return a.way.enter(a.number, &a.args)
}

// A way is how a call reaches the kernel.
type way struct {
	prefix string // of the attempt's name
	word   int    // bytes in a pointer or long that lies in memory
	enter  func(number uintptr, args *[6]uintptr) (r1 uintptr, errno syscall.Errno)
}

var native = way{"", 8, enterNative}

//go:nosplit
func enterNative(number uintptr, a *[6]uintptr) (uintptr, syscall.Errno) {
	r1, _, errno := syscall.RawSyscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	return r1, errno
}

// A call is an attempt but for the way it goes.
type call struct {
	name    string // as in the headers, perhaps with a word more
	number  uintptr
	arrange arrange
}

func (w way) attempt(c call) Attempt {
	return Attempt{Name: w.prefix + c.name, way: w, number: c.number, arrange: c.arrange}
}

// nativeCalls have the numbers of the architecture that the program is built for.
var nativeCalls = []call{
	{"execve", unix.SYS_EXECVE, execve},
	{"execveat", unix.SYS_EXECVEAT, execveat},
	{"openat", unix.SYS_OPENAT, openat},
	{"openat2", unix.SYS_OPENAT2, openat2},
	{"connect", unix.SYS_CONNECT, connect},
	{"socket inet", unix.SYS_SOCKET, socketInet},
	{"socket netlink", unix.SYS_SOCKET, socketNetlink},
	{"ptrace", unix.SYS_PTRACE, ptrace},
	{"mprotect", unix.SYS_MPROTECT, mprotect},
	{"mmap", unix.SYS_MMAP, mmap},
	{"kill", unix.SYS_KILL, kill},
}

// Attempts lists every attempt that this architecture can make: by its own
// numbers, and by those of other architectures that its kernel may serve too.
func Attempts() []Attempt {
	var as []Attempt
	for _, c := range nativeCalls {
		as = append(as, native.attempt(c))
	}
	return append(as, foreignAttempts()...)
}

// find returns the attempt of that name.
func find(name string) (*Attempt, error) {
	for _, a := range Attempts() {
		if a.Name == name {
			return &a, nil
		}
	}
	return nil, fmt.Errorf("no attempt is called %q: see probe.Attempts", name)
}
