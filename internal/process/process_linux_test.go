package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/runtime/install"
)

// A filter cannot be taken off again, so whatever has one is a child: this test
// binary once more, told by childEnv which of children it is. Each says when it is
// as it should be, then waits until its standard input ends, and says that it ran on.
const childEnv = "SECGEN_PROCESS_TEST_CHILD"

const (
	ready = "ready"
	ranOn = "ran on"
)

var children = map[string]func(){
	"none": waits,
	"one":  func() { set(older, install.AllThreads, 0); waits() },
	"two, the second logging": func() {
		set(older, install.AllThreads, 0)
		set(newer, install.AllThreads, logs)
		waits()
	},
	"two on one thread, one on the others": func() {
		set(older, install.AllThreads, 0)
		set(newer, install.ThisThread, 0)
		waits()
	},
	"one on a thread that is not the main one": func() {
		done := make(chan bool)
		go func() {
			set(older, install.ThisThread, 0)
			close(done)
			select {}
		}()
		<-done
		waits()
	},
	"strict": func() {
		blockSignals()
		unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, 1, 0)
		rawly(ready)
		var b [1]byte
		unix.RawSyscall(unix.SYS_READ, 0, uintptr(unsafe.Pointer(&b)), 1)
		rawly(ranOn)
		unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
	},
	"traced by its parent": func() {
		set(older, install.AllThreads, 0)
		blockSignals()
		if _, err := ptrace(unix.PTRACE_TRACEME, 0, 0, nil); err != nil {
			panic(err)
		}
		rawly(ready)
		var b [1]byte
		unix.RawSyscall(unix.SYS_READ, 0, uintptr(unsafe.Pointer(&b)), 1)
	},
	// The parent of a vfork sleeps uninterruptibly until the child is gone.
	"one, asleep where no signal wakes it": func() {
		set(older, install.AllThreads, 0)
		rawly(ready)
		pid, _, _ := unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_VFORK|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if pid == 0 {
			var b [1]byte
			unix.RawSyscall(unix.SYS_READ, 0, uintptr(unsafe.Pointer(&b)), 1)
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
		rawly(ranOn)
	},
	// These ask, and say what they got.
	"ask": func() { rawly(fmt.Sprint(ask(context.Background()))) },
	"ask without patience": func() {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New("enough"))
		err := ask(ctx)
		for s := (status{}); s["TracerPid"] != "0"; s, _ = readStatus(os.Getenv("OF")) {
		}
		rawly(fmt.Sprint(err))
	},
	"ask under a filter": func() {
		set(older, install.AllThreads, 0)
		rawly(fmt.Sprint(ask(context.Background())))
	},
	"ask again and again": func() {
		if err := ask(context.Background()); err != nil {
			panic(err)
		}
		rawly(ready)
		for ask(context.Background()) == nil {
		}
		rawly(ranOn)
	},
}

func TestMain(m *testing.M) {
	name := os.Getenv(childEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // to the main one, whose number is the process's
	children[name]()
}

func waits() {
	rawly(ready)
	io.Copy(io.Discard, os.Stdin)
	rawly(ranOn)
}

// blockSignals keeps Go's runtime from handling any on this thread, those it sends
// itself to preempt goroutines too.
func blockSignals() {
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i]--
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil {
		panic(err)
	}
}

func rawly(line string) {
	text := []byte(line + "\n")
	unix.RawSyscall(unix.SYS_WRITE, 1, uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)))
}

func ask(ctx context.Context) error {
	pid, err := strconv.Atoi(os.Getenv("OF"))
	if err != nil {
		panic(err)
	}
	_, _, err = Filters(ctx, pid)
	return err
}

// Two programs that are not alike, and SECCOMP_FILTER_FLAG_LOG.
var (
	older = []bpf.RawInstruction{{Op: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}}
	newer = []bpf.RawInstruction{
		{Op: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Op: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_GETPRIORITY},
		{Op: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | 99},
		{Op: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
)

const logs = 1 << 1

func set(program []bpf.RawInstruction, put func(string, []install.Instruction, uintptr) error, flags uintptr) {
	var p []install.Instruction
	for _, i := range program {
		p = append(p, install.Instruction{Code: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K})
	}
	if err := put("Test", p, flags); err != nil {
		panic(err)
	}
}

// child is a process that is as it should be.
type child struct {
	pid   int
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
}

func start(t *testing.T, name string, env ...string) *child {
	t.Helper()
	if children[name] == nil {
		t.Fatalf("no child %q", name)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), childEnv+"="+name, "GORACE=atexit_sleep_ms=0"), env...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd.Process.Pid, cmd, stdin, bufio.NewScanner(stdout)}
	t.Cleanup(func() {
		stdin.Close() // ends a vfork's child too
		cmd.Process.Kill()
		cmd.Wait()
	})
	c.says(t, ready)
	return c
}

// says waits for a line of the child's.
func (c *child) says(t *testing.T, want string) {
	t.Helper()
	c.lines.Scan()
	if got := c.lines.Text(); got != want {
		t.Fatalf("the child says %q where %q should be", got, want)
	}
}

// runsOn lets the child end, which must be as if nothing had been.
func (c *child) runsOn(t *testing.T) {
	t.Helper()
	c.stdin.Close()
	c.says(t, ranOn)
	c.lines.Scan()
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the child ended with %v", err)
	}
}

