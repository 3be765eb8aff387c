package dsl

// Action is what the kernel does with a call that a rule matches (seccomp(2),
// SECCOMP_RET_*). The zero Action means "not set" and is never Allow.
type Action struct {
	Kind  Kind      `json:"kind,omitempty"`
	Errno ErrnoName `json:"errno,omitempty"` // of kind Errno
	Data  uint16    `json:"data,omitempty"`  // of kinds Trap, Trace and ErrnoNumber
}

// Kind is the part of an action that the kernel ranks.
type Kind string

// The kinds, from the most to the least restrictive.
const (
	KindKillProcess Kind = "kill process"
	KindKillThread  Kind = "kill thread"
	KindTrap        Kind = "trap"
	KindErrno       Kind = "errno"
	KindErrnoNumber Kind = "errno number" // an errno too
	KindNotify      Kind = "notify"
	KindTrace       Kind = "trace"
	KindLog         Kind = "log"
	KindAllow       Kind = "allow"
)

// The actions that carry no data.
var (
	// Allow lets the call happen.
	Allow = Action{Kind: KindAllow}
	// Log lets the call happen and has the kernel log it (since Linux 4.14).
	Log = Action{Kind: KindLog}
	// KillProcess ends the process as if by SIGSYS (since Linux 4.14).
	KillProcess = Action{Kind: KindKillProcess}
	// KillThread ends the calling thread alone. A Go program that loses a
	// thread this way hangs; it is here for programs that know better.
	KillThread = Action{Kind: KindKillThread}
	// Notify has the call wait for a supervisor in user space (package
	// runtime/notify), which gets the descriptor that the filter's InstallNotify
	// returns; without one the call fails with ENOSYS. (Since Linux 5.0; on all
	// threads since 5.7.) Give policies for Go programs the flag WaitKillable, for
	// their threads get signals while they wait. What the supervisor lets continue
	// must not depend on what pointers lead to.
	Notify = Action{Kind: KindNotify}
)

// Errno makes the call fail with e and does not execute it.
func Errno(e ErrnoName) Action { return Action{Kind: KindErrno, Errno: e} }

// ErrnoNumber makes the call fail with an errno by number, 0 to 4094, the same
// on every architecture; 0 makes it succeed without being executed. Prefer
// [Errno]: this is for profiles that were written with numbers.
func ErrnoNumber(n uint16) Action { return Action{Kind: KindErrnoNumber, Data: n} }

// Trap sends SIGSYS to the calling thread, with data in si_errno.
func Trap(data uint16) Action { return Action{Kind: KindTrap, Data: data} }

// Trace hands the call to a ptrace tracer, with data as its event message;
// without a tracer the call fails with ENOSYS.
func Trace(data uint16) Action { return Action{Kind: KindTrace, Data: data} }

// For makes the rule that gives action a to the calls named.
func (a Action) For(calls ...Call) Rule {
	r := Rule{Action: a, Made: caller()}
	for _, c := range calls {
		if c == nil {
			r.Calls = append(r.Calls, Target{})
			continue
		}
		r.Calls = append(r.Calls, c.targets()...)
	}
	return r
}
