package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/launch"
	"github.com/secgen-dev/secgen/internal/watch"
)

// run runs a command under filters. All that is needed of them is there before the
// command starts.
func (c *runCmd) run(s *session, filters, command []string) error {
	all, err := c.filters(s, strings.Join(filters, ","))
	if err != nil {
		return exit{failed, err}
	}
	if all = gen.OnThisMachine(all); len(all) == 0 {
		return exit{failed, fmt.Errorf("%s has no filter for this machine", strings.Join(filters, " "))}
	}
	cmd, err := launch.Find(command)
	if err != nil {
		return unstarted(err)
	}
	w := watch.Watcher{Filter: all[0], Observe: c.Observe, Tell: func(e watch.Event) { fmt.Fprintln(s.stderr, "secgen: "+sentence(e)) }}
	var log *os.File
	var failedLog error
	if c.Log != "" {
		out := s.stderr
		if c.Log != "-" {
			if log, err = os.Create(c.Log); err != nil {
				return exit{failed, err}
			}
			defer log.Close()
			out = log
		}
		lines := json.NewEncoder(out)
		lines.SetEscapeHTML(false)
		w.Tell = func(e watch.Event) {
			if err := lines.Encode(e); err != nil && failedLog == nil {
				failedLog = err
			}
		}
	}
	killed := false
	tell := w.Tell
	w.Tell = func(e watch.Event) {
		killed = killed || !e.Happened && (strings.HasPrefix(e.Action, "kill") || strings.HasPrefix(e.Action, "trap"))
		tell(e)
	}
	status, err := w.Run(s.ctx, cmd)
	switch {
	case err != nil:
		return unstarted(err)
	case failedLog != nil:
		return exit{failed, fmt.Errorf("the log is not complete: %w", failedLog)}
	case status == 128+int(syscall.SIGSYS) && !killed:
		fmt.Fprintf(s.stderr, "secgen: %s died of SIGSYS, and not by these filters: one that it installed itself, perhaps, which the kernel's log tells (dmesg | grep type=1326)\n", base(cmd.Path))
	}
	return exit{code: status}
}

// sentence tells of a call as text.
func sentence(e watch.Event) string {
	what := "denied"
	switch {
	case strings.HasPrefix(e.Action, "log"):
		what = "logged"
	case e.Happened:
		what = "would be denied"
	}
	name := e.Call
	if name == "" {
		name = fmt.Sprintf("number %d", e.Number)
	}
	var args []string
	for _, a := range e.Args {
		args = append(args, a.Name+"="+a.Text)
	}
	by := e.Policy
	if e.Rule != "" {
		by = e.Rule + " of " + e.Policy
	}
	if e.Place != "" {
		by += " (" + e.Place + ")"
	}
	who := fmt.Sprintf("%s[%d]", base(e.Program), e.PID)
	if e.TID != e.PID {
		who += fmt.Sprintf(", thread %s[%d]", visible(e.Thread), e.TID)
	}
	return fmt.Sprintf("%s: %s(%s): %s by %s; %s", what, name, strings.Join(args, ", "), e.Action, by, who)
}
