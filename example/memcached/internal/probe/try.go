//go:build linux

package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	patience = 5 * time.Second // longest wait for a child; it takes some milliseconds
	tries    = 10
)

// Try makes the attempt of that name in a child process, under the filter of
// that name in the map that [Main] has. The child's home is a directory of its
// own, and nothing of the caller's is at stake if the attempt succeeds.
//
// The child is a Go program. Between the filter's installation and the attempt,
// its runtime may make a call that the filter forbids, in particular on a busy
// machine. That is told apart from the attempt, and tried again.
func Try(ctx context.Context, filter, attempt string) (Verdict, error) {
	var err error
	for range tries {
		var v Verdict
		if v, err = try(ctx, filter, attempt); !errors.Is(err, errTooSoon) || ctx.Err() != nil {
			if err != nil {
				err = fmt.Errorf("trying %s under filter %s: %w", attempt, filter, err)
			}
			return v, err
		}
	}
	return Verdict{}, fmt.Errorf("trying %s under filter %s, %d times: %w", attempt, filter, tries, err)
}

var errTooSoon = errors.New("the child ended before the attempt")

func try(ctx context.Context, filter, attempt string) (Verdict, error) {
	self, err := os.Executable()
	if err != nil {
		return Verdict{}, err
	}
	home, err := os.MkdirTemp("", "probe")
	if err != nil {
		return Verdict{}, err
	}
	defer os.RemoveAll(home)
	told := filepath.Join(home, outcomeFile)
	if err := os.WriteFile(told, make([]byte, outcomeSize), 0o600); err != nil {
		return Verdict{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	// asyncpreemptoff keeps the runtime from interrupting the attempt by a signal.
	cmd.Env = append(os.Environ(), attemptEnv+"="+attempt, filterEnv+"="+filter, "HOME="+home, "GODEBUG=asyncpreemptoff=1")
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return Verdict{}, err
	}
	comm, err := lastName(cmd.Process.Pid)
	werr := cmd.Wait()
	if err != nil {
		return Verdict{}, errors.Join(err, werr)
	}
	o, err := os.ReadFile(told)
	if err != nil {
		return Verdict{}, err
	}
	stage, errno := binary.NativeEndian.Uint32(o), syscall.Errno(binary.NativeEndian.Uint32(o[4:]))
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case stage == after && errno == 0, stage == trying && comm == shellName:
		return Allowed, nil
	case stage == after:
		return Errno(errno), nil
	case stage == trying && status.Signaled() && status.Signal() == syscall.SIGSYS:
		return Killed, nil
	case stage == before && status.ExitStatus() == failed:
		return Verdict{}, errors.New(strings.TrimSpace(stderr.String()))
	case stage == before:
		return Verdict{}, fmt.Errorf("%w (%v), having said %q", errTooSoon, cmd.ProcessState, clip(stderr.String()))
	case ctx.Err() != nil:
		return Verdict{}, fmt.Errorf("the child hung (does the filter kill threads instead of the process?): %w", ctx.Err())
	}
	return Verdict{}, fmt.Errorf("the child ended in the attempt without a verdict (%v), having said %q", cmd.ProcessState, clip(stderr.String()))
}

// lastName waits until the child is dead but still to be waited for, and returns
// the name that the kernel has for it: the shell's says that an execve
// succeeded, however the shell fared.
func lastName(pid int) (string, error) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return "", fmt.Errorf("waiting for the child: %w", err)
		}
	}
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(comm)), err
}

// clip keeps the beginning of what a crashing Go program says.
func clip(s string) string { return s[:min(len(s), 300)] }
