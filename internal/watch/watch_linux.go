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
	e.Args = shown(r, e.Args)
	if r.Thread > 0 {
		e.PID = threadOf(r.Thread).pid
		e.Thread = comm(r.Thread)
		e.Program, _ = os.Readlink(fmt.Sprintf("/proc/%d/exe", r.Thread))
	}
	if err := r.Valid(); err != nil { // else it may have been about another thread
		return err
	}
	w.Tell(e)
	if e.Happened {
		return r.Continue()
	}
	return act(r, j.Return, killed)
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
func act(r *notify.Request, ret uint32, killed map[int]bool) error {
	data := ret & 0xffff
	switch ret &^ 0xffff {
	case retErrno:
		return r.Value(-int64(min(data, 4095))) // MAX_ERRNO
	case retTrace, retNotif: // without a tracer, or a supervisor
		return r.Errno(unix.ENOSYS)
	case retTrap:
		return sendSIGSYS(r, true, killed)
	}
	return sendSIGSYS(r, false, killed)
}

// sendSIGSYS sends the caller SIGSYS and has it return from the call, which the kernel
// has not executed, to meet the signal. Where it is not certain that this ends a
// process that is to end, SIGKILL does.
func sendSIGSYS(r *notify.Request, handled bool, killed map[int]bool) error {
	if r.Thread <= 0 { // in a PID namespace that is not beneath this one's
		return r.Errno(unix.EPERM)
	}
	t := threadOf(r.Thread)
	if err := r.Valid(); err != nil {
		return err
	}
	certain := t.pid > 0 && !t.has("SigBlk") && !t.has("SigIgn")
	if !handled { // another thread could change what becomes of the signal
		certain = certain && !t.has("SigCgt") && t.fields["Threads"] == "1"
	}
	if certain && unix.Tgkill(t.pid, r.Thread, unix.SIGSYS) == nil {
		// It waits there, unless the kernel has dropped it, as it does where a PID
		// namespace's first process would be ended.
		if now := threadOf(r.Thread); now.has("SigPnd") {
			if handled {
				return r.Value(int64(r.Number)) // the kernel leaves the number in the register (syscall_rollback)
			}
			return r.Errno(unix.ENOSYS)
		}
	}
	killed[t.pid] = true
	return unix.Kill(r.Thread, unix.SIGKILL) // a thread's number will do: its process ends
}

// status is what /proc tells of a thread (proc_pid_status(5)).
type status struct {
	pid    int // of its process; 0 if that could not be found out
	fields map[string]string
}

func threadOf(tid int) status {
	s := status{fields: map[string]string{}}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		s.fields[name] = strings.TrimSpace(value)
	}
	s.pid, _ = strconv.Atoi(s.fields["Tgid"])
	return s
}

// has reports whether SIGSYS is in a set of signals; true if the set is not known,
// but for that of pending ones.
func (s status) has(set string) bool {
	signals, err := strconv.ParseUint(s.fields[set], 16, 64)
	if err != nil {
		return set != "SigPnd"
	}
	return signals>>(unix.SIGSYS-1)&1 == 1
}

func comm(tid int) string {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", tid))
	return strings.TrimSuffix(string(name), "\n")
}
