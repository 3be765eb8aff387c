package main

import (
	"fmt"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/runtime/attach"
)

type attachCmd struct {
	weighedFlags

	Filter string `arg:"" help:"The filter. Of several architectures', the one for this machine is taken."`
	PID    int    `arg:"" name:"pid" help:"The process."`
}

// Help is what kong shows below the flags.
func (attachCmd) Help() string {
	return `Installs the filter, and no_new_privs, in a process that runs, on all its threads or on none, without its help and for good: a filter cannot be
taken off. One thread is held for a moment where it enters a system call, and asks the kernel for the filter; the others run on. A call that it slept
in is restarted, or ends with EINTR, as under strace. If the process cannot have the filter, it is told why and the process left as it was.

It takes CAP_SYS_PTRACE, or the process's user if kernel.yama.ptrace_scope lets him. If the process has filters already, it takes CAP_SYS_ADMIN: they are
asked first whether they let it make the calls of an installer (mmap, munmap, prctl, seccomp), since they might kill it for one.

` + filterHelp
}

func (c *attachCmd) Run(s *session) error {
	filters, err := c.filters(s, c.Filter)
	if err != nil {
		return err
	}
	filters = gen.OnThisMachine(filters)
	if len(filters) == 0 {
		return fmt.Errorf("%s has no filter for this machine", c.Filter)
	}
	f := filters[0]
	if n := len(f.Older); n > 0 {
		return fmt.Errorf("%s is %d filters together: attach installs one; begin with the oldest", c.Filter, n+1)
	}
	report, err := attach.Install(s.ctx, c.PID, f.Policy, f.Program, uint32(f.Flags))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "%s is on all %d threads of process %d. Thread %d was held for %.1f ms to install it.\n",
		f.Policy, report.Threads, c.PID, report.Thread, report.Held.Seconds()*1000)
	if report.Mapped > 0 {
		fmt.Fprintf(s.stdout, "%d bytes of its memory stay mapped that held the program: the filter does not let it unmap them.\n", report.Mapped)
	}
	return nil
}
