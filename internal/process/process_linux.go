package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// patience is how long a thread may take to stop. One that sleeps
// uninterruptibly does not.
const patience = 10 * time.Second

// Filters returns the filters of a process's main thread, or of the thread with
// that number, the newest first. A remark says if its threads have different ones.
// It needs CAP_SYS_ADMIN in the initial user namespace. The thread is stopped for a
// moment, as strace does it, and goes on, or stays stopped, as it was; a call that
// it sleeps in may end with EINTR (ptrace(2)).
func Filters(ctx context.Context, pid int) (newest []Filter, remark string, err error) {
	if err := check(pid); err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience,
		errors.New("it does not stop: it sleeps where no signal wakes it (state D in /proc); try again later"))
	defer cancel()
	onThread(func() { newest, err = trace(ctx, pid) })
	if err != nil {
		return nil, "", err
	}
	if remark = Differences(pid); remark != "" {
		remark = fmt.Sprintf("%s: these are those of thread %d", remark, pid)
	}
	return newest, remark, nil
}

// onThread runs f on an OS thread that ends afterwards: a thread is traced by a
// thread, and is let go at its end even if it did not stop.
func onThread(f func()) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // a thread ends with the goroutine that is locked to it,
		if unix.Gettid() == unix.Getpid() {
			onThread(f) // but for the main one: while it is held here, f gets another
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}

// check finds out before the process is touched whether it has filters and may
// be asked.
func check(pid int) error {
	s, err := readStatus(strconv.Itoa(pid))
	if err != nil {
		return unknown(err)
	}
	if err := traceable(s); err != nil {
		return err
	}
	switch {
	case s["Seccomp"] == "":
		return errors.New("this kernel has no CONFIG_SECCOMP, so no process has a filter")
	case s["Seccomp"] == "1":
		return errors.New("it is in seccomp's strict mode, without a filter: it may call read, write, _exit and sigreturn")
	case s["Seccomp"] != "2":
		if others := Differences(pid); others != "" {
			return fmt.Errorf("it has no filter; but %s: name one that has some", others)
		}
		return errors.New("it has no filter")
	}
	return told()
}

// told finds out whether the kernel tells secgen filters of others
// (kernel/seccomp.c, get_nth_filter's callers: capable(CAP_SYS_ADMIN), and no seccomp
// mode).
func told() error {
	own, err := readStatus("thread-self")
	switch {
	case err != nil:
		return err
	case own["Seccomp"] != "0":
		return errors.New("secgen runs under a filter itself, and the kernel tells filters only to processes that have none: run it outside of the container or service that installed it")
	case !own.capable(unix.CAP_SYS_ADMIN):
		return errors.New("the kernel tells filters only to who has CAP_SYS_ADMIN: run secgen as root")
	}
	return nil
}

var errEnded = errors.New("it ended meanwhile")

// unknown explains why there is no status of a process.
func unknown(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return errors.New("there is no such process, or /proc does not show it")
	}
	return err
}

// traceable finds out whether a process can be traced, as far as its status tells.
func traceable(s status) error {
	switch {
	case s["Tgid"] == strconv.Itoa(os.Getpid()):
		return errors.New("that is secgen itself, and no process can trace itself")
	case s["TracerPid"] != "0":
		return tracedBy(s)
	}
	return nil
}

// tracedBy names the process whose thread TracerPid is.
func tracedBy(s status) error {
	by := "a process of another namespace"
	if tracer, err := readStatus(s["TracerPid"]); err == nil {
		by = fmt.Sprintf("process %s (%s)", tracer["Tgid"], tracer["Name"])
	}
	return fmt.Errorf("%s traces it already, and only one can: end that first", by)
}

// trace stops the thread, takes its filters, and lets it go on.
func trace(ctx context.Context, pid int) (newest []Filter, err error) {
	if err := seize(pid, 0); err != nil {
		return nil, err
	}
	signal, err := stop(ctx, pid)
	if err != nil {
		return nil, err
	}
	defer func() {
		if gone := detach(pid, signal); err == nil && gone != nil {
			err = fmt.Errorf("%w: %w", errEnded, gone)
		}
	}()
	return filters(pid)
}

