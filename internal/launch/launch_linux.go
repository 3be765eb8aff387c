package launch

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/runtime/install"
	"github.com/secgen-dev/secgen/runtime/notify"
)

// Command is a program to start, and the filter to start it under.
type Command struct {
	Path    string   // of an executable file
	Args    []string // from Args[0] on, its name
	Env     []string // nil: this process's
	Name    string   // of the filter, for errors
	Program []install.Instruction
	Flags   uintptr // seccomp(2)'s, but NEW_LISTENER
}

// Find returns the command that a shell would execute for these words.
func Find(args []string) (Command, error) {
	path, err := exec.LookPath(args[0])
	if errors.Is(err, exec.ErrDot) { // a shell whose PATH says so takes it
		err = nil
	}
	return Command{Path: path, Args: args}, err
}

// started is a command that runs, or is about to.
type started struct {
	*os.Process
	listener *notify.Listener // where its calls arrive, beginning with the execve that it becomes the command by

	word <-chan error
}

// childName is what Child knows itself by.
const childName = "secgen: to become a command"

// start has a child of this program install the filter on one of its threads and
// become the command by execve, which ends the others. The filter must hand over
// execve, so that the child waits there until the listener is in other hands; all
// else is done before, so the filter need not let it happen. The command gets this
// process's standard files, environment and directory. Programs that use this package
// call Child first of all.
func (c Command) start(ctx context.Context) (*started, error) {
	if c.Env == nil {
		c.Env = os.Environ()
	}
	in, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	words, out, err := os.Pipe()
	if err != nil {
		in.Close()
		orders.Close()
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{childName}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{in, out}
	// Else the runtime may interrupt the thread under the filter by a signal, and the
	// return from it would be a call that the filter judges.
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
	err = cmd.Start()
	in.Close()
	out.Close()
	if err != nil {
		orders.Close()
		words.Close()
		return nil, fmt.Errorf("starting a process for %s: %w", c.Path, err)
	}
	word := make(chan error, 1)
	go func() {
		defer words.Close()
		text, _ := io.ReadAll(words) // ends at the execve
		if len(text) > 0 {
			word <- said(text)
		}
		close(word)
	}()
	if err = gob.NewEncoder(orders).Encode(c); err == nil { // JSON has no bytes that are no UTF-8
		err = orders.Close()
	}
	var listener *notify.Listener
	if err == nil {
		listener, err = notify.Take(ctx, cmd.Process.Pid)
	}
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		if said := <-word; said != nil { // the reason why there is no listener
			err = said
		}
		return nil, err
	}
	return &started{cmd.Process, listener, word}, nil
}

// failed waits until the process has become the command, and returns the error if it
// could not. Its calls must be answered meanwhile.
func (s *started) failed() error { return <-s.word }

// Supervise starts the command, unless the context has ended, passes on signals to
// it, and has each call that arrives answered until the last process under the filter
// has ended; an error of answer's but notify.ErrGone ends it. The state is the
// command's. Afterwards the context counts no more: what ends it is a signal.
func (c Command) Supervise(ctx context.Context, answer func(*notify.Request) error) (*os.ProcessState, error) {
	signals := caught()
	defer signal.Stop(signals)
	if ctx.Err() != nil { // by a signal that came before
		return nil, context.Cause(ctx)
	}
	s, err := c.start(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	defer s.listener.Close()
	defer s.forward(signals)()
	var state *os.ProcessState
	ended := make(chan error, 1)
	go func() {
		var err error
		state, err = s.Wait()
		ended <- err
	}()
	if err := s.serve(answer); err != nil {
		s.Kill()
		<-ended
		return nil, fmt.Errorf("%w: the command cannot go on", err)
	}
	err = <-ended
	if failed := s.failed(); failed != nil {
		return nil, failed
	}
	return state, err
}

func (s *started) serve(answer func(*notify.Request) error) error {
	for {
		request, err := s.listener.Receive(context.Background())
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = answer(request)
		}
		if err != nil && err != notify.ErrGone {
			return err
		}
	}
}

// WaitKillable is the flag of seccomp(2) by which signals do not interrupt a call that
// was handed over, if this kernel has it (Linux 5.19), else 0.
func WaitKillable() uintptr {
	handOver := []install.Instruction{{Code: syscall.BPF_RET | syscall.BPF_K, K: 0x7fc00000}} // SECCOMP_RET_USER_NOTIF
	if install.Check(handOver, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) == nil {
		return unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	}
	return 0
}

// Becoming reports whether a process is start's child still.
func Becoming(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && string(line) == childName+"\x00"
}

// Child does what start wants of a child, and does not return; in any other process
// it does nothing.
func Child() {
	if len(os.Args) != 1 || os.Args[0] != childName {
		return
	}
	orders, words := os.NewFile(3, "orders"), os.NewFile(4, "words")
	syscall.CloseOnExec(4)
	err := become(orders)
	var errno syscall.Errno
	errors.As(err, &errno)
	fmt.Fprintf(words, "%d %v", errno, err)
	os.Exit(127)
}

// said is the error that Child wrote.
func said(text []byte) error {
	number, message, _ := strings.Cut(string(text), " ")
	errno, err := strconv.Atoi(number)
	if err != nil || errno == 0 {
		return errors.New(message)
	}
	return &failure{message, syscall.Errno(errno)}
}

// failure is an error of the child's, which says what kind it is of.
type failure struct {
	message string
	errno   syscall.Errno
}

func (f *failure) Error() string { return f.message }
func (f *failure) Unwrap() error { return f.errno }

// become returns only if it fails.
func become(orders *os.File) error {
	var c Command
	if err := gob.NewDecoder(orders).Decode(&c); err != nil {
		return fmt.Errorf("what to become: %w", err)
	}
	orders.Close()
	path, err := syscall.BytePtrFromString(c.Path)
	if err != nil {
		return err
	}
	args, err := syscall.SlicePtrFromStrings(c.Args)
	if err != nil {
		return err
	}
	env, err := syscall.SlicePtrFromStrings(c.Env)
	if err != nil {
		return err
	}
	if _, err := install.NotifyThisThread(c.Name, c.Program, c.Flags); err != nil {
		return err
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&args[0])), uintptr(unsafe.Pointer(&env[0])))
	return &os.PathError{Op: "executing", Path: c.Path, Err: errno}
}

// Status is the exit status that a shell has for what Wait returned: 128 and the
// signal, if one ended the process.
func Status(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
