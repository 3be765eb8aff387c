package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/lab/internal/exam"
)

// test runs the tests of a package, built for this machine.
func test(program string) exam.Report {
	r := exam.Report{Tests: strings.TrimSuffix(filepath.Base(program), ".test")}
	cmd := exec.Command(program, "-test.v", "-test.timeout", (limit / 2).String())
	cmd.Env = []string{"TMPDIR=/tmp"}
	if child := filepath.Join(filepath.Dir(program), "child"); exists(child) {
		cmd.Env = append(cmd.Env, "SECGEN_ATTACH_CHILD="+child)
	}
	out, err := cmd.CombinedOutput()
	before := ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "--- PASS"):
			r.Passed++
		case strings.HasPrefix(line, "--- SKIP"):
			r.Skipped = append(r.Skipped, strings.Fields(line)[2]+": "+before)
		}
		before = line
	}
	if err != nil {
		const most = 4000
		r.Error = fmt.Sprintf("tests of %s: %v\n%s", r.Tests, err, out[max(0, len(out)-most):])
	}
	return r
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// loopback brings the interface up by which 127.0.0.1 is reached, where the kernel has
// a network.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err == unix.EAFNOSUPPORT {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err == nil {
		lo.SetUint16(unix.IFF_UP)
		err = unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
	}
	return os.NewSyscallError("bringing lo up", err)
}
