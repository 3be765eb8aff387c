//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/secgen-dev/secgen/example/memcached/filter"
	"github.com/secgen-dev/secgen/example/memcached/internal/probe"
)

var filters = map[string]func() error{
	"Start": filter.Start.InstallThread,
	"Serve": filter.Serve.InstallThread,
	"both": func() error {
		return errors.Join(filter.Start.InstallThread(), filter.Serve.InstallThread())
	},
	"Flip": func() error { // and the supervisor has died
		fd, err := filter.Flip.InstallNotifyThread()
		if err != nil {
			return err
		}
		return syscall.Close(fd)
	},
}

var bins string // a directory

func TestMain(m *testing.M) {
	probe.Main(filters)
	var err error
	if bins, err = os.MkdirTemp("", "launcher"); err == nil {
		err = os.Chmod(bins, 0o755) // for other users
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(bins)
	os.Exit(code)
}

// launcher builds this example's command.
func launcher(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("memcached"); err != nil {
		t.Skip("needs Debian's package memcached")
	}
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(bins, "launcher")
}

var build = sync.OnceValue(func() error {
	cmd := exec.Command("go", "build", "-o", filepath.Join(bins, "launcher"), ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

func TestWhatMustNotWorkGetsTheVerdictOfThePolicy(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the verdicts below are amd64's")
	}
	killed, eacces, enosys := probe.Killed, probe.Errno(syscall.EACCES), probe.Errno(syscall.ENOSYS)
	native := []struct {
		attempt                  string
		start, serve, both, flip probe.Verdict
	}{
		// Start has to let the launcher become memcached.
		{"execve", probe.Allowed, killed, killed, enosys},
		{"execveat", killed, killed, killed, killed},
		{"openat", eacces, eacces, eacces, eacces},
		{"open", killed, killed, killed, killed},
		{"openat2", killed, killed, killed, killed},
		{"connect", eacces, killed, killed, eacces},
		{"socket inet", probe.Allowed, killed, killed, enosys},
		{"socket netlink", eacces, killed, killed, eacces},
		{"ptrace", killed, killed, killed, killed},
		{"mprotect", killed, killed, killed, killed},
		{"mmap", killed, killed, killed, killed},
		{"kill", killed, killed, killed, killed},
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
		try("Flip", n.attempt, n.flip)
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
