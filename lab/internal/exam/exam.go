// Package exam is what the lab's host asks its guests, and what they answer.
package exam

// Policy asks for the answers to calls under one policy's filter. A guest gets it
// as gob.
type Policy struct {
	Name    string        // the directory of its package, a dot, and the variable
	ABI     string        // whose numbers the calls have: a GOARCH, or x32
	Program []Instruction // what is installed in place of the generated file's array; nil for an ABI that the file names
	Calls   []Call
	Real    []Call // which are made in earnest, without a catcher
	Dies    *Call  // which ends its thread and no other; nil if none does
}

// Instruction is struct sock_filter of linux/filter.h.
type Instruction struct {
	Code   uint16
	Jt, Jf uint8
	K      uint32
}

// Call is a system call with the answer that the policy gives.
type Call struct {
	Nr   uint32
	Args [6]uint64
	Want uint32 // a SECCOMP_RET_* value
}

// Line begins every line of a guest that is a Report in JSON.
const Line = "secgen-lab: "

// Report is one thing that a guest found.
type Report struct {
	ABI     string           // as in Policy
	Kernel  string           // its release
	Big     bool             // byte order
	Word    int              // bits
	Facts   map[string]int64 // what this kernel's own calls say of its constants
	Policy  string
	Checked int
	Wrong   []Wrong // at most 10
	Failed  int
	Cache   map[string]Kept // what ParseCache returns; nil if the kernel does not say
	Tests   string          // the package whose tests were run
	Passed  int
	Skipped []string // as go test -v says it, with the reason
	Error   string
	Done    bool // the guest is at its end
}

// Wrong is a call that was answered otherwise than the policy says.
type Wrong struct {
	Call
	Got uint32
}

// What cannot be told apart behind a catcher, an older filter that answers every
// call with an errno, is one answer: how the process dies, and whether and how a
// call passes.
const (
	Dead   = 0x80000000 // SECCOMP_RET_KILL_PROCESS
	Passes = 0x7fff0000 // SECCOMP_RET_ALLOW
	Errno  = 0x00050000 // SECCOMP_RET_ERRNO, with the errno
	Trap   = 0x00030000 // SECCOMP_RET_TRAP, with its data
)

// Seen is the answer that a guest sees of a SECCOMP_RET_* value.
func Seen(ret uint32) uint32 {
	switch action := ret & 0xffff0000; action {
	case Errno:
		return Errno | min(ret&0xffff, 4095) // MAX_ERRNO of linux/err.h
	case Trap:
		return ret
	case Dead, 0: // and SECCOMP_RET_KILL_THREAD
		return Dead
	}
	return Passes
}
