//go:build amd64 || arm64

package attach

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// TestMain makes of this test binary what tests attach to, or another that attaches.
func TestMain(m *testing.M) {
	switch os.Getenv("SECGEN_ATTACH_TEST") {
	case "":
		var err error
		if bins, err = os.MkdirTemp("", "secgen-attach"); err != nil {
			panic(err)
		}
		code := m.Run()
		os.RemoveAll(bins)
		os.Exit(code)
	case "attach":
		pid, _ := strconv.Atoi(os.Getenv("OF"))
		_, err := Install(context.Background(), pid, "Test", on(unix.SYS_GETPRIORITY, errnoIs|99), 0)
		fmt.Println(err)
	case "threads":
		threadsComeAndGo()
	}
}

const errnoIs, edom = unix.SECCOMP_RET_ERRNO, uint32(unix.EDOM)

// on gives one call an answer and allows the others.
func on(nr, ret uint32) []bpf.RawInstruction {
	return []bpf.RawInstruction{
		{Op: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Op: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: nr},
		{Op: unix.BPF_RET | unix.BPF_K, K: ret},
		{Op: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
}

// bins is where built programs are, until the tests end.
var bins string

// prebuilt names testdata/child.c's program where there is no compiler, as in the lab.
const prebuilt = "SECGEN_ATTACH_CHILD"

// program is testdata/child.c.
var program = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv(prebuilt); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(bins, "child")
	out, err := exec.Command("gcc", "-O1", "-pthread", "-o", bin, "testdata/child.c").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return bin, err
})

// child is a process that is ready.
type child struct {
	*exec.Cmd
	pid   int
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// start starts testdata/child.c.
func start(t *testing.T, args ...string) *child {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil && os.Getenv(prebuilt) == "" {
		t.Skip("needs gcc")
	}
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, exec.Command(bin, args...))
}

func run(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
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
	c := &child{cmd, cmd.Process.Pid, stdin, bufio.NewScanner(stdout)}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	if c.lines.Scan(); c.lines.Text() != "ready" {
		t.Fatalf("the child says %q", c.lines.Text())
	}
	return c
}

// rest is what the child says until its end, which must be a good one.
func (c *child) rest(t *testing.T) string {
	t.Helper()
	c.stdin.Close()
	var b strings.Builder
	for c.lines.Scan() {
		fmt.Fprintln(&b, c.lines.Text())
	}
	if err := c.Wait(); err != nil {
		t.Errorf("the child ended with %v", err)
	}
	return b.String()
}

// asleep waits until the child's main thread sleeps in a call.
func (c *child) asleep(t *testing.T, nr int) {
	t.Helper()
	c.await(t, fmt.Sprintf("call %d", nr), func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", c.pid))
		return strings.HasPrefix(string(text), strconv.Itoa(nr)+" ")
	})
}

func (c *child) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s never came", what)
		}
	}
}

