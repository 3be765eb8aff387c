package main

import (
	"errors"
	"slices"
)

type runCmd struct {
	weighedFlags

	Observe bool   `help:"Deny nothing: say what would have been denied."`
	Log     string `placeholder:"FILE" help:"Write the calls as JSON, a line each, to this file instead of as text to standard error; - is standard error."`

	Words []string `arg:"" name:"filter… -- command" passthrough:"partial" help:"The filters, then -- and the command with its arguments."`
}

// Help is what kong shows below the flags.
func (runCmd) Help() string {
	return `Runs a command under one or more filters (the newest first, as with commas). Each call that they do not plainly allow is named, with its arguments,
the thread, and the rule that decides, and gets what the filters say: an errno, SIGSYS, or the end of the process.

    secgen run ./policy:Serve -- ./server -listen 127.0.0.1:8080
    secgen run -observe -log denied.json ./policy -- ./server

A supervisor does the denying, so that it can tell about it. That differs from the kernel's in little: a handler of SIGSYS is not told the call
(trap), a thread alone cannot be killed (kill thread ends the process), a process that handles or blocks SIGSYS is ended by SIGKILL, and a call with
Notify or Trace fails with ENOSYS. Paths and addresses are shown
as they are in memory at that moment, which the program can change; nothing is decided by them. Where secgen itself is killed, calls that are not
allowed fail with ENOSYS. It takes Linux 5.6, and sets no_new_privs.

The filters are on the command's thread before its execve, so they must allow what the command does to begin, execve first. Filters that it installs
itself are as they are, with -observe too: try a program that sandboxes itself without that, or with dsl.Observe. Signals are passed on.

Exit codes: the command's, 128 and the number of the signal that ended it, 127 or 126 if it could not be found or executed; 125 if secgen failed, 2 for
options that there are not.

` + filterHelp
}

func (c *runCmd) Run(s *session) error {
	i := slices.Index(c.Words, "--")
	switch {
	case i < 0:
		return exit{failed, errors.New("there is no command: write secgen run FILTER… -- COMMAND")}
	case i == 0:
		return exit{failed, errors.New("there is no filter: write secgen run FILTER… -- COMMAND")}
	case len(s.rest) == 0:
		return exit{failed, errors.New("there is no command after --")}
	}
	return c.run(s, c.Words[:i], s.rest)
}
