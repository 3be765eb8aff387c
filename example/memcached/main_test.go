//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/secgen-dev/secgen/example/memcached/filter"
	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
	"github.com/secgen-dev/secgen/example/memcached/internal/probe"
)

var filters = map[string]func() error{
	"Start": filter.Start.InstallThread,
	"Serve": filter.Serve.InstallThread,
	"both": func() error {
		return errors.Join(filter.Start.InstallThread(), filter.Serve.InstallThread())
	},
}

func TestMain(m *testing.M) {
	probe.Main(filters)
	os.Exit(m.Run())
}

// launcher builds this example's command.
func launcher(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("memcached"); err != nil {
		t.Skip("needs Debian's package memcached")
	}
	bin := filepath.Join(t.TempDir(), "launcher")
	build := exec.Command("go", "build", "-o", bin, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func TestMemcachedWorksUnderStart(t *testing.T) {
	bin := launcher(t)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	s, err := exercise.Start(ctx, bin)
	if err != nil {
		t.Fatal(err)
	}
	// The signals first: what a stopped thread calls must not depend on what
	// the steps did before.
	for _, step := range slices.Concat(s.Signals(), exercise.Steps()) {
		if err := step.Run(ctx, s.Target()); err != nil {
			t.Error(err)
		}
		if err := s.Alive(); err != nil {
			t.Fatalf("after %s: %v", step.Name, err)
		}
	}
	threads, err := s.Threads()
	if err != nil {
		t.Fatal(err)
	}
	if len(threads) < 9 {
		t.Errorf("%d threads: memcached -t 4 has more", len(threads))
	}
	for _, th := range threads {
		if th.Seccomp != 2 || th.Filters != 1 || !th.NoNewPrivs {
			t.Errorf("thread %d (%s): Seccomp %d, %d filters, NoNewPrivs %v", th.TID, th.Name, th.Seccomp, th.Filters, th.NoNewPrivs)
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestWhatMustNotWorkGetsTheVerdictOfThePolicy(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the verdicts below are amd64's")
	}
	killed, eacces := probe.Killed, probe.Errno(syscall.EACCES)
	native := []struct {
		attempt            string
		start, serve, both probe.Verdict
	}{
		// Start has to let the launcher become memcached.
		{"execve", probe.Allowed, killed, killed},
		{"execveat", killed, killed, killed},
		{"openat", eacces, eacces, eacces},
		{"open", killed, killed, killed},
		{"openat2", killed, killed, killed},
		{"connect", eacces, killed, killed},
		{"socket inet", probe.Allowed, killed, killed},
		{"socket netlink", eacces, killed, killed},
		{"ptrace", killed, killed, killed},
		{"mprotect", killed, killed, killed},
		{"mmap", killed, killed, killed},
		{"kill", killed, killed, killed},
	}
	tried := map[string]bool{}
	try := func(filter, attempt string, want probe.Verdict) {
		t.Run(filter+"/"+strings.ReplaceAll(attempt, " ", "_"), func(t *testing.T) {
			t.Parallel()
			got, err := probe.Try(t.Context(), filter, attempt)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%v, and the policy says %v", got, want)
			}
		})
		tried[attempt] = true
	}
	for _, n := range native {
		try("Start", n.attempt, n.start)
		try("Serve", n.attempt, n.serve)
		try("both", n.attempt, n.both)
	}
	// The policies list neither i386 nor x32: whatever comes by their numbers is killed.
	for _, a := range probe.Attempts() {
		if strings.HasPrefix(a.Name, "i386 ") || strings.HasPrefix(a.Name, "x32 ") {
			try("Start", a.Name, killed)
			try("Serve", a.Name, killed)
		}
	}
	for _, a := range probe.Attempts() {
		if !tried[a.Name] {
			t.Errorf("no verdict is known for the attempt %q", a.Name)
		}
	}
}