// status is what attaching may change, or must not leave: mode, filters,
// no_new_privs, tracer and blocked signals of each thread, by its number.
func (c *child) status(t *testing.T) string {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", c.pid))
	var b strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(&b, filepath.Base(filepath.Dir(f)))
		for line := range strings.Lines(string(text)) {
			switch name, value, _ := strings.Cut(line, ":"); name {
			case "Seccomp", "Seccomp_filters", "NoNewPrivs", "TracerPid", "SigBlk":
				fmt.Fprintf(&b, " %s:%s", name, strings.TrimSpace(value))
			}
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

func (c *child) mapped(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", c.pid))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func needsRoot(t *testing.T) {
	t.Helper()
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil || os.Getuid() != 0 || !strings.Contains(string(status), "\nSeccomp:\t0\n") {
		t.Skip("needs root, and to run under no filter")
	}
}

func TestProcessIsAsItWasButForTheFilter(t *testing.T) {
	c := start(t, "filter", "-1", "0x7fff0000")
	needsRoot(t)
	status, maps := c.status(t), c.mapped(t)
	for range 3 {
		report, err := Install(t.Context(), c.pid, "Test", on(unix.SYS_GETPRIORITY, errnoIs|edom), 0)
		if err != nil {
			t.Fatal(err)
		}
		if report.Threads != 1 || report.Thread != c.pid || report.Mapped != 0 {
			t.Errorf("%+v", report)
		}
		t.Log("held for", report.Held)
	}
	if got, want := c.status(t), strings.Replace(status, "Seccomp_filters:1", "Seccomp_filters:4", 1); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := c.mapped(t); got != maps {
		t.Errorf("the memory was\n%s\nand is\n%s", maps, got)
	}
	if got, want := c.rest(t), "ran on: 0 \ngetpriority: -1 EDOM\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a call returns that the thread sleeps in is what it returns under strace.
func TestInterruptedCallsEndAsUnderStrace(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs strace")
	}
	nothing := func(*testing.T, *child) {}
	for _, test := range []struct {
		call string
		nr   int
		then func(*testing.T, *child) // what ends the call
	}{
		{"read", unix.SYS_READ, func(t *testing.T, c *child) { c.stdin.Write([]byte("x")) }},
		{"epoll_wait", unix.SYS_EPOLL_PWAIT, nothing},
		{"futex", unix.SYS_FUTEX, nothing},
		{"nanosleep", unix.SYS_NANOSLEEP, nothing},
		{"accept", unix.SYS_ACCEPT, func(t *testing.T, c *child) {
			conn, err := net.Dial("unix", fmt.Sprintf("@secgen-attach-%d", c.pid))
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
		}},
	} {
		t.Run(test.call, func(t *testing.T) {
			said := map[string]string{}
			for who, do := range map[string]func(*testing.T, int){"attach": attached, "strace": straced, "nobody": func(*testing.T, int) {}} {
				if who == "nobody" && test.call == "epoll_wait" {
					continue // nobody would end it
				}
				c := start(t, test.call)
				c.asleep(t, test.nr)
				do(t, c.pid)
				test.then(t, c)
				said[who] = c.rest(t)
			}
			if said["attach"] != said["strace"] || test.call != "epoll_wait" && said["attach"] != said["nobody"] {
				t.Errorf("%q", said)
			}
			t.Log(said["attach"])
		})
	}
}

func attached(t *testing.T, pid int) {
	t.Helper()
	if _, err := Install(t.Context(), pid, "Test", on(unix.SYS_GETPRIORITY, errnoIs|99), 0); err != nil {
		t.Error(err)
	}
}

// straced has strace attach to a process, and detach.
func straced(t *testing.T, pid int) {
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-p", strconv.Itoa(pid), "-o", trace)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if text, _ := os.ReadFile(trace); len(text) > 0 {
			break
		}
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
}

// A call of which time is left goes on by restart_syscall(2), not from its beginning.
func TestSleepGoesOn(t *testing.T) {
	c := start(t, "nanosleep")
	c.asleep(t, unix.SYS_NANOSLEEP)
	if _, err := Install(t.Context(), c.pid, "Test", on(unix.SYS_NANOSLEEP, errnoIs|99), 0); err != nil {
		t.Fatal(err)
	}
	if got, want := c.rest(t), "nanosleep: 0 \nslept enough: 1 \n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A filter that denies restart_syscall(2) does not hit a call for being interrupted.
func TestFilterMayDenyRestarts(t *testing.T) {
	c := start(t, "naps")
	c.asleep(t, unix.SYS_NANOSLEEP)
	if _, err := Install(t.Context(), c.pid, "Test", on(unix.SYS_RESTART_SYSCALL, unix.SECCOMP_RET_KILL_PROCESS), 0); err != nil {
		t.Fatal(err)
	}
	if got, want := c.rest(t), "naps that failed: 0 \n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNoSignalIsLost(t *testing.T) {
	needsRoot(t)
	c := start(t, "signals")
	stop := make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				attached(t, c.pid)
			}
		}
	})
	for i := 1; i <= 100; i++ {
		queue(t, c.pid, i)
		time.Sleep(100 * time.Microsecond)
	}
	c.lines.Scan()
	sum := c.lines.Text()
	close(stop)
	wg.Wait()
	if got, want := sum+"\n"+c.rest(t), "sum: 5050 \nblocked: 1 \nothers blocked: 0 \n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// queue sends SIGRTMIN with a value: siginfo_t of asm-generic/siginfo.h.
