//go:build linux

package probe

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Verdict is what became of an attempt: [Killed], [Allowed], or the [Errno] with
// which it failed. Verdicts compare with ==.
type Verdict struct {
	what  string
	errno syscall.Errno
}

var (
	Killed  = Verdict{what: "killed by SIGSYS"}
	Allowed = Verdict{what: "allowed"}
)

// Errno is the verdict on a call that failed with e, be it the filter's doing or
// the kernel's.
func Errno(e syscall.Errno) Verdict { return Verdict{what: "errno", errno: e} }

func (v Verdict) String() string {
	if v.errno != 0 {
		return unix.ErrnoName(v.errno)
	}
	return v.what
}
