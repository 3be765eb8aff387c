//go:build amd64 || arm64

package learn

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/launch"
)

func TestMain(m *testing.M) {
	launch.Child()
	if len(os.Args) > 1 && os.Args[1] == "server" {
		server()
	}
	os.Exit(m.Run())
}

// server makes calls that a test knows: getsid before it listens and, by a thread
// of its own, getpgid after; and a child by clone3.
func server() {
	unix.Getsid(0)
	args := struct{ flags, pidfd, child, parent, signal, stack, size, tls uint64 }{flags: unix.CLONE_CLEAR_SIGHAND, signal: uint64(unix.SIGCHLD)}
	runtime.LockOSThread()
	if r, _, errno := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0); r == 0 && errno == 0 {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	if _, err := net.Listen("tcp", "127.0.0.1:0"); err != nil {
		os.Exit(1)
	}
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		name := [16]byte{0: 'w', 1: '1'}
		unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name)), 0, 0, 0)
		for range 10 {
			unix.Getpgid(0)
		}
		close(done) // and the thread ends
	}()
	<-done
	time.Sleep(10 * time.Millisecond)
	os.Exit(7)
}

func run(t *testing.T, args ...string) (*gen.Profile, *os.ProcessState) {
	t.Helper()
	c, err := launch.Find(args)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := Recorder{Marker: "listen"}
	p, state, err := r.Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	total := uint64(0)
	for _, k := range p.Keys() {
		total += p.Call(k).Count
	}
	if total != uint64(r.Calls.Load()) {
		t.Errorf("%d calls were counted, %d are in the profile", r.Calls.Load(), total)
	}
	return p, state
}

// seen lists what was seen of a call, as program thread phase.
func seen(p *gen.Profile, call string) []string {
	var list []string
	for _, k := range p.Keys() {
		if k.Name() == call {
			list = append(list, strings.Join([]string{filepath.Base(k.Program), k.Thread, k.Phase}, " "))
		}
	}
	return list
}

func TestThreadsAndPhasesAreToldApart(t *testing.T) {
	p, state := run(t, "/proc/self/exe", "server")
	if launch.Status(state) != 7 {
		t.Errorf("the server ended with %v", state)
	}
	for call, want := range map[string]string{
		"getsid": "learn.test exe start",
		"listen": "learn.test exe start",
		"execve": "learn.test exe start", // by which it began
	} {
		if got := seen(p, call); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", call, got, want)
		}
	}
	if got := seen(p, "getpgid"); !slices.Equal(got, []string{"learn.test w1 serve"}) {
		t.Errorf("getpgid: %q", got)
	}
	if n := p.Counts()["getpgid"]; n != 10 {
		t.Errorf("getpgid was called %v times", n)
	}
	nr := uint32(unix.SYS_CLONE3)
	sum := p.Sum() // a server that was linked by a C compiler makes its threads by it
	if v := sum.Call(gen.ProfileKey{Arch: dsl.Arch(runtime.GOARCH), Number: nr}).Args["flags"].Seen; v[unix.CLONE_CLEAR_SIGHAND|uint64(unix.SIGCHLD)] != 1 {
		t.Errorf("clone3's flags: %v", v)
	}
}

func TestProgramsAreToldApart(t *testing.T) {
	p, state := run(t, "sh", "-c", "env true; cd /nowhere; exec env false")
	if launch.Status(state) != 1 {
		t.Errorf("the shell ended with %v", state)
	}
	path, err := exec.LookPath("sh")
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	sh := filepath.Base(path)
	if got := seen(p, "chdir"); !slices.Equal(got, []string{sh + " sh start"}) {
		t.Errorf("chdir: %q", got)
	}
	programs := map[string]bool{}
	execs := map[string]uint64{}
	for _, k := range p.Keys() {
		programs[filepath.Base(k.Program)] = true
		if k.Name() == "execve" {
			execs[filepath.Base(k.Program)] += p.Call(k).Count
		}
	}
	for _, want := range []string{sh, "env", "true", "false"} {
		if !programs[want] && !(programs["coreutils"]) {
			t.Errorf("there is nothing of %s: %v", want, programs)
		}
	}
	if execs[sh] < 3 { // the one that it began with, env's, and the last, tried along PATH
		t.Errorf("execve: %v", execs)
	}
}

func TestSignalsArePassedOnAndTold(t *testing.T) {
	_, state := run(t, "sh", "-c", "kill -TERM $$")
	if got := launch.Status(state); got != 128+int(unix.SIGTERM) {
		t.Errorf("the status is %d: %v", got, state)
	}
	go func() {
		time.Sleep(300 * time.Millisecond)
		unix.Kill(os.Getpid(), unix.SIGUSR1)
	}()
	_, state = run(t, "sh", "-c", "trap 'exit 9' USR1; while :; do sleep 0.05; done")
	if got := launch.Status(state); got != 9 {
		t.Errorf("the status is %d: %v", got, state)
	}
}

func TestCommandsThatCannotRun(t *testing.T) {
	if _, err := launch.Find([]string{"no-such-command"}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("finding it: %v", err)
	}
	for path, want := range map[string]error{"/no/such/file": fs.ErrNotExist, "/etc/passwd": fs.ErrPermission} {
		r := Recorder{}
		_, _, err := r.Run(t.Context(), launch.Command{Path: path, Args: []string{path}})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
