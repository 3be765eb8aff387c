//go:build linux && (amd64 || arm64)

package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
)

func TestMemcachedWorksUnderServe(t *testing.T) {
	t.Run("alone", func(t *testing.T) {
		if _, err := exec.LookPath("memcached"); err != nil {
			t.Skip("needs Debian's package memcached")
		}
		underServe(t, 1, "memcached")
	})
	t.Run("on top of Start", func(t *testing.T) {
		status, err := os.ReadFile("/proc/thread-self/status")
		if err != nil || os.Getuid() != 0 || !strings.Contains(string(status), "\nSeccomp:\t0\n") {
			t.Skip("the kernel tells what a server runs under only to root, and to no one under a filter")
		}
		underServe(t, 2, launcher(t))
	})
}

// underServe puts Serve on a server while clients talk to it.
func underServe(t *testing.T, filters int, argv ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel() // ends the server too
	s, err := exercise.Start(ctx, argv...)
	if err != nil {
		t.Fatal(err)
	}
	talk := func(steps []exercise.Step) {
		for _, step := range steps {
			if err := step.Run(ctx, s.Target()); err != nil {
				t.Error(err)
			}
			if err := s.Alive(); err != nil {
				t.Errorf("after %s: %v", step.Name, err)
				return
			}
		}
	}
	installed, talked := make(chan bool), make(chan bool)
	go func() {
		defer close(talked)
		for {
			talk(exercise.Steps()[:10]) // text and meta commands, which leave nothing behind
			select {
			case <-installed:
				return
			default:
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
	t.Logf("%s", out)
	talk(slices.Concat(s.Signals(), exercise.Steps()))
	threads, err := s.Threads()
	if err != nil {
		t.Fatal(err)
	}
	if len(threads) < 9 {
		t.Errorf("%d threads: memcached -t 4 has more", len(threads))
	}
	for _, th := range threads {
		if th.Seccomp != 2 || th.Filters != filters || !th.NoNewPrivs {
			t.Errorf("thread %d (%s): Seccomp %d, %d filters, NoNewPrivs %v", th.TID, th.Name, th.Seccomp, th.Filters, th.NoNewPrivs)
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
