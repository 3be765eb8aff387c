// Package attach installs seccomp filters into other, running processes, on all
// their threads, without their help: one of the threads is made to ask for it.
package attach

import "time"

// Report tells what an installation did.
type Report struct {
	Threads int           // all of which have the filter
	Thread  int           // the number of the one that was made to install it
	Held    time.Duration // how long that one was held; the others ran on
	Mapped  int           // bytes that stay mapped, since the filter does not let the process unmap them
}
