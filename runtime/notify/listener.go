//go:build linux

package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Listener is where the calls of processes under one filter arrive. Its methods, and
// those of its requests, may be called by several goroutines at once.
type Listener struct {
	sizes  sizes
	turn   chan struct{} // holds who receives
	wake   int           // an eventfd that ends the waiting
	closed atomic.Bool

	using sync.RWMutex // read by who uses the descriptors, so that they stay open
	fd    int
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
	if err := valid(fd, 0); err != ErrGone {
		return nil, fmt.Errorf("descriptor %d is no seccomp listener: %w", fd, err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("making an eventfd: %w", err)
	}
	// The supervisor sleeps after an answer, so the caller may have its CPU. Linux 6.6.
	unix.IoctlSetInt(fd, unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)
	return &Listener{fd: fd, wake: wake, sizes: s, turn: make(chan struct{}, 1)}, nil
}

// Close ends the supervision: calls that wait fail with ENOSYS, as do later ones.
func (l *Listener) Close() error {
	if l.closed.Swap(true) {
		return os.ErrClosed
	}
	l.awake()
	l.using.Lock()
	defer l.using.Unlock()
	return errors.Join(unix.Close(l.fd), unix.Close(l.wake))
}

// awake ends the waiting of Receive, now or as soon as it begins.
func (l *Listener) awake() {
	one := [8]byte{1, 1, 1, 1, 1, 1, 1, 1} // any number but zero, in any byte order
	unix.Write(l.wake, one[:])
}

// control runs do with the listener's descriptor, which stays open meanwhile.
func (l *Listener) control(do func(fd int) error) error {
	l.using.RLock()
	defer l.using.RUnlock()
	if l.closed.Load() {
		return os.ErrClosed
	}
	return do(l.fd)
}

// Receive waits for a call. It returns the context's cause when that ends first,
// io.EOF when no process is left under the filter, and os.ErrClosed after Close. On
// kernels before 6.11 an ended process counts until its parent has waited for it, so
// wait in another goroutine. A thread waits with it.
func (l *Listener) Receive(ctx context.Context) (*Request, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if ctx.Done() != nil {
		ended := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			l.control(func(int) error { l.awake(); return nil })
			close(ended)
		})
		defer func() {
			if !stop() {
				<-ended
			}
		}()
	}
	var n *notification
	err := l.control(func(fd int) (err error) {
		for n == nil && err == nil && ctx.Err() == nil {
			n, err = l.receive(fd)
		}
		return err
	})
	switch {
	case n != nil:
	case err != nil:
		return nil, err
	default:
		return nil, context.Cause(ctx)
	}
	return &Request{
		ID: n.id, Thread: int(n.pid), Arch: n.arch, Number: n.nr, Args: n.args, Instruction: n.instruction,
		listener: l,
	}, nil
}

// receive waits for a notification; it returns none if it was awakened. The kernel
// has no way to wait for one that can be ended, but poll(2) tells whether the next
// is there.
func (l *Listener) receive(fd int) (*notification, error) {
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(l.wake), Events: unix.POLLIN}}
	if _, err := unix.Poll(ready, -1); err == unix.EINTR {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("polling the seccomp listener: %w", err)
	}
	if ready[1].Revents != 0 {
		var count [8]byte
		unix.Read(l.wake, count[:])
		if l.closed.Load() { // as it is before Close wakes
			return nil, os.ErrClosed
		}
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
		return nil, nil
	default:
		return nil, fmt.Errorf("receiving from the seccomp listener: %w", err)
	}
}