// filters takes the filters of the stopped thread.
func filters(pid int) (newest []Filter, err error) {
	// The kernel counts from the oldest, whatever ptrace(2) says
	// (kernel/seccomp.c, get_nth_filter).
	var oldest []Filter
	for {
		f, err := filter(pid, len(oldest))
		if errors.Is(err, unix.ENOENT) {
			slices.Reverse(oldest)
			return oldest, nil
		}
		if err != nil {
			return nil, fmt.Errorf("filter %d, counted from the oldest: %w", len(oldest)+1, err)
		}
		oldest = append(oldest, f)
	}
}

// seize makes the calling thread the tracer of another, with PTRACE_O_* options.
func seize(pid int, options uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, options, 0, 0)
	if errno != 0 {
		return refused(pid, errno)
	}
	return nil
}

// refused explains why PTRACE_SEIZE failed.
func refused(pid int, err error) error {
	s, statusErr := readStatus(strconv.Itoa(pid))
	switch {
	case statusErr != nil || errors.Is(err, unix.ESRCH):
		return fmt.Errorf("%w: %w", errEnded, err)
	case s["TracerPid"] != "0":
		return tracedBy(s)
	}
	return fmt.Errorf("it may not be traced: run secgen as root of the machine, with CAP_SYS_PTRACE, and see kernel.yama.ptrace_scope and other security modules: %w", err)
}

// stop stops the seized thread. The signal is the one that it was about to get, if
// it stopped for that: whoever lets it go on must hand it over.
func stop(ctx context.Context, pid int) (signal unix.Signal, err error) {
	if err := unix.PtraceInterrupt(pid); err != nil {
		return 0, fmt.Errorf("%w: %w", errEnded, err)
	}
	status, err := wait(ctx, pid)
	if err != nil || status>>16 == unix.PTRACE_EVENT_STOP { // by PTRACE_INTERRUPT, or it was stopped
		return 0, err
	}
	return status.StopSignal(), nil
}

// wait waits until the traced thread stops.
func wait(ctx context.Context, pid int) (unix.WaitStatus, error) {
	type result struct {
		status unix.WaitStatus
		err    error
	}
	stopped := make(chan result, 1)
	go func() { // ends at the latest with the tracing
		var r result
		for r.err = unix.EINTR; r.err == unix.EINTR; {
			_, r.err = unix.Wait4(pid, &r.status, unix.WALL, nil)
		}
		stopped <- r
	}()
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case r := <-stopped:
		switch {
		case r.err != nil:
			return 0, fmt.Errorf("%w: %w", errEnded, r.err)
		case !r.status.Stopped():
			return 0, errEnded
		}
		return r.status, nil
	}
}

func detach(pid int, signal unix.Signal) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(pid), 0, uintptr(signal), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// filter takes one filter of the stopped thread; ENOENT: there are no more.
func filter(pid, index int) (Filter, error) {
	n, err := ptrace(unix.PTRACE_SECCOMP_GET_FILTER, pid, uintptr(index), nil)
	if err != nil {
		return Filter{}, untold(err)
	}
	program := make([]unix.SockFilter, n)
	if _, err := ptrace(unix.PTRACE_SECCOMP_GET_FILTER, pid, uintptr(index), unsafe.Pointer(&program[0])); err != nil {
		return Filter{}, untold(err)
	}
	// struct seccomp_metadata of linux/ptrace.h.
	metadata := struct{ index, flags uint64 }{index: uint64(index)}
	if _, err := ptrace(unix.PTRACE_SECCOMP_GET_METADATA, pid, unsafe.Sizeof(metadata), unsafe.Pointer(&metadata)); err != nil {
		return Filter{}, untold(err)
	}
	f := Filter{Flags: uint32(metadata.flags)}
	for _, ins := range program {
		f.Program = append(f.Program, bpf.RawInstruction{Op: ins.Code, Jt: ins.Jt, Jf: ins.Jf, K: ins.K})
	}
	return f, nil
}

// untold explains why the kernel does not tell a filter.
func untold(err error) error {
	switch {
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("the kernel tells filters only to who has CAP_SYS_ADMIN in the initial user namespace: run secgen as root, outside of containers: %w", err)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EIO):
		return fmt.Errorf("this kernel does not tell filters: that needs CONFIG_CHECKPOINT_RESTORE and Linux 4.16: %w", err)
	case errors.Is(err, unix.EMEDIUMTYPE):
		return fmt.Errorf("it was installed as eBPF and not as a classic program: %w", err)
	}
	return err
}

func ptrace(request, pid int, addr uintptr, data unsafe.Pointer) (int, error) {
	r, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), addr, uintptr(data), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
