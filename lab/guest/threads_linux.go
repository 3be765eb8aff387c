package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/lab/internal/exam"
)

// onEveryThread installs the filter in a process of two threads, and sees that the
// other one, which waits all the time, is under it too.
func onEveryThread(_ exam.Policy, f filter, r *exam.Report) error {
	s, err := share()
	if err != nil {
		return err
	}
	defer unix.MunmapPtr(unsafe.Pointer(s), unsafe.Sizeof(*s))
	for atomic.LoadUint32(&s.ready) == 0 {
		pid, err := fork()
		if err != nil {
			return err
		}
		if pid == 0 {
			s.second(f)
		}
		for begin := time.Now(); atomic.LoadUint32(&s.ready) == 0 && time.Since(begin) < patience; {
			time.Sleep(time.Millisecond)
		}
		if s.ready == 1 && s.text() == "" {
			err = errors.Join(underFilter(pid, r), readCache(pid, r))
		}
		syscall.Kill(pid, syscall.SIGKILL)
		syscall.Wait4(pid, nil, 0, nil)
		if s.text() != "" {
			err = errors.New(s.text())
		}
		if err != nil {
			return fmt.Errorf("on every thread: %w", err)
		}
	}
	return nil
}

// underFilter sees that both threads of a process are under one filter.
func underFilter(pid int, r *exam.Report) error {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(tasks) != 2 {
		return fmt.Errorf("threads %q: %v", tasks, err)
	}
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		if err != nil {
			return err
		}
		if !filterMode.Match(status) {
			return fmt.Errorf("%s says %q", task, seccompLines.FindAll(status, -1))
		}
		r.Checked++
	}
	return nil
}

// readCache reports what the kernel's cache has of the filters of a process, if this
// kernel says so.
func readCache(pid int, r *exam.Report) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/seccomp_cache", pid))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		r.Cache, err = exam.ParseCache(string(text))
	}
	return err
}

var (
	seccompLines = regexp.MustCompile(`(?m)^Seccomp.*$`)
	filterMode   = regexp.MustCompile(`(?m)^Seccomp:\s+2$`)
)

// second begins a thread that has the first one's stack, as vfork(2) does; the
// first waits for its end, which does not come. Then it installs the filter.
func (s *shared) second(f filter) {
	const thread = syscall.CLONE_VM | syscall.CLONE_FS | syscall.CLONE_FILES | syscall.CLONE_SIGHAND | syscall.CLONE_THREAD | syscall.CLONE_SYSVSEM
	_, err := clone(thread | syscall.CLONE_VFORK)
	if err == nil {
		err = f.Install()
	}
	if err != nil {
		copy(s.trouble[:len(s.trouble)-1], err.Error())
	}
	for {
		atomic.StoreUint32(&s.ready, 1)
	}
}

// thread makes a call that ends its thread, and sees that the process lives.
func thread(p exam.Policy, f filter, r *exam.Report) error {
	if p.Dies == nil {
		return nil
	}
	tid := make(chan int, 1)
	back := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		err := f.InstallThread()
		if err == nil {
			c := p.Dies
			syscall.Syscall6(uintptr(c.Nr), uintptr(c.Args[0]), uintptr(c.Args[1]), uintptr(c.Args[2]), uintptr(c.Args[3]), uintptr(c.Args[4]), uintptr(c.Args[5]))
			err = errors.New("the call came back")
		}
		back <- err
	}()
	task := fmt.Sprintf("/proc/self/task/%d", <-tid)
	for {
		if _, err := os.Stat(task); err != nil {
			r.Checked++
			return nil
		}
		select {
		case err := <-back:
			return fmt.Errorf("a thread that is to die: %w", err)
		case <-time.After(time.Millisecond):
		}
	}
}