func queue(t *testing.T, pid, value int) {
	const queued, min = -1, 34 // SI_QUEUE; glibc's SIGRTMIN
	info := struct {
		signo, errno, code, _ int32
		pid, uid              int32
		value                 int64
		_                     [96]byte
	}{signo: min, code: queued, pid: int32(os.Getpid()), value: int64(value)}
	if _, _, errno := unix.Syscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(pid), min, uintptr(unsafe.Pointer(&info))); errno != 0 {
		t.Fatal(errno)
	}
}

func TestStoppedProcessStaysStopped(t *testing.T) {
	c := start(t, "read")
	c.asleep(t, unix.SYS_READ)
	state := func(want string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.pid))
			return strings.Contains(string(text), ") "+want+" ")
		}
	}
	c.Process.Signal(syscall.SIGSTOP)
	c.await(t, "the stop", state("T"))
	attached(t, c.pid)
	c.await(t, "the stop", state("T"))
	c.Process.Signal(syscall.SIGCONT)
	c.asleep(t, unix.SYS_READ)
	c.stdin.Write([]byte("x"))
	if got, want := c.rest(t), "read: 1 \n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A filter that lets nothing unmap the page it came in can be installed all the same.
func TestFilterMayDenyMunmap(t *testing.T) {
	c := start(t, "read")
	c.asleep(t, unix.SYS_READ)
	report, err := Install(t.Context(), c.pid, "Test", on(unix.SYS_MUNMAP, unix.SECCOMP_RET_KILL_PROCESS), 0)
	if err != nil || report.Mapped != os.Getpagesize() {
		t.Errorf("%+v, %v", report, err)
	}
	c.stdin.Write([]byte("x"))
	if got, want := c.rest(t), "read: 1 \n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMainThreadMayHaveEnded(t *testing.T) {
	c := start(t, "leaderless")
	c.await(t, "the end of the main thread", func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.pid))
		return strings.Contains(string(text), ") Z ")
	})
	report, err := Install(t.Context(), c.pid, "Test", on(unix.SYS_GETPRIORITY, errnoIs|99), 0)
	if err != nil || report.Threads != 1 || report.Thread == c.pid {
		t.Errorf("%+v, %v", report, err)
	}
	if got, want := c.rest(t), "ran on: 0 \n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// threadsComeAndGo is a Go program that makes and ends threads all the time, and in
// the end says what calls get on new ones and on old ones.
func threadsComeAndGo() {
	denied := func() string {
		_, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
		return fmt.Sprint(err)
	}
	end := make(chan bool)
	var wg, asked sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				ended := make(chan bool)
				go func() { runtime.LockOSThread(); close(ended) }()
				<-ended
			}
		})
	}
	said := make(chan string, 64)
	ask := make(chan bool)
	for range 32 {
		asked.Go(func() { runtime.LockOSThread(); <-ask; said <- denied() })
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	close(ask)
	for range 32 {
		asked.Go(func() { runtime.LockOSThread(); said <- denied() })
	}
	asked.Wait()
	close(end)
	wg.Wait()
	got := map[string]int{}
	for range 64 {
		got[<-said]++
	}
	fmt.Println(got)
}

func TestThreadsMayComeAndGo(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "SECGEN_ATTACH_TEST=threads", "GORACE=atexit_sleep_ms=0")
	c := run(t, cmd)
	for range 20 {
		report, err := Install(t.Context(), c.pid, "Test", on(unix.SYS_GETPRIORITY, errnoIs|edom), 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", report)
		if os.Getuid() != 0 {
			break // who has no CAP_SYS_ADMIN can do it once
		}
	}
	if got, want := c.rest(t), fmt.Sprintln(map[string]int{unix.EDOM.Error(): 64}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
