package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/launch"
	"github.com/secgen-dev/secgen/internal/learn"
)

// learn runs the command and writes what was seen.
func (c *learnCmd) learn(s *session) error {
	command, err := launch.Find(c.Command)
	if err != nil {
		return unstarted(err)
	}
	r := learn.Recorder{Marker: c.Marker}
	stop := func() {}
	if !c.Quiet && isTerminal(os.Stderr) {
		stop = redraw(func() string { return fmt.Sprintf("%d calls", r.Calls.Load()) })
	}
	p, state, err := r.Run(s.ctx, command)
	stop()
	if err != nil {
		return unstarted(err)
	}
	if !c.Quiet {
		fmt.Fprintln(s.stderr, "secgen: "+summary(p, r.Calls.Load()))
	}
	// The signal that ended s.ctx was the command's.
	if err := c.write(&session{ctx: context.WithoutCancel(s.ctx), stdout: s.stdout, stderr: s.stderr}, p); err != nil {
		return exit{failed, c.rescue(p, err)}
	}
	return exit{code: launch.Status(state)}
}

// rescue saves a profile that is not written, since the run may not be repeated.
func (c *learnCmd) rescue(p *gen.Profile, err error) error {
	f, failed := os.CreateTemp("", "secgen-learned-*.json")
	if failed != nil {
		return err
	}
	defer f.Close()
	text, failed := p.MarshalJSON()
	if failed == nil {
		_, failed = f.Write(text)
	}
	if failed != nil {
		return errors.Join(err, failed, os.Remove(f.Name()))
	}
	return fmt.Errorf("%w; what was seen is in %s, for secgen learn -merge", err, f.Name())
}

// summary says what was seen.
func summary(p *gen.Profile, calls int64) string {
	programs := map[string]bool{}
	for _, k := range p.Keys() {
		programs[base(k.Program)] = true
	}
	names := slices.Sorted(maps.Keys(programs))
	if n := len(names); n > 5 {
		names = append(names[:5], fmt.Sprintf("and %d other programs", n-5))
	}
	return fmt.Sprintf("%d calls, %d different, of %s", calls, len(p.Counts()), strings.Join(names, " "))
}

// redraw writes a line to the terminal again and again, until stop.
func redraw(line func() string) (stop func()) {
	done, gone := make(chan bool), make(chan bool)
	go func() {
		defer close(gone)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(os.Stderr, "\r\x1b[K%s\r", line())
			case <-done:
				fmt.Fprint(os.Stderr, "\r\x1b[K")
				return
			}
		}
	}()
	return func() { close(done); <-gone }
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
