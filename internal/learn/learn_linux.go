package learn

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/launch"
	"github.com/secgen-dev/secgen/runtime/install"
	"github.com/secgen-dev/secgen/runtime/notify"
)

// Recorder has a command's calls, and those of the processes that it makes, handed
// to it, counts them and lets them happen.
type Recorder struct {
	Marker string       // the call that divides the phases, such as listen
	Calls  atomic.Int64 // so far, for whoever wants to show it

	profile   gen.Profile
	phase     string
	child     int  // the launcher's, by its process's number
	became    bool // the command
	processes map[int]*process
	threads   map[int]*thread
	calls     map[number]call
}

// number is a call as a notification has it.
type number struct {
	arch uint32
	nr   int32
}

// call is what the recorder has to know of one.
type call struct {
	arch dsl.Arch
	name string
}

type process struct {
	pid     int
	program string // empty: what it executes is not the command yet
	execs   int    // the thread that called execve and has not been seen since
}

// thread is one that makes calls. What it does is kept apart until its name is
// known, which it gets a few calls after its birth.
type thread struct {
	*process
	tid     int
	name    string
	renamed bool // its last call may have changed the name
	calls   int64
	last    time.Time // of its calls
	since   string    // when it began
	own     gen.Profile
}

// everything hands every call to the supervisor.
var everything = []install.Instruction{{Code: unix.BPF_RET | unix.BPF_K, K: 0x7fc00000}} // SECCOMP_RET_USER_NOTIF

// Run starts a command and records until the last process under the filter has
// ended. The state is the command's, nil if it could not be started.
func (r *Recorder) Run(ctx context.Context, c launch.Command) (*gen.Profile, *os.ProcessState, error) {
	r.phase = gen.PhaseStart
	r.processes, r.threads, r.calls = map[int]*process{}, map[int]*thread{}, map[number]call{}
	c.Name, c.Program, c.Flags = "learn", everything, launch.WaitKillable()
	state, err := c.Supervise(ctx, func(request *notify.Request) error {
		r.note(request)
		return request.Continue()
	})
	if err != nil {
		return nil, nil, err
	}
	for _, t := range r.threads {
		r.settle(t)
	}
	return &r.profile, state, nil
}

// note counts a call.
func (r *Recorder) note(request *notify.Request) {
	c := r.identify(request)
	t := r.thread(request)
	// What the launcher's child does on its way is not the command's, but for the last.
	if t == nil || c.arch == "" || t.program == "" && c.name != "execve" {
		return
	}
	r.Calls.Add(1)
	t.calls++
	key := gen.ProfileKey{Program: t.program, Phase: r.phase, Arch: c.arch, Number: uint32(request.Number)}
	t.own.Add(key, request.Args)
	switch c.name {
	case "clone3":
		if flags, ok := clone3Flags(request); ok {
			t.own.AddValue(key, "flags", flags)
		}
	case "prctl":
		t.renamed = uint32(request.Args[0]) == unix.PR_SET_NAME
	case "execve", "execveat":
		t.rename()
		r.settle(t)
		t.execs = t.tid
	case "exit":
		t.rename()
		r.forget(t)
	case "exit_group":
		for _, other := range r.threads {
			if other.process == t.process {
				other.rename()
				r.forget(other)
			}
		}
		delete(r.processes, t.pid)
	}
	if r.Marker != "" && c.name == r.Marker {
		r.phase = gen.PhaseServe
	}
}

func (r *Recorder) identify(request *notify.Request) call {
	n := number{request.Arch, request.Number}
	c, ok := r.calls[n]
	if !ok {
		arch, found, _ := gen.Identify(request.Arch, request.Number)
		c = call{arch, found.Name}
		r.calls[n] = c
	}
	return c
}

// clone3Flags reads what clone would get for flags: those of clone3's and, below
// them, the signal that is sent at the end (struct clone_args of linux/sched.h).
// Memory that does not come (userfaultfd(2), a file system's) is not waited for.
func clone3Flags(request *notify.Request) (uint64, bool) {
	read := make(chan []byte, 1)
	go func() {
		args := make([]byte, 64)
		n, err := request.Memory(args, request.Args[0])
		if err != nil || n < len(args) {
			args = nil
		}
		read <- args
	}()
	select {
	case args := <-read:
		if args == nil {
			return 0, false
		}
		return binary.NativeEndian.Uint64(args) | binary.NativeEndian.Uint64(args[32:]), true
	case <-time.After(100 * time.Millisecond):
		return 0, false
	}
}

// thread is what is known of the caller; nil if it is gone.
func (r *Recorder) thread(request *notify.Request) *thread {
	t := r.threads[request.Thread]
	// The number of one that was killed may have been given to another.
	if t != nil && time.Since(t.last) > 50*time.Millisecond && begun(t.tid) != t.since {
		r.forget(t)
		if t.tid == t.pid {
			delete(r.processes, t.pid)
		}
		t = nil
	}
	if t == nil {
		pid, err := request.Process()
		if err == notify.ErrGone {
			return nil
		}
		if err != nil { // nothing can be found out
			pid = request.Thread
		}
		if r.child == 0 {
			r.child = pid // the first call is the launcher's child's
		}
		p := r.processes[pid]
		if p == nil {
			p = &process{pid: pid, program: r.program(pid)}
			r.processes[pid] = p
		}
		t = &thread{process: p, tid: request.Thread, since: begun(request.Thread)}
		r.threads[t.tid] = t
	}
	t.last = time.Now()
	if t.execs != 0 {
		r.executed(t)
	}
	if t.renamed || t.calls&(t.calls-1) == 0 {
		t.rename()
	}
	return t
}

// executed finds out whether a process is another program since it called execve:
// the thread that did is back if not.
func (r *Recorder) executed(t *thread) {
	now := r.program(t.pid)
	if now == t.program && t.tid != t.execs {
		return // the others run until the kernel ends them
	}
	t.execs = 0
	if now == t.program {
		return
	}
	begins := t.program == ""
	t.program = now
	t.rename()
	for _, other := range r.threads {
		if other.process == t.process && other != t {
			if begins { // the child's thread, which became the command
				other.name = t.name
			}
			r.forget(other)
		}
	}
}

// program is the path of what a process executes; empty if that is not the command
// yet.
func (r *Recorder) program(pid int) string {
	if pid == r.child && !r.became && launch.Becoming(pid) {
		return ""
	}
	r.became = r.became || pid == r.child
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return "?" // not to be looked into, such as one that may be executed and not read
	}
	return path
}

// begun is when a thread began, in the kernel's words (proc_pid_stat(5), starttime).
func begun(tid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tid))
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

// rename finds out the thread's name.
func (t *thread) rename() {
	t.renamed = false
	if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", t.tid)); err == nil {
		t.name = strings.TrimSuffix(string(comm), "\n")
	}
}

// settle puts what a thread did under its name, as soon as it is the command.
func (r *Recorder) settle(t *thread) {
	if t.program == "" {
		return
	}
	r.profile.MergeAs(&t.own, func(k gen.ProfileKey) gen.ProfileKey {
		k.Thread = t.name
		if k.Program == "" {
			k.Program = t.program
		}
		return k
	})
	t.own = gen.Profile{}
}

// forget is for a thread that ends.
func (r *Recorder) forget(t *thread) {
	r.settle(t)
	delete(r.threads, t.tid)
}
