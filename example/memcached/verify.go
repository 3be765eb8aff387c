//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
)

func (o options) compare() (status int, err error) {
	if len(o.memcached) > 0 {
		return 1, errors.New("-verify starts servers with options of its own, and takes none for memcached")
	}
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := o.beside(ctx, os.Stdout, self); err != nil {
		return 1, err
	}
	return 0, nil
}

// beside works servers in the sandbox through all that a server can do, with others
// that have no filter beside them, and prints what differs. The launcher is this
// command. What differs is an error.
func (o options) beside(ctx context.Context, w io.Writer, launcher string) error {
	steps, differ := 0, 0
	for _, setup := range exercise.Setups() {
		own := o
		own.files = o.files || setup.Files
		filtered := slices.Concat([]string{launcher}, own.own(), []string{"--"})
		fmt.Fprintf(w, "%s, under %s:\n", setup.Name, own.stages())
		err := setup.Compare(ctx, []string{"memcached"}, filtered, own.settled, func(out exercise.Outcome) {
			verdict := "same"
			if out.Difference != "" {
				verdict = "DIFFERENT: " + out.Difference
				differ++
			}
			steps++
			fmt.Fprintf(w, "  %-26s %s\n", out.Step, verdict)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", setup.Name, err)
		}
	}
	fmt.Fprintf(w, "%d steps, %d different\n", steps, differ)
	if differ > 0 {
		return fmt.Errorf("%d steps went otherwise than without a filter", differ)
	}
	return nil
}

// stages names the filters that memcached gets.
func (o options) stages() string {
	files := ""
	if o.files {
		files = "Files"
	}
	switch {
	case o.flip:
		return "Flip" + files
	case o.startOnly:
		return "Start" + files
	}
	return "Start" + files + " and then Serve" + files
}

// settled waits until the server is in its last stage.
func (o options) settled(s *exercise.Server) error {
	filters := 1
	switch {
	case o.flip:
		if err := s.Says("serves: what it did only until now is refused"); err != nil {
			return err
		}
	case !o.startOnly:
		if err := s.Says("is on all"); err != nil {
			return err
		}
		filters = 2
	}
	return s.Filtered(filters)
}
