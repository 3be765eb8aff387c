//go:build linux && (amd64 || arm64)

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
	"github.com/secgen-dev/secgen/internal/process"
)

func TestOwnOptionsComeFirst(t *testing.T) {
	for _, test := range []struct {
		args      string
		own, rest string
	}{
		{"-l 127.0.0.1 -p 11211", "", "-l 127.0.0.1 -p 11211"},
		{"-flip -l 127.0.0.1", "-flip", "-l 127.0.0.1"},
		{"-files -flip -- -start-only", "-flip -files", "-start-only"},
		{"-start-only", "-start-only", ""},
		{"-v -flip", "", "-v -flip"},
		{"-- -- x", "", "-- x"},
	} {
		o := parse(strings.Fields(test.args))
		if own, rest := strings.Join(o.own(), " "), strings.Join(o.memcached, " "); own != test.own || rest != test.rest {
			t.Errorf("%s: own %q and memcached's %q", test.args, own, rest)
		}
	}
}

// attaches skips a test where the kernel would not let Serve be put on top of Start.
func attaches(t *testing.T) {
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil || os.Getuid() != 0 || !strings.Contains(string(status), "\nSeccomp:\t0\n") {
		t.Skip("the kernel tells what a server runs under only to root, and to no one under a filter")
	}
}

func TestServersInTheSandboxAnswerAsOthersDo(t *testing.T) {
	bin := launcher(t)
	for _, o := range []options{{}, {flip: true}} {
		t.Run(o.stages(), func(t *testing.T) {
			if !o.flip {
				attaches(t)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			var told bytes.Buffer
			err := o.beside(ctx, &told, bin)
			if t.Logf("%s", &told); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExitStatusIsMemcacheds(t *testing.T) {
	bin := launcher(t)
	status := func(argv ...string) int {
		cmd := exec.Command(argv[0], argv[1:]...)
		out, _ := cmd.CombinedOutput()
		t.Logf("%s: %s", argv, out)
		return cmd.ProcessState.ExitCode()
	}
	for _, args := range [][]string{{"-V"}, {"-m", "0"}, {"-l", "192.0.2.1", "-u", "nobody"}} {
		want := status(append([]string{"memcached"}, args...)...)
		if got := status(append([]string{bin, "-flip"}, args...)...); got != want {
			t.Errorf("%s: exit status %d, and memcached's is %d", args, got, want)
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		s, err := exercise.Start(t.Context(), bin, "-flip")
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if sig == syscall.SIGKILL {
			want = "has ended (exit status 137)"
		}
		if err := s.End(sig); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", sig, err)
		}
	}
}

func TestSignalsAreForwarded(t *testing.T) {
	cmd := exec.Command(launcher(t), "-flip", "-p", "0", "-u", "nobody")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 1<<16)
	for n := 0; !bytes.Contains(said[:n], []byte("is refused")); {
		more, err := out.Read(said[n:])
		if n += more; err != nil {
			t.Fatalf("%v: %s", err, said[:n])
		}
	}
	cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// Without CAP_SYS_ADMIN, Serve cannot be put on top of Start, and no server is left.
func TestWithoutPrivileges(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to be another user")
	}
	bin := launcher(t)
	asNobody := func(own string) []string {
		return []string{"setpriv", "--reuid", "65534", "--clear-groups", bin, own}
	}
	s, err := exercise.Start(t.Context(), asNobody("--")...)
	if err == nil { // it may have answered before
		err = s.Says("Serve is on all")
	}
	if err == nil || !strings.Contains(err.Error(), "memcached is killed") || !strings.Contains(err.Error(), "CAP_SYS_ADMIN") {
		t.Errorf("no server killed for want of CAP_SYS_ADMIN in %v", err)
	}
	if s != nil && syscall.Kill(s.PID, 0) == nil {
		t.Error("the server is there still")
	}

	s, err = exercise.Start(t.Context(), asNobody("-flip")...)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Says("is refused"), s.Stop()); err != nil {
		t.Error(err)
	}
}

// While it starts, too, a server becomes no other program.
func TestASecondExecveIsRefused(t *testing.T) {
	env, err := exec.LookPath("env")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(env, filepath.Join(dir, "memcached")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(launcher(t), "-flip", env)
	cmd.Env = []string{"PATH=" + dir}
	out, err := cmd.CombinedOutput()
	const cannot = 126 // env(1)
	if !strings.HasPrefix(string(out), "refused execve to thread ") || cmd.ProcessState.ExitCode() != cannot {
		t.Errorf("%v: %s", err, out)
	}
}

// What only a starting server does is refused by the supervisor, and after the
// supervisor's end by the kernel; the server goes on.
func TestFlipFailsClosed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to have a thread of another's child make a call")
	}
	s, err := exercise.Start(t.Context(), launcher(t), "-flip")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Says("is refused"); err != nil {
		t.Fatal(err)
	}
	socket := func(want error) {
		never := func([]byte) bool { return false }
		if _, err := process.Borrow(t.Context(), s.PID, never, func(b *process.Borrowed) error {
			if _, err := b.Call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0); err != want {
				t.Errorf("socket: %v, and not %v", err, want)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	socket(unix.EPERM)
	if err := s.Says("refused socket to thread"); err != nil {
		t.Error(err)
	}
	defer syscall.Kill(s.PID, syscall.SIGKILL)
	if err := s.KillLauncher(); err != nil {
		t.Fatal(err)
	}
	socket(unix.ENOSYS)
	for _, step := range exercise.Steps() {
		if slices.Contains([]string{"text storage", "crawler restart", "60 clients at once"}, step.Name) {
			if err := step.Run(t.Context(), s.Target()); err != nil {
				t.Error(err)
			}
		}
	}
}
