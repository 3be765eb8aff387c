//go:build amd64 || arm64

package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/launch"
)

func TestMain(m *testing.M) {
	launch.Child()
	if len(os.Args) > 2 && os.Args[1] == "call" {
		call(os.Args[2])
	}
	os.Exit(m.Run())
}

// call makes getsid, and says how that ended.
func call(how string) {
	signals := make(chan os.Signal, 1)
	switch how {
	case "blocked":
		runtime.LockOSThread()
		set := unix.Sigset_t{}
		set.Val[0] = 1 << (unix.SIGSYS - 1)
		unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
	case "caught":
		signal.Notify(signals, unix.SIGSYS)
	case "namespace":
		cmd := exec.Command("/proc/self/exe", "call", "first of its namespace")
		cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
		var exited *exec.ExitError
		if err := cmd.Run(); errors.As(err, &exited) && exited.ExitCode() < 0 {
			os.Exit(6) // it was killed
		}
		os.Exit(5)
	}
	r, _, errno := unix.RawSyscall(unix.SYS_GETSID, 0, 0, 0)
	fmt.Fprintln(os.Stderr, how, r == unix.SYS_GETSID, errno)
	os.Exit(5)
}

// under runs call under a policy that lets all else happen, and returns the exit
// status and what was told.
func under(t *testing.T, observe bool, how string, actions ...dsl.Action) (int, []Event) {
	t.Helper()
	var newest [][]gen.Filter
	for i, a := range actions {
		filters, err := gen.Compile(dsl.Named{Name: fmt.Sprintf("Policy%d", i+1), Policy: &dsl.Policy{
			Arches: []dsl.Arch{dsl.Arch(runtime.GOARCH)}, Default: dsl.Allow,
			Rules: []dsl.Rule{a.For(sys.Getsid)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		newest = append(newest, filters)
	}
	stack, err := gen.Stack(newest...)
	if err != nil {
		t.Fatal(err)
	}
	var events []Event
	w := Watcher{Filter: stack[0], Observe: observe, Tell: func(e Event) { events = append(events, e) }}
	c, err := launch.Find([]string{"/proc/self/exe", "call", how})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	status, err := w.Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return status, events
}

func TestCallsGetWhatTheFilterSays(t *testing.T) {
	const sigsys = 128 + int(unix.SIGSYS)
	for _, c := range []struct {
		how     string
		actions []dsl.Action
		status  int
		action  string
	}{
		{"errno", []dsl.Action{dsl.Errno(linux.EACCES)}, 5, "errno(EACCES)"},
		{"kill", []dsl.Action{dsl.KillProcess}, sigsys, "kill process"},
		{"kill thread", []dsl.Action{dsl.KillThread}, sigsys, "kill thread"},
		{"caught", []dsl.Action{dsl.KillProcess}, sigsys, "kill process"}, // which the kernel does not ask
		{"blocked", []dsl.Action{dsl.Trap(7)}, sigsys, "trap(7)"},
		{"caught", []dsl.Action{dsl.Trap(3)}, 5, "trap(3)"},
		{"log", []dsl.Action{dsl.Log}, 5, "log"},
		{"notify", []dsl.Action{dsl.Notify}, 5, "notify"},
		{"trace", []dsl.Action{dsl.Trace(1)}, 5, "trace(1)"},
		{"newest", []dsl.Action{dsl.Errno(linux.EACCES), dsl.Errno(linux.EPERM)}, 5, "errno(EACCES)"},
		{"hardest", []dsl.Action{dsl.Allow, dsl.Errno(linux.EPERM), dsl.Log}, 5, "errno(EPERM)"},
	} {
		t.Run(c.how, func(t *testing.T) {
			status, events := under(t, false, c.how, c.actions...)
			if status != c.status || len(events) != 1 || events[0].Action != c.action || events[0].Call != "getsid" {
				t.Fatalf("status %d, %+v", status, events)
			}
			e := events[0]
			if e.PID == 0 || e.TID == 0 || e.Thread != "exe" || !strings.HasSuffix(e.Program, ".test") || e.Rule != "rule 1" || !strings.Contains(e.Place, "watch_linux_test.go:") {
				t.Errorf("%+v", e)
			}
			if e.Happened != slices.Contains([]string{"log"}, c.how) {
				t.Errorf("it happened: %v", e.Happened)
			}
		})
	}
}

// To its own namespace's first process the kernel gives no signal that would end it,
// but for SIGKILL from without.
func TestANamespacesFirstProcessIsKilledToo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a PID namespace")
	}
	if status, events := under(t, false, "namespace", dsl.KillProcess); status != 6 || len(events) != 1 {
		t.Errorf("status %d, %+v", status, events)
	}
}

func TestObservingDeniesNothing(t *testing.T) {
	for _, a := range []dsl.Action{dsl.KillProcess, dsl.Errno(linux.EACCES), dsl.Trap(1), dsl.Notify} {
		status, events := under(t, true, "observed", a)
		if status != 5 || len(events) != 1 || !events[0].Happened {
			t.Errorf("status %d, %+v", status, events)
		}
	}
}
