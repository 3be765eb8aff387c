// Package dsl is the language in which seccomp policies are written: plain Go
// values that secgen turns into filters.
//
//	var Serve = dsl.Policy{
//		Arches:  []dsl.Arch{dsl.AMD64, dsl.ARM64},
//		Default: dsl.KillProcess,
//		Rules: []dsl.Rule{
//			dsl.Allow.For(sys.Read, sys.Close, sys.ExitGroup),
//			dsl.Allow.For(sys.Write).When(sys.Write.Fd.In(linux.Stdout, linux.Stderr)),
//			dsl.Errno(linux.ENOSYS).For(sys.Clone3),
//		},
//	}
//
// The rules are tried in order and the first that matches decides; a call that
// none matches gets Default. Building a policy checks nothing: secgen checks,
// and its errors name the line of the rule.
//
// The package builds on every system, so that a policy may be written, and its
// filter generated, anywhere.
package dsl

// Policy says what the kernel does with each system call of a program.
type Policy struct {
	// Arches are the ABIs that the policy is for; at least one.
	Arches []Arch
	// Default answers every call that no rule matches. It must be set.
	Default Action
	// BadArch answers calls made through an ABI that is not in Arches. Not
	// set means KillProcess.
	BadArch Action
	// Newer, if set, answers calls that are newer than the author's review.
	Newer Newer
	// After is the policy that is already installed when this one is.
	After *Policy
	// Flags go to seccomp(2) with the filter.
	Flags Flags
	// Rules are tried in order; the first that matches decides. Where an ABI
	// has socketcall or ipc, which make other calls with arguments that no
	// filter sees, each fails with ENOSYS if a rule there limits one of those
	// calls (by conditions, or by another action than Allow and Log) and none
	// names it, unless the policy denies nothing.
	Rules []Rule
}

// Newer answers calls that came to Linux after Than: those with a greater
// number on that architecture, within the range from which its generic numbers
// are taken, that no rule names. ENOSYS lets a newer libc fall back to what the
// policy knows.
type Newer struct {
	Than   Call
	Action Action
}

// Flags are seccomp(2)'s SECCOMP_FILTER_FLAG_* that a policy may ask for. (TSYNC
// and NEW_LISTENER follow from how the filter is installed.)
type Flags uint32

// The flags, with the values of linux/seccomp.h.
const (
	// LogDenied logs every action but Allow, where the administrator lets it (FLAG_LOG).
	LogDenied Flags = 1 << 1
	// SpecAllow leaves speculative store bypass mitigation off (FLAG_SPEC_ALLOW).
	SpecAllow Flags = 1 << 2
	// WaitKillable makes a notified call, once the supervisor has received it, wait
	// for the answer unless killed: signals do not interrupt it
	// (FLAG_WAIT_KILLABLE_RECV, since Linux 5.19).
	WaitKillable Flags = 1 << 5
)
