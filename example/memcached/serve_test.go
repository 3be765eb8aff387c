//go:build linux && (amd64 || arm64)

package main

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
)

// Serve is put on a server without filters while clients talk to it.
func TestServeIsAttachedUnderLoad(t *testing.T) {
	if _, err := exec.LookPath("memcached"); err != nil {
		t.Skip("needs Debian's package memcached")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel() // ends the server too
	s, err := exercise.Start(ctx, "memcached")
	if err != nil {
		t.Fatal(err)
	}
	installed, talked := make(chan bool), make(chan bool)
	go func() {
		defer close(talked)
		for again := true; again; {
			select {
			case <-installed:
				again = false
			default:
			}
			for _, step := range exercise.Steps()[:10] { // text and meta commands, which leave nothing behind
				if err := errors.Join(step.Run(ctx, s.Target()), s.Alive()); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	// A process of its own has to do it: this one waits for the server (os/exec).
	out, err := exec.CommandContext(ctx, "go", "run", "../../cmd/secgen", "attach", "filter/filter_linux.go:Serve", strconv.Itoa(s.PID)).CombinedOutput()
	close(installed)
	<-talked
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := errors.Join(s.Filtered(1), s.Stop()); err != nil {
		t.Error(err)
	}
}
