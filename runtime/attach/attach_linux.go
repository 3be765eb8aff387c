//go:build amd64 || arm64

package attach

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/internal/process"
	"github.com/secgen-dev/secgen/runtime/install"
)

// Install installs program on every thread of the process pid, or on none. The
// program is one for this machine, the flags are seccomp(2)'s, without NEW_LISTENER;
// name is for errors. After an error the process is as it was, unless the error says
// otherwise: no_new_privs cannot be taken back.
//
// A thread is held by ptrace(2) where it enters a system call, makes those of an
// installer, and goes on (internal/process, Borrow). It takes what tracing takes: the
// same user, as far as kernel.yama.ptrace_scope lets him, or CAP_SYS_PTRACE; and
// CAP_SYS_ADMIN if the process has filters, which are asked whether they let it make
// these calls. While os/exec waits for the process, as its parent, Install must be
// another process's: Wait would take what ptrace tells.
func Install(ctx context.Context, pid int, name string, program []bpf.RawInstruction, flags uint32) (Report, error) {
	i := installation{program: program, flags: uintptr(flags) | unix.SECCOMP_FILTER_FLAG_TSYNC}
	err := i.check(pid)
	if err == nil {
		i.report.Held, err = process.Borrow(ctx, pid, i.past, i.run)
	}
	if !i.done {
		return Report{}, fmt.Errorf("seccomp filter %s: nothing installed in process %d: %w", name, pid, err)
	}
	if err == nil {
		i.report.Threads, err = covered(pid)
	}
	if err != nil {
		err = fmt.Errorf("seccomp filter %s: installed in process %d, but %w", name, pid, err)
	}
	return i.report, err
}

// covered counts the process's threads, all of which must have a filter now.
func covered(pid int) (int, error) {
	n := 0
	for _, t := range process.Threads(pid) {
		if t.Ended() {
			continue
		}
		if t.Seccomp != "2" {
			return 0, fmt.Errorf("thread %d has none, though the kernel said that all have: please report this", t.TID)
		}
		n++
	}
	if n == 0 {
		return 0, errors.New("it ended at once")
	}
	return n, nil
}

// installation is one filter on its way into a process.
type installation struct {
	*process.Borrowed
	program []bpf.RawInstruction
	flags   uintptr
	verdict verdict   // the program's
	older   []verdict // those of the filters that the thread runs under
	done    bool
	report  Report
}

// check finds what will not do before the process is touched.
func (i *installation) check(pid int) (err error) {
	if i.flags&unix.SECCOMP_FILTER_FLAG_NEW_LISTENER != 0 {
		return errors.New("a listener's descriptor would be the process's own, and nobody would answer: use no NEW_LISTENER")
	}
	var p []install.Instruction
	for _, ins := range i.program {
		p = append(p, install.Instruction{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K})
	}
	if err := install.Check(p, i.flags); err != nil {
		return err
	}
	if i.verdict, err = newVerdict(i.program); err != nil {
		return err
	}
	for _, t := range process.Threads(pid) {
		if t.Seccomp == "1" {
			return fmt.Errorf("thread %d is in seccomp's strict mode, and takes no filter", t.TID)
		}
	}
	if remark := process.Differences(pid); remark != "" {
		return fmt.Errorf("%s: the kernel puts a filter on all only if they have the same", remark)
	}
	return nil
}

// past reports whether a thread should not be held at its call: at restart_syscall(2)
// if the filter denies it. The thread calls that because it was interrupted, and the
// others do not.
func (i *installation) past(own []byte) bool {
	return binary.BigEndian.Uint32(own) == unix.SYS_RESTART_SYSCALL && !i.verdict.lets(own)
}

