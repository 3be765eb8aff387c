//go:build linux

package exercise_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
)

func TestEveryStepPassesOnStockMemcached(t *testing.T) {
	s := start(t, "memcached")
	for _, step := range slices.Concat(s.Signals(), exercise.Steps(), exercise.Steps(), s.Signals()) {
		t.Run(step.Name, func(t *testing.T) {
			if err := step.Run(t.Context(), s.Target()); err != nil {
				t.Error(err)
			}
			if err := s.Alive(); err != nil {
				t.Fatal(err)
			}
		})
	}

	threads, err := s.Threads()
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]int{}
	for _, th := range threads {
		named[th.Name]++
	}
	// The names that memcached 1.6 gives its threads (thread.c, assoc.c, ...).
	for name, want := range map[string]int{"memcached": 1, "mc-worker": 4, "mc-log": 1, "mc-assocmaint": 1,
		"mc-itemcrawler": 1, "mc-lrumaint": 1, "mc-slabmaint": 1} {
		if named[name] != want {
			t.Errorf("Threads: %d named %s, want %d; all: %+v", named[name], name, want, threads)
		}
	}

	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "has ended (exit status 0)") {
		t.Errorf("Stop of a server that has ended: %v, want an error with its exit status", err)
	}
}

func TestRunPassesOnStockMemcachedBehindALauncher(t *testing.T) {
	// sh forks here, so the server is not the process that was started.
	s := start(t, "sh", "-c", `"$@"; exit $?`, "sh", "memcached", "-A")
	begun := time.Now()
	if err := exercise.Run(t.Context(), s.Target()); err != nil {
		t.Error(err)
	}
	t.Logf("Run took %v", time.Since(begun).Round(time.Millisecond))
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestStartSaysWhyAServerDoesNotStart(t *testing.T) {
	need(t, "memcached")
	_, err := exercise.Start(t.Context(), "memcached", "-m", "0")
	if err == nil || !strings.Contains(err.Error(), "has ended (exit status") || !strings.Contains(err.Error(), "-m") {
		t.Errorf("got %v, want an error with the command and the exit status", err)
	}
}

// TestEveryStepNoticesAWrongServer is the test of the tests: no step may be
// content with a server that answers ERROR, or that dies, or is not there.
func TestEveryStepNoticesAWrongServer(t *testing.T) {
	for name, answer := range map[string]string{"answers ERROR": "ERROR\r\n", "answers OK": "OK\r\n", "hangs up": ""} {
		t.Run(name, func(t *testing.T) {
			target := serve(t, answer)
			for _, step := range exercise.Steps() {
				if err := step.Run(t.Context(), target); err == nil {
					t.Errorf("step %s: no error", step.Name)
				} else if !strings.HasPrefix(err.Error(), step.Name+": ") {
					t.Errorf("step %s: its error does not say so: %v", step.Name, err)
				}
			}
		})
	}
	t.Run("is not there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		for _, step := range exercise.Steps() {
			if err := step.Run(t.Context(), exercise.Target{Network: "tcp", Addr: l.Addr().String()}); err == nil {
				t.Errorf("step %s: no error", step.Name)
			}
		}
	})
}

func TestASilentServerHoldsNoStepBeyondItsContext(t *testing.T) {
	l := listen(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	for _, step := range exercise.Steps() {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		begun := time.Now()
		err := step.Run(ctx, l)
		cancel()
		if took := time.Since(begun); err == nil || took > 2*time.Second {
			t.Errorf("step %s: %v after %v, want an error at once", step.Name, err, took)
		}
	}
}

// start starts memcached for the length of the test, which is skipped where
// there is none.
func start(t *testing.T, argv ...string) *exercise.Server {
	t.Helper()
	need(t, "memcached")
	s, err := exercise.Start(t.Context(), argv...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("needs %s: apt-get install %s", program, program)
	}
}

// serve answers whatever comes with answer, or hangs up on it if that is empty.
func serve(t *testing.T, answer string) exercise.Target {
	return listen(t, func(c net.Conn) {
		for b := make([]byte, 4096); ; {
			if _, err := c.Read(b); err != nil || answer == "" {
				return
			}
			fmt.Fprint(c, answer)
		}
	})
}

func listen(t *testing.T, handle func(net.Conn)) exercise.Target {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return exercise.Target{Network: "tcp", Addr: l.Addr().String()}
}
