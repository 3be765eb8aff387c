// Package process looks into running processes: at their seccomp filters, and by
// the system calls that it has a thread of theirs make.
package process

import "golang.org/x/net/bpf"

// Filter is one filter of a process.
type Filter struct {
	Program []bpf.RawInstruction // as it was installed, in this machine's byte order
	Flags   uint32               // those of SECCOMP_FILTER_FLAG_* that the kernel tells of
}
