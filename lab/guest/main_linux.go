// Command guest is the first and only program on the lab's machines. It installs
// the filters of generated files and compares what the kernel answers with what
// the host's exams say.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/lab/internal/exam"
)

func init() { runtime.LockOSThread() } // ptrace(2) knows threads

func main() {
	switch {
	case os.Getpid() == 1:
		boot()
	case len(os.Args) == 1:
		report(exam.Report{Facts: facts()})
		if runtime.GOARCH == "amd64" {
			report(exam.Report{ABI: "x32", Facts: x32Facts()})
		}
	case os.Args[1] == "test":
		report(test(os.Args[2]))
	default:
		report(examine(os.Args[1]))
	}
}

// boot runs the guests of both GOARCHes on each of their exams, and ends the machine.
func boot() {
	err := errors.Join(
		unix.Mount("proc", "/proc", "proc", 0, ""),
		unix.Mknod("/dev/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))),
		loopback(),
	)
	if err != nil {
		report(exam.Report{Error: err.Error()})
	}
	for _, guest := range []string{"/own/guest", "/sibling/guest"} {
		if _, err := os.Stat(guest); err != nil {
			continue
		}
		run(guest)
		exams, _ := filepath.Glob(filepath.Join(filepath.Dir(guest), "*.exam"))
		for _, e := range exams {
			run(guest, e)
		}
		tests, _ := filepath.Glob(filepath.Join(filepath.Dir(guest), "*.test"))
		for _, t := range tests {
			run(guest, "test", t)
		}
	}
	report(exam.Report{Done: true})
	unix.Sync()
	if slices.Contains(os.Args, "restart") { // by the machine's kernel parameters
		unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	}
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// limit is for a guest that is stuck; a real exam takes a second or three.
const limit = 5 * time.Minute

func run(guest string, args ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, guest, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// A process under a filter may make no call that the exam does not ask for.
	cmd.Env = []string{"GOGC=off", "GODEBUG=asyncpreemptoff=1"}
	if err := cmd.Run(); err != nil {
		report(exam.Report{Error: fmt.Sprintf("%v: %v", cmd.Args, err)})
	}
}

func report(r exam.Report) {
	var name unix.Utsname
	unix.Uname(&name)
	r.ABI = cmp.Or(r.ABI, runtime.GOARCH)
	r.Kernel, r.Word = unix.ByteSliceToString(name.Release[:]), strconv.IntSize
	r.Big = bigEndian()
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	// In one write, so that the kernel's own lines do not come between.
	syscall.Write(1, append(append([]byte(exam.Line), text...), '\n'))
}
