//go:build linux

package notify

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/runtime/install"
)

// Goroutines that put a filter on their thread must not get the main one, which
// would keep it.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		children[name]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// asking is a program that hands getpriority(2) to a supervisor: neither the tests
// nor the Go runtime have another use for it.
var asking = []install.Instruction{
	{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_GETPRIORITY},
	{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
	{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
}

// answered is what a call came back with.
type answered struct {
	value uintptr
	errno syscall.Errno
}

func call(args ...uintptr) answered {
	var a [3]uintptr
	copy(a[:], args)
	r, _, errno := syscall.Syscall(unix.SYS_GETPRIORITY, a[0], a[1], a[2])
	return answered{r, errno}
}

// under runs do on a thread of its own that is under a filter, and returns the
// listener and what do returned, once it has. The thread then ends.
func under[T any](t *testing.T, flags uintptr, do func() T) (*Listener, <-chan T) {
	t.Helper()
	fds, errs, result := make(chan int), make(chan error), make(chan T, 1)
	go func() {
		fd, err := install.NotifyThisThread("Test", asking, flags)
		if err != nil {
			errs <- err
			return
		}
		fds <- fd
		result <- do()
	}()
	select {
	case err := <-errs:
		t.Fatal(err)
	case fd := <-fds:
		l, err := New(fd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l, result
	}
	panic("not reached")
}

func receive(t *testing.T, l *Listener) *Request {
	t.Helper()
	r, err := l.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnswers(t *testing.T) {
	plain := call()
	for name, c := range map[string]struct {
		answer func(*Request) error
		want   answered
	}{
		"continue": {(*Request).Continue, plain},
		"errno":    {func(r *Request) error { return r.Errno(unix.EXDEV) }, answered{^uintptr(0), unix.EXDEV}},
		"value":    {func(r *Request) error { return r.Value(4711) }, answered{4711, 0}},
		"an answer after a wrong one": {func(r *Request) error {
			if r.Errno(0) == nil || r.Errno(4095) == nil {
				return errors.New("a number that is no errno was taken")
			}
			return r.Value(1)
		}, answered{1, 0}},
	} {
		l, result := under(t, 0, func() answered { return call(unix.PRIO_PROCESS, 0, 7) })
		r := receive(t, l)
		if p, err := r.Process(); err != nil || p != os.Getpid() || r.Thread == p {
			t.Errorf("%s: thread %d of process %d: %v", name, r.Thread, p, err)
		}
		if r.Number != unix.SYS_GETPRIORITY || r.Args[2] != 7 {
			t.Errorf("%s: %+v", name, r)
		}
		if err := c.answer(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := <-result; got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
		for _, answer := range []error{r.Continue(), r.Errno(unix.EPERM), r.Value(0), r.Valid()} {
			if answer != ErrGone {
				t.Errorf("%s: a second answer: %v", name, answer)
			}
		}
		if _, err := r.AddFD(0, true); err != ErrGone {
			t.Errorf("%s: a second answer: %v", name, err)
		}
		if _, err := r.Process(); err != ErrGone {
			t.Errorf("%s: the process of a caller that is gone: %v", name, err)
		}
	}
}

func TestDescriptors(t *testing.T) {
	for name, add := range map[string]func(*Request, int, bool) (int, error){
		"at once": (*Request).AddFD,
		"before Linux 5.14": func(r *Request, fd int, closeOnExec bool) (int, error) {
			a := addition{fd: uint32(fd)}
			if closeOnExec {
				a.newFlags = unix.O_CLOEXEC
			}
			return r.addThenAnswer(a)
		},
	} {
		for _, closeOnExec := range []bool{true, false} {
			l, result := under(t, 0, func() answered { return call() })
			in, out, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			number, err := add(receive(t, l), int(out.Fd()), closeOnExec)
			if err != nil {
				t.Fatal(name, err)
			}
			got := <-result
			if got.errno != 0 || int(got.value) != number {
				t.Errorf("%s: %v, not %d", name, got, number)
			}
			// Of the same process, so it is a descriptor here too.
			flags, err := unix.FcntlInt(got.value, unix.F_GETFD, 0)
			if err != nil || (flags == unix.FD_CLOEXEC) != closeOnExec {
				t.Errorf("%s: flags %#x, %v", name, flags, err)
			}
			out.Close()
			theirs := os.NewFile(got.value, "theirs")
			theirs.WriteString("through the copy")
			theirs.Close()
			if text, err := io.ReadAll(in); string(text) != "through the copy" {
				t.Errorf("%s: %q, %v", name, text, err)
			}
			in.Close()
		}
	}
	l, result := under(t, 0, func() answered { return call() })
	r := receive(t, l)
	if _, err := r.AddFD(-1, true); !errors.Is(err, unix.EBADF) {
		t.Error(err)
	}
	if err := r.Value(3); err != nil {
		t.Error(err)
	}
	<-result
}

// A signal that the caller handles takes its call out of the wait, and it asks
// again.
func TestAnInterruptedCallerAsksAgain(t *testing.T) {
	l, result := under(t, 0, func() answered { return call() })
	first := receive(t, l)
	if err := unix.Tgkill(os.Getpid(), first.Thread, unix.SIGURG); err != nil {
		t.Fatal(err)
	}
	second := receive(t, l)
	if second.ID == first.ID || second.Thread != first.Thread {
		t.Errorf("%+v after %+v", second, first)
	}
	if err := first.Continue(); err != ErrGone {
		t.Error(err)
	}
	if _, err := first.Memory(make([]byte, 1), 0); err != ErrGone {
		t.Error(err)
	}
	if err := second.Value(5); err != nil {
		t.Error(err)
	}
	if got := <-result; got != (answered{5, 0}) {
		t.Error(got)
	}
}

func TestWaitKillableSitsSignalsOut(t *testing.T) {
	l, result := under(t, unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, func() answered { return call() })
	r := receive(t, l)
	for range 100 {
		if err := unix.Tgkill(os.Getpid(), r.Thread, unix.SIGURG); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Value(5); err != nil {
		t.Error(err)
	}
	if got := <-result; got != (answered{5, 0}) {
		t.Error(got)
	}
}

func TestReceiveEnds(t *testing.T) {
	goOn := make(chan bool)
	l, result := under(t, 0, func() answered { <-goOn; return call() })
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("that is why")
	var wg sync.WaitGroup
	for range 4 { // one waits for the kernel, the others for their turn
		wg.Go(func() {
			if r, err := l.Receive(ctx); r != nil || err != why {
				t.Error(r, err)
			}
		})
	}
	cancel(why)
	wg.Wait()
	if _, err := l.Receive(ctx); err != why {
		t.Error(err)
	}
	// The next context is another matter.
	close(goOn)
	if err := receive(t, l).Continue(); err != nil {
		t.Error(err)
	}
	<-result
	if _, err := l.Receive(t.Context()); err != io.EOF {
		t.Errorf("after the last thread: %v", err)
	}
	if _, err := l.Receive(t.Context()); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestClose(t *testing.T) {
	goOn := make(chan bool)
	l, result := under(t, 0, func() answered { first := call(); <-goOn; call(); return first })
	r := receive(t, l)
	received := make(chan error)
	go func() {
		_, err := l.Receive(t.Context())
		received <- err
	}()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-received; !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if err := r.Continue(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	close(goOn)
	if got := <-result; got.errno != unix.ENOSYS {
		t.Error(got)
	}
}

func TestNewRefusesOtherDescriptors(t *testing.T) {
	in, _, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range []int{int(in.Fd()), -1} {
		if l, err := New(fd); l != nil || err == nil || !strings.Contains(err.Error(), "is no seccomp listener") {
			t.Errorf("%d: %v", fd, err)
		}
	}
	if err := in.Close(); err != nil {
		t.Error("it was taken over:", err)
	}
}
