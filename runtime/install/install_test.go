//go:build linux

package install

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A filter cannot be taken off again, so whatever installs one runs in a child:
// this test binary once more, told by childEnv which function of children it is.
// Each tells what it saw on standard output.
const childEnv = "SECGEN_INSTALL_TEST_CHILD"

var children = map[string]func(){}

func TestMain(m *testing.M) {
	for _, more := range []map[string]func(){verdictChildren, threadChildren, notifyChildren, refusalChildren} {
		maps.Copy(children, more)
	}
	name := os.Getenv(childEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // else goroutines of the test may get the main thread, which never ends
	children[name]()
}

const nobody = 65534

// users are who the tests run as: privileged and not.
func users(t *testing.T) map[string]uint32 {
	if os.Getuid() != 0 {
		t.Log("not root: skipped what the tests do as root")
		return map[string]uint32{"unprivileged": uint32(os.Getuid())}
	}
	return map[string]uint32{"root": 0, "unprivileged": nobody}
}

// A result is how a child ended.
type result struct {
	stdout, stderr string
	status         syscall.WaitStatus
}

// run runs the child called name as uid, and expects nothing of it.
func run(t *testing.T, name string, uid uint32) result {
	t.Helper()
	if children[name] == nil {
		t.Fatalf("no child %q", name)
	}
	// The go command keeps test binaries where only their owner may look; the
	// link in /proc leads there all the same.
	cmd := exec.Command("/proc/self/exe")
	// Under the race detector a program waits a second before it ends.
	cmd.Env = append(os.Environ(), childEnv+"="+name, "GORACE=atexit_sleep_ms=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if uid != uint32(os.Getuid()) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.Sys().(syscall.WaitStatus)}
}

// output is what the child prints that runs as uid and must succeed.
func output(t *testing.T, name string, uid uint32) string {
	t.Helper()
	r := run(t, name, uid)
	if r.status != 0 {
		t.Fatalf("the child %q ended with status %#x\n%s%s", name, r.status, r.stdout, r.stderr)
	}
	return r.stdout
}

// Instructions and actions, from linux/bpf_common.h and linux/seccomp.h.
const (
	load = syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS
	jeq  = syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K
	ret  = syscall.BPF_RET | syscall.BPF_K

	killProcess = 0x80000000
	killThread  = 0x00000000
	trap        = 0x00030000
	errnoIs     = 0x00050000
	notify      = 0x7fc00000
	trace       = 0x7ff00000
	logged      = 0x7ffc0000
	allow       = 0x7fff0000
)

// on is a program that answers the call nr with action and allows all others.
func on(nr uintptr, action uint32) []Instruction {
	return []Instruction{
		{load, 0, 0, 0},
		{jeq, 0, 1, uint32(nr)},
		{ret, 0, 0, action},
		{ret, 0, 0, allow},
	}
}

// low is where the low half of argument i is in struct seccomp_data.
func low(i int) uint32 {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		return uint32(16 + 8*i + 4)
	}
	return uint32(16 + 8*i)
}

// onArg is on for those calls that have value in the low half of argument i.
func onArg(nr uintptr, i int, value uint32, action uint32) []Instruction {
	return []Instruction{
		{load, 0, 0, 0},
		{jeq, 0, 3, uint32(nr)},
		{load, 0, 0, low(i)},
		{jeq, 0, 1, value},
		{ret, 0, 0, action},
		{ret, 0, 0, allow},
	}
}

// denied makes the call that the tests' programs are about, which the Go runtime
// has no use for, and says how it went.
func denied() string {
	_, _, errno := syscall.Syscall(syscall.SYS_GETPRIORITY, 0, 0, 0)
	if errno != 0 {
		return fmt.Sprintf("errno %d", uintptr(errno))
	}
	return "done"
}

// field is a field of a thread's status, as proc_pid_status(5) has them.
func field(thread, name string) string {
	text, err := os.ReadFile(filepath.Join("/proc/self/task", thread, "status"))
	if err != nil {
		return err.Error()
	}
	_, rest, found := strings.Cut(string(text), "\n"+name+":")
	if !found {
		return "unknown"
	}
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

func gettid() string { return fmt.Sprint(syscall.Gettid()) }

// must ends the child that could not do what its test is about.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// verdicts are the actions, and what becomes of a call that gets them.
var verdicts = []struct {
	name   string
	action uint32
	stdout string
	stderr string
	status func(syscall.WaitStatus) bool
}{
	{name: "allow", action: allow, stdout: "done"},
	{name: "log", action: logged, stdout: "done"},
	{name: "errno", action: errnoIs | 99, stdout: "errno 99"},
	{name: "trace without a tracer", action: trace | 7, stdout: fmt.Sprintf("errno %d", uintptr(syscall.ENOSYS))},
	{name: "trap", action: trap | 7, stderr: "SIGSYS: bad system call", status: func(s syscall.WaitStatus) bool { return s.ExitStatus() == 2 }},
	{name: "kill thread", action: killThread, stdout: "the thread is gone"},
	{name: "kill process", action: killProcess, status: func(s syscall.WaitStatus) bool { return s.Signaled() && s.Signal() == syscall.SIGSYS }},
}

// verdictChildren install a filter in the way that their name says, and make the
// call that it answers from a thread other than the main one.
var verdictChildren = func() map[string]func() {
	made := map[string]func(){}
	for _, v := range verdicts {
		program := on(syscall.SYS_GETPRIORITY, v.action)
		made["all threads, "+v.name] = func() {
			must(AllThreads("Test", program, 0))
			fmt.Println(<-elsewhere(denied))
		}
		made["this thread, "+v.name] = func() {
			fmt.Println(<-elsewhere(func() string {
				must(ThisThread("Test", program, 0))
				return denied()
			}))
		}
	}
	return made
}()

// elsewhere runs f on a thread of its own, and sends what f returns or that the
// thread is gone.
func elsewhere(f func() string) <-chan string {
	said, tid := make(chan string, 2), make(chan string)
	go func() {
		runtime.LockOSThread()
		tid <- gettid()
		said <- f()
	}()
	thread := <-tid
	go func() {
		if gone(thread) {
			said <- "the thread is gone"
		}
	}()
	return said
}

func TestVerdicts(t *testing.T) {
	for who, uid := range users(t) {
		for _, how := range []string{"all threads", "this thread"} {
			for _, v := range verdicts {
				t.Run(who+"/"+how+"/"+v.name, func(t *testing.T) {
					r := run(t, how+", "+v.name, uid)
					want := func(s syscall.WaitStatus) bool { return s == 0 }
					if v.status != nil {
						want = v.status
					}
					if !want(r.status) || strings.TrimSpace(r.stdout) != v.stdout || !strings.Contains(r.stderr, v.stderr) {
						t.Errorf("status %#x\n%s%s", r.status, r.stdout, r.stderr)
					}
				})
			}
		}
	}
}

// saysErrno is how a child prints an error for the tests of refusals.
func saysErrno(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return fmt.Sprintf("%v\nno errno", err)
	}
	return fmt.Sprintf("%v\nerrno %d", err, uintptr(errno))
}

// TestCallNumber compares with the numbers that golang.org/x/sys has from the
// kernel's headers.
func TestCallNumber(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	out, err := exec.Command("go", "mod", "download", "-json", "golang.org/x/sys").Output()
	if err != nil {
		t.Fatal(err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(module.Dir, "unix", "zsysnum_linux_*.go"))
	if err != nil || tables == nil {
		t.Fatalf("no tables in %s: %v", module.Dir, err)
	}
	number := regexp.MustCompile(`SYS_SECCOMP\s+= (\d+)\n`)
	known := 0
	for _, path := range tables {
		arch := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "zsysnum_linux_"), ".go")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got := callNumber(arch)
		if ^got == 0 { // an architecture of gccgo alone
			continue
		}
		known++
		want := number.FindSubmatch(text)
		if want == nil || fmt.Sprint(got) != string(want[1]) {
			t.Errorf("%s: %d, not %s", arch, got, want)
		}
	}
	if known != 13 {
		t.Errorf("compared %d architectures, not 13", known)
	}
}
