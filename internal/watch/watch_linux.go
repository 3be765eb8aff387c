package watch

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/launch"
	"github.com/secgen-dev/secgen/runtime/install"
	"github.com/secgen-dev/secgen/runtime/notify"
)

// Event is a call that the filters do not plainly allow.
type Event struct {
	Time time.Time `json:"time"`
	gen.Judgement
	Happened bool   `json:"happened"` // it was executed: it is only logged, or everything is
	PID      int    `json:"pid"`
	TID      int    `json:"tid"`
	Thread   string `json:"thread,omitempty"`  // its name
	Program  string `json:"program,omitempty"` // path of what the process executes
}

// Watcher runs commands under a filter and those beneath it.
type Watcher struct {
	Filter  gen.Filter
	Observe bool // let everything happen
	Tell    func(Event)
}

// Run starts a command and watches until the last process under the filter has
// ended. It returns the command's exit status, as a shell has it.
func (w Watcher) Run(ctx context.Context, c launch.Command) (status int, err error) {
	program, err := gen.Supervised(w.Filter)
	if err != nil {
		return 0, err
	}
	for _, ins := range program {
		c.Program = append(c.Program, install.Instruction{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K})
	}
	c.Name = w.Filter.Policy
	c.Flags = launch.WaitKillable() | uintptr(w.Filter.Flags)&unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	killed := map[int]bool{} // processes
	state, err := c.Supervise(ctx, func(r *notify.Request) error { return w.answer(r, killed) })
	if err != nil {
		return 0, err
	}
	if killed[state.Pid()] { // which the kernel would have done by this signal
		return 128 + int(unix.SIGSYS), nil
	}
	return launch.Status(state), nil
}

// answer tells of a call and does to it what the filters say. It notes processes that
// SIGKILL ends.
func (w Watcher) answer(r *notify.Request, killed map[int]bool) error {
	j := w.Filter.Judge(gen.Made{Arch: r.Arch, Number: r.Number, Instruction: r.Instruction, Args: r.Args})
	if j.Plain() { // an execve that is as good as any other call
		return r.Continue()
	}
	e := Event{Time: time.Now(), Judgement: j, Happened: w.Observe || j.Happens(), TID: r.Thread}
	show(r, e.Args)
	pid, err := r.Process()
	if err == notify.ErrGone {
		return err
	}
	e.PID = pid
	e.Thread = comm(r.Thread)
	e.Program, _ = os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	w.Tell(e)
	if e.Happened {
		return r.Continue()
	}
	return act(r, pid, j.Return, killed)
}

// Actions of linux/seccomp.h.
const (
	retTrap  = 0x00030000
	retErrno = 0x00050000
	retTrace = 0x7ff00000
	retNotif = 0x7fc00000
)

// act does to a call what the kernel would have done (kernel/seccomp.c,
// __seccomp_filter).
func act(r *notify.Request, pid int, ret uint32, killed map[int]bool) error {
	data := ret & 0xffff
	switch ret &^ 0xffff {
	case retErrno:
		return r.Value(-int64(min(data, 4095))) // MAX_ERRNO
	case retTrace, retNotif: // without a tracer, or a supervisor
		return r.Errno(unix.ENOSYS)
	case retTrap:
		return sendSIGSYS(r, pid, true, killed)
	}
	return sendSIGSYS(r, pid, false, killed)
}

// sendSIGSYS sends the caller SIGSYS and has it return from the call, which the kernel
// has not executed, to meet the signal. Where that would not end a process that is to
// end, SIGKILL does.
func sendSIGSYS(r *notify.Request, pid int, handled bool, killed map[int]bool) error {
	blocked, ignored, caught := dispositions(r.Thread)
	if blocked || ignored || caught && !handled || unix.Tgkill(pid, r.Thread, unix.SIGSYS) != nil {
		killed[pid] = true
		return unix.Kill(pid, unix.SIGKILL)
	}
	// The kernel leaves the number in the register (syscall_rollback).
	return r.Value(int64(r.Number))
}

// dispositions tells what becomes of SIGSYS at a thread (proc_pid_status(5)).
func dispositions(tid int) (blocked, ignored, caught bool) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	in := func(set string) bool {
		_, rest, _ := strings.Cut(string(text), "\n"+set+":\t")
		line, _, _ := strings.Cut(rest, "\n")
		signals, err := strconv.ParseUint(line, 16, 64)
		return err != nil || signals>>(unix.SIGSYS-1)&1 == 1
	}
	return in("SigBlk"), in("SigIgn"), in("SigCgt")
}

func comm(tid int) string {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", tid))
	return strings.TrimSuffix(string(name), "\n")
}
