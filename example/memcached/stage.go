//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/example/memcached/filter"
	"github.com/secgen-dev/secgen/runtime/attach"
	"github.com/secgen-dev/secgen/runtime/notify"
)

// stage runs memcached as a child, takes it from one stage to the next, and returns
// its exit status. The child is this command, with -start-only.
func (o options) stage() (status int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2)
	o.startOnly = true
	argv := slices.Concat([]string{self}, o.own(), []string{"--"}, o.memcached)
	child, err := os.StartProcess(self, argv, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return 1, err
	}
	go func() {
		for s := range signals {
			child.Signal(s)
		}
	}()
	s := &server{pid: child.Pid, launcher: self}
	if s.pidfd, err = unix.PidfdOpen(s.pid, 0); err == nil {
		err = s.next(o)
	}
	if err != nil && !s.ended(0) { // if it has ended it has said why
		child.Kill()
		child.Wait()
		return 1, err
	}
	// Only now: until then what wait(2) tells may be attach's.
	state, err := child.Wait()
	if err != nil {
		return 1, err
	}
	w := state.Sys().(syscall.WaitStatus)
	if !w.Signaled() {
		return w.ExitStatus(), nil
	}
	if w.Signal() == syscall.SIGSYS {
		err = errors.New("memcached was killed for a call that its filter denies; the kernel's log has it: dmesg | grep type=1326")
	}
	return 128 + int(w.Signal()), err
}

// server is memcached, or still the launcher on its way there.
type server struct {
	pid      int
	pidfd    int
	launcher string // path of its executable
}

// ended waits that long for the server's end.
func (s *server) ended(wait time.Duration) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.pidfd), Events: unix.POLLIN}}, int(wait.Milliseconds()))
	return err == nil && n > 0
}

// next takes the server into its second stage.
func (s *server) next(o options) error {
	switch {
	case o.flip:
		return s.flip()
	case o.files:
		program, flags := filter.ServeFiles.Raw()
		return s.attach("ServeFiles", program, flags)
	}
	program, flags := filter.Serve.Raw()
	return s.attach("Serve", program, flags)
}

// attach puts the second stage's filter on all threads.
func (s *server) attach(name string, program []bpf.RawInstruction, flags uint32) error {
	if err := s.ready(); err != nil {
		return err
	}
	report, err := attach.Install(context.Background(), s.pid, name, program, flags)
	if err != nil {
		return fmt.Errorf("%w; memcached is killed (-flip and -start-only need no privilege)", err)
	}
	fmt.Fprintf(os.Stderr, "%s is on all %d threads of process %d, held %.1f ms\n",
		name, report.Threads, s.pid, report.Held.Seconds()*1000)
	return nil
}

// flip answers the server's calls in the background, and from the second stage on
// refuses them.
func (s *server) flip() error {
	l, err := notify.Take(context.Background(), s.pid)
	if err != nil {
		return err
	}
	var serving atomic.Bool
	go supervise(l, &serving)
	if err := s.ready(); err != nil {
		return err
	}
	serving.Store(true)
	fmt.Fprintf(os.Stderr, "process %d serves: what it did only until now is refused\n", s.pid)
	return nil
}

// ready waits until the server's main thread sleeps in its event loop: memcached
// enters that when all sockets are bound and all threads run, and waits for no
// events before.
func (s *server) ready() error {
	for !s.ended(time.Millisecond) {
		now, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", s.pid))
		if err == nil && now == s.launcher {
			continue // the Go runtime has an event loop too
		}
		call, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", s.pid))
		if errors.Is(err, os.ErrPermission) {
			return fmt.Errorf("looking for memcached's event loop: %w; that takes CAP_SYS_PTRACE if memcached changes its user", err)
		}
		if number, _, _ := strings.Cut(string(call), " "); err == nil && slices.Contains(waiting, number) {
			return nil
		}
	}
	return errors.New("memcached has ended")
}

// waiting are epoll_pwait and amd64's epoll_wait, whose number is on arm64 mincore,
// which does not sleep.
var waiting = []string{strconv.Itoa(unix.SYS_EPOLL_PWAIT), "232"}