// waitFor waits until a field of the child's status begins so.
func (c *child) waitFor(t *testing.T, field, want string) {
	t.Helper()
	var s status
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var err error
		if s, err = readStatus(strconv.Itoa(c.pid)); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(s[field], want) {
			return
		}
	}
	t.Fatalf("%s is %s, and never became %s", field, s[field], want)
}

func needsPrivileges(t *testing.T) {
	t.Helper()
	s, err := readStatus("thread-self")
	if err != nil {
		t.Fatal(err)
	}
	if !s.capable(unix.CAP_SYS_ADMIN) || s["Seccomp"] != "0" {
		t.Skip("needs CAP_SYS_ADMIN, and to run under no filter: the kernel tells filters to no one else")
	}
}

func TestFiltersAreTheNewestFirst(t *testing.T) {
	needsPrivileges(t)
	c := start(t, "two, the second logging")
	got, remark, err := Filters(t.Context(), c.pid)
	if err != nil || remark != "" {
		t.Fatal(err, remark)
	}
	want := []Filter{{newer, logs}, {older, 0}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, wanted %v", got, want)
	}
	c.waitFor(t, "TracerPid", "0")
	c.runsOn(t)
}

func TestTracingThreadsEnd(t *testing.T) {
	for range 100 {
		var tid int
		onThread(func() { tid = unix.Gettid() })
		if tid == os.Getpid() {
			t.Fatal("it is the main thread, which does not")
		}
		for range 10000 {
			if err := unix.Tgkill(os.Getpid(), tid, 0); err == unix.ESRCH {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func TestStoppedProcessStaysStopped(t *testing.T) {
	needsPrivileges(t)
	c := start(t, "one")
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.waitFor(t, "State", "T")
	for range 3 {
		if got, _, err := Filters(t.Context(), c.pid); err != nil || !reflect.DeepEqual(got, []Filter{{older, 0}}) {
			t.Fatal(got, err)
		}
		c.waitFor(t, "TracerPid", "0")
		c.waitFor(t, "State", "T")
	}
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c.runsOn(t)
}

// A signal that arrives while the filters are taken is delivered all the same.
func TestNoSignalIsLost(t *testing.T) {
	needsPrivileges(t)
	for range 30 {
		c := start(t, "one")
		asker := start(t, "ask again and again", fmt.Sprintf("OF=%d", c.pid))
		if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		asker.runsOn(t)
		c.lines.Scan()
		var ended *exec.ExitError
		if err := c.cmd.Wait(); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
			t.Fatalf("it ended with %v, not by SIGTERM", err)
		}
	}
}

func TestThreadsThatDifferAreTold(t *testing.T) {
	needsPrivileges(t)
	c := start(t, "two on one thread, one on the others")
	got, remark, err := Filters(t.Context(), c.pid)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	for _, want := range []string{"different numbers of filters", fmt.Sprintf("%d: 2)", c.pid), fmt.Sprintf("those of thread %d", c.pid)} {
		if !strings.Contains(remark, want) {
			t.Errorf("no %q in %q", want, remark)
		}
	}
	c.runsOn(t)
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	needsPrivileges(t)
	ended := start(t, "none")
	ended.runsOn(t)
	for _, test := range []struct {
		child, want string
	}{
		{"none", "it has no filter"},
		{"one on a thread that is not the main one", "it has no filter; but its threads have different numbers of filters"},
		{"strict", "strict mode"},
		{"traced by its parent", fmt.Sprintf("process %d (", os.Getpid())},
	} {
		c := start(t, test.child)
		if _, _, err := Filters(t.Context(), c.pid); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: no %q in %v", test.child, test.want, err)
		}
	}
	for pid, want := range map[int]string{
		ended.pid:     "there is no such process",
		os.Getpid():   "secgen itself",
		unix.Gettid(): "secgen itself",
	} {
		if _, _, err := Filters(t.Context(), pid); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: no %q in %v", pid, want, err)
		}
	}
}

func TestAskersWithoutTheRightAreTold(t *testing.T) {
	needsPrivileges(t)
	c := start(t, "one")
	const nobody = 65534
	for _, test := range []struct {
		asker string
		attr  *syscall.SysProcAttr
		want  string
	}{
		{"ask", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}, "CAP_SYS_ADMIN: run secgen as root"},
		{"ask under a filter", nil, "secgen runs under a filter itself"},
		{"ask", &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}, "root of the machine"},
	} {
		if got := asked(t, c, test.asker, test.attr); !strings.Contains(got, test.want) {
			t.Errorf("%s: no %q in %s", test.asker, test.want, got)
		}
	}
	c.runsOn(t)
}

// asked is what a child is told that asks about another.
func asked(t *testing.T, of *child, asker string, attr *syscall.SysProcAttr) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+asker, "OF="+strconv.Itoa(of.pid))
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", asker, err, out)
	}
	return string(out)
}

// The caller's patience ends, the process does not stop, and all the same it is let
// go.
func TestProcessThatDoesNotStopIsLetGo(t *testing.T) {
	needsPrivileges(t)
	c := start(t, "one, asleep where no signal wakes it")
	c.waitFor(t, "State", "D")
	if got := asked(t, c, "ask without patience", nil); got != "enough\n" {
		t.Errorf("the error is %s", got)
	}
	c.waitFor(t, "TracerPid", "0")
	c.runsOn(t)
}
