//go:build linux

package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Take waits until process pid has a listener among its descriptors and makes a
// Listener of a copy, so that a process can be supervised from the first call after
// the filter's installation on, although the filter allows it none by which it could
// pass its descriptor. It returns an error if the process ends before. The process
// should have one listener; it keeps its own descriptor until it closes it or calls
// execve. The supervisor must be allowed to trace the process (ptrace(2)). It needs
// Linux 5.6.
func Take(ctx context.Context, pid int) (*Listener, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("taking the listener of process %d: %w", pid, err)
	}
	defer unix.Close(pidfd)
	for {
		fd, err := find(pid, pidfd)
		if err != nil {
			return nil, fmt.Errorf("taking the listener of process %d: %w", pid, err)
		}
		if fd >= 0 {
			l, err := New(fd)
			if err != nil {
				unix.Close(fd)
			}
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(200 * time.Microsecond):
		}
	}
}

// find returns a copy of the listener of a process; -1 if it has none yet.
func find(pid, pidfd int) (int, error) {
	numbers, err := listeners(fmt.Sprintf("/proc/%d/fd", pid))
	if ended(pidfd) { // so that what was read is about another or none
		return -1, errors.New("it has ended")
	}
	if err != nil {
		return -1, err
	}
	for _, number := range numbers {
		fd, err := unix.PidfdGetfd(pidfd, number, 0)
		if err == unix.EBADF { // closed meanwhile
			continue
		}
		if err != nil {
			return -1, fmt.Errorf("copying descriptor %d: %w", number, err)
		}
		if valid(fd, 0) == ErrGone {
			return fd, nil
		}
		unix.Close(fd) // became another descriptor meanwhile
	}
	return -1, nil
}

// ended reports whether the process of a pidfd has ended.
func ended(pidfd int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}

// listeners lists the descriptors in a directory of /proc that are listeners.
func listeners(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var numbers []int
	for _, e := range entries {
		if link, _ := os.Readlink(filepath.Join(dir, e.Name())); link == "anon_inode:seccomp notify" {
			n, err := strconv.Atoi(e.Name())
			if err != nil {
				return nil, err
			}
			numbers = append(numbers, n)
		}
	}
	return numbers, err
}
