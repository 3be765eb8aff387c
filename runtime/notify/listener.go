//go:build linux

package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Listener is where the calls of processes under one filter arrive. Its methods, and
// those of its requests, may be called by several goroutines at once.
type Listener struct {
	file   *os.File
	closed atomic.Bool
	sizes  sizes
	turn   chan struct{} // holds who receives
}

// New makes a Listener of the descriptor that InstallNotify or seccomp(2) returned.
// It takes the descriptor over, unless it returns an error. The descriptor must
// belong to no other Listener.
func New(fd int) (*Listener, error) {
	s, err := kernelSizes()
	if err != nil {
		return nil, fmt.Errorf("asking the kernel about notifications, which need Linux 5.0: %w", err)
	}
	// Where there is no request, any number is none.
	if err := valid(uintptr(fd), 0); err != ErrGone {
		return nil, fmt.Errorf("descriptor %d is no seccomp listener: %w", fd, err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // has os wait for it without a thread
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	// The supervisor sleeps after an answer, so the caller may have its CPU. Linux 6.6.
	unix.IoctlSetInt(fd, unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)
	return &Listener{file: os.NewFile(uintptr(fd), "seccomp listener"), sizes: s, turn: make(chan struct{}, 1)}, nil
}

// Close ends the supervision: calls that wait fail with ENOSYS, as do later ones.
func (l *Listener) Close() error {
	l.closed.Store(true)
	return l.file.Close()
}

// unusable is the error of a descriptor that cannot be used or waited for.
func (l *Listener) unusable(err error) error {
	if l.closed.Load() {
		return os.ErrClosed
	}
	return fmt.Errorf("the seccomp listener: %w", err)
}

// Receive waits for a call. It returns the context's cause when that ends first,
// io.EOF when no process is left under the filter, and os.ErrClosed after Close. On
// kernels before 6.11 an ended process counts until its parent has waited for it, so
// wait in another goroutine.
func (l *Listener) Receive(ctx context.Context) (*Request, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		l.file.SetReadDeadline(time.Unix(1, 0))
		close(ended)
	})
	defer func() {
		if !stop() {
			<-ended
			l.file.SetReadDeadline(time.Time{})
		}
	}()

	conn, err := l.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var n *notification
	var failed error
	if err := conn.Read(func(fd uintptr) (done bool) {
		n, failed = l.receive(fd)
		return n != nil || failed != nil
	}); errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, context.Cause(ctx)
	} else if err != nil {
		return nil, l.unusable(err)
	}
	if failed != nil {
		return nil, failed
	}
	return &Request{
		ID: n.id, Thread: int(n.pid), Arch: n.arch, Number: n.nr, Args: n.args, Instruction: n.instruction,
		listener: l,
	}, nil
}

// receive returns a notification if there is one. The kernel has no way to ask for
// one without waiting, but poll(2) tells whether the next is there.
func (l *Listener) receive(fd uintptr) (*notification, error) {
	for {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, 0); err == unix.EINTR {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("polling the seccomp listener: %w", err)
		}
		switch events := ready[0].Revents; {
		case events&unix.POLLIN != 0:
		case events&(unix.POLLHUP|unix.POLLERR) != 0:
			return nil, io.EOF
		default:
			return nil, nil
		}
		n := (*notification)(room(l.sizes.notification))
		switch _, err := ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(n)); err {
		case nil:
			return n, nil
		case unix.ENOENT, unix.EINTR: // the caller is gone again, or a signal came
		default:
			return nil, fmt.Errorf("receiving from the seccomp listener: %w", err)
		}
	}
}

// control runs do with the listener's descriptor, which stays open meanwhile.
func (l *Listener) control(do func(fd uintptr) error) error {
	conn, err := l.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = do(fd) }); err != nil {
		return l.unusable(err)
	}
	return failed
}