// run installs the filter by calls of the held thread. The program needs memory of
// the process's that nobody uses, and below a stack pointer there may be another
// goroutine's stack; so a page is mapped.
func (i *installation) run(b *process.Borrowed) (err error) {
	i.Borrowed = b
	if b.Seccomp == "2" {
		if err := i.ask(); err != nil {
			return err
		}
	}
	size := uintptr(programAt + instructionSize*len(i.program))
	calls := []call{mapping(size), i.setFilter(0), unmapping(0, size)}
	if !i.NoNewPrivs {
		calls = append(calls, noNewPrivs)
	}
	for _, c := range calls {
		if err := i.allowed(c); err != nil {
			return err
		}
	}
	at, err := i.make(mapping(size))
	if err != nil {
		return err
	}
	err = i.set(at)
	if _, left := i.make(unmapping(at, size)); left != nil {
		i.report.Mapped = (int(size) + os.Getpagesize() - 1) / os.Getpagesize() * os.Getpagesize()
	}
	return err
}

// ask takes the filters that the thread runs under.
func (i *installation) ask() error {
	filters, err := i.Filters()
	if err != nil {
		return fmt.Errorf("it has filters, and they must be asked what they let it do: %w", err)
	}
	for _, f := range filters {
		v, err := newVerdict(f.Program)
		if err != nil {
			return fmt.Errorf("one of its filters: %w", err)
		}
		i.older = append(i.older, v)
	}
	return nil
}

// set installs the program, from memory at an address.
func (i *installation) set(at uintptr) error {
	if err := i.Write(at, i.text(at)); err != nil {
		return fmt.Errorf("writing into its memory: %w", err)
	}
	stays := ""
	if !i.NoNewPrivs {
		if _, err := i.make(noNewPrivs); err != nil {
			return err
		}
		stays = fmt.Sprintf("; no_new_privs stays set on thread %d", i.TID)
	}
	other, err := i.make(i.setFilter(at))
	switch {
	case err == nil && other == 0:
		i.done, i.report.Thread = true, i.TID
		i.older = append(i.older, i.verdict)
		return nil
	case err == nil:
		return fmt.Errorf("thread %d, by the process's own count, has a filter that others have not: the kernel puts one on all only if they have the same%s", other, stays)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("the kernel refuses the program%s: %w", stays, err)
	case errors.Is(err, unix.ENOMEM):
		return fmt.Errorf("memory is short, or the process's filters together exceed 32768 of the kernel's instructions%s: %w", stays, err)
	}
	return fmt.Errorf("%w%s", err, stays)
}

// make has the thread make a call, if it may.
func (i *installation) make(c call) (uintptr, error) {
	if err := i.allowed(c); err != nil {
		return 0, err
	}
	r, err := i.Call(c.number, c.args...)
	if err != nil {
		return 0, fmt.Errorf("its %s: %w", c.name, err)
	}
	return r, nil
}

func (i *installation) allowed(c call) error {
	for _, v := range i.older {
		if !v.lets(i.Data(c.number, c.args...)) {
			return fmt.Errorf("a filter of the process does not allow it %s", c.name)
		}
	}
	return nil
}

// call is a system call.
type call struct {
	name   string
	number uintptr
	args   []uintptr
}

var noNewPrivs = call{"prctl(PR_SET_NO_NEW_PRIVS)", unix.SYS_PRCTL, []uintptr{unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0}}

func mapping(size uintptr) call {
	return call{"mmap", unix.SYS_MMAP, []uintptr{0, size, unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS, ^uintptr(0), 0}}
}

func unmapping(at, size uintptr) call {
	return call{"munmap", unix.SYS_MUNMAP, []uintptr{at, size}}
}

func (i *installation) setFilter(at uintptr) call {
	return call{"seccomp(SECCOMP_SET_MODE_FILTER)", unix.SYS_SECCOMP, []uintptr{unix.SECCOMP_SET_MODE_FILTER, i.flags, at}}
}

// programAt is the size of struct sock_fprog of linux/filter.h, and instructionSize
// that of struct sock_filter.
const programAt, instructionSize = 16, 8

// text is a sock_fprog, to stand at an address, with its sock_filters behind it.
func (i *installation) text(at uintptr) []byte {
	text := binary.LittleEndian.AppendUint64(nil, uint64(len(i.program)))
	text = binary.LittleEndian.AppendUint64(text, uint64(at)+programAt)
	for _, ins := range i.program {
		text = binary.LittleEndian.AppendUint16(text, ins.Op)
		text = append(text, ins.Jt, ins.Jf)
		text = binary.LittleEndian.AppendUint32(text, ins.K)
	}
	return text
}
