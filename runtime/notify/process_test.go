//go:build linux

package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/gen"
	golden "github.com/secgen-dev/secgen/golden/notify"
	"github.com/secgen-dev/secgen/runtime/install"
)

// childEnv says which of the children the test binary is, which install a filter on
// the whole process.
const childEnv = "SECGEN_NOTIFY_TEST_CHILD"

// everything is a program that hands every call to a supervisor.
var everything = []install.Instruction{{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF}}

var children = map[string]func(){
	// Each of many threads gets the answers to its own calls, though they are received
	// by several goroutines and answered by many.
	"many callers": func() {
		const threads, calls = 32, 200
		var callers, supervisors sync.WaitGroup
		begin := make(chan bool)
		for i := range uintptr(threads) {
			ready := make(chan bool)
			callers.Go(func() {
				runtime.LockOSThread()
				close(ready)
				<-begin
				for n := range uintptr(calls) {
					if got := call(i, n); got != (answered{i*calls + n, 0}) {
						fmt.Println("wrong:", i, n, got)
					}
				}
			})
			<-ready
		}
		l := listen(install.NotifyAllThreads("Test", asking, unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV))
		ctx, cancel := context.WithCancel(context.Background())
		for range 4 {
			supervisors.Go(func() {
				for {
					r, err := l.Receive(ctx)
					if err == context.Canceled {
						return
					}
					must(err)
					go func() { must(r.Value(int64(r.Args[0]*calls + r.Args[1]))) }()
				}
			})
		}
		close(begin)
		callers.Wait()
		cancel()
		supervisors.Wait()
		fmt.Println("done")
	},
	"a generated file's filter on all threads": func() {
		fmt.Println(golden.Ask.Install())
		fmt.Println(golden.Ask.InstallThread())
		l := listen(golden.Ask.InstallNotify())
		go func() {
			for {
				r, err := l.Receive(context.Background())
				must(err)
				must(r.Errno(unix.EPERM))
			}
		}()
		said := make(chan error)
		for range 8 {
			go func() {
				runtime.LockOSThread()
				_, _, errno := unix.Syscall(unix.SYS_UNAME, uintptr(unsafe.Pointer(&unix.Utsname{})), 0, 0) // unix.Uname is raw
				said <- errno
			}()
			if err := <-said; err != unix.EPERM {
				fmt.Println(err)
			}
		}
	},
	"exec under everything": func() {
		argv0, argv, env := cstring("/bin/sh"), []*byte{cstring("sh"), cstring("-c"), cstring("echo one; (echo two; exit 3); echo $?"), nil}, []*byte{nil}
		_, err := install.NotifyThisThread("Test", everything, unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		must(err)
		unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(argv0)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])))
	},
	"no listener": func() { io.ReadAll(os.Stdin) },
	"asks until it is killed": func() {
		_, err := install.NotifyAllThreads("Test", asking, 0)
		must(err)
		for {
			call()
		}
	},
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func listen(fd int, err error) *Listener {
	must(err)
	l, err := New(fd)
	must(err)
	return l
}

func cstring(s string) *byte {
	b, err := unix.BytePtrFromString(s)
	must(err)
	return b
}

func child(t *testing.T, name string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+name, "GORACE=atexit_sleep_ms=0")
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

func TestManyCallers(t *testing.T) {
	cmd, out := child(t, "many callers")
	if err := cmd.Run(); err != nil || out.String() != "done\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestGeneratedFiles(t *testing.T) {
	if !slices.Contains([]string{"amd64", "arm64"}, runtime.GOARCH) {
		t.Skip("the golden policy does not list " + runtime.GOARCH)
	}
	cmd, out := child(t, "a generated file's filter on all threads")
	refused := "seccomp filter Ask: nothing installed: it answers calls with Notify, which fail with ENOSYS unless a supervisor listens: " +
		"use InstallNotify, which returns the descriptor to listen on\n"
	if err := cmd.Run(); err != nil || out.String() != refused+refused {
		t.Errorf("%v\n%s", err, out)
	}
}

// A program and its children are watched from the first call to the last, under a
// filter that allows nothing.
func TestTake(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("needs /bin/sh")
	}
	cmd, out := child(t, "exec under everything")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l, err := Take(t.Context(), cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	waited := make(chan error)
	go func() { waited <- cmd.Wait() }()
	processes := map[int]bool{}
	var calls []string
	for {
		r, err := l.Receive(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.Process()
		if err != nil {
			t.Error(err)
		}
		processes[p] = true
		_, call, err := gen.Identify(r.Arch, r.Number)
		if err != nil {
			t.Error(err)
		}
		calls = append(calls, call.Name)
		if len(calls) == 1 {
			if path, err := r.CString(r.Args[0], unix.PathMax); path != "/bin/sh" || err != nil {
				t.Errorf("execve of %q: %v", path, err)
			}
		}
		if err := r.Continue(); err != nil {
			t.Error(err)
		}
	}
	if err := <-waited; err != nil || out.String() != "one\ntwo\n3\n" {
		t.Errorf("%v\n%s", err, out)
	}
	if len(processes) != 2 || len(calls) < 20 || calls[0] != "execve" || calls[len(calls)-1] != "exit_group" {
		t.Errorf("processes %v, calls %v", processes, calls)
	}
}

func TestTakeFindsNothing(t *testing.T) {
	cmd, _ := child(t, "no listener")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	why := errors.New("that is why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := Take(ctx, cmd.Process.Pid); err != why {
		t.Error(err)
	}
	taken := make(chan error)
	go func() {
		_, err := Take(t.Context(), cmd.Process.Pid)
		taken <- err
	}()
	stdin.Close()
	// Whether it sees the end or comes after it.
	if err := <-taken; err == nil || !strings.Contains(err.Error(), fmt.Sprintf("taking the listener of process %d: ", cmd.Process.Pid)) {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := Take(t.Context(), cmd.Process.Pid); !errors.Is(err, unix.ESRCH) {
		t.Error(err)
	}
}

func TestAKilledCallerIsGone(t *testing.T) {
	cmd, _ := child(t, "asks until it is killed")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l, err := Take(t.Context(), cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for n := range 100 {
		r := receive(t, l)
		if n < 99 {
			if err := r.Errno(unix.EPERM); err != nil && err != ErrGone {
				t.Error(err)
			}
			continue
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if _, err := r.CString(r.Args[0], 1); err != ErrGone {
			t.Error(err)
		}
		for _, err := range []error{r.Continue(), r.Errno(unix.EPERM), r.Value(0), r.Valid()} {
			if err != ErrGone {
				t.Error(err)
			}
		}
	}
	if _, err := l.Receive(t.Context()); err != io.EOF {
		t.Error(err)
	}
}
