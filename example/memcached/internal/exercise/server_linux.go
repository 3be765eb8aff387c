package exercise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Server is a memcached of our own.
type Server struct {
	Addr string
	PID  int // memcached's own, whatever launched it

	network string

	cmd    *exec.Cmd
	output output
	ended  chan struct{} // closed when cmd has ended, with err set
	err    error
}

// Start starts a memcached on a free port of the loopback interface and waits until
// it answers. argv is the command up to memcached's own name and options, with
// whatever is to stand before it ("launcher", "--", "memcached"); Start adds where to
// listen, four threads, and for root the user to become. The server is killed when
// ctx ends.
func Start(ctx context.Context, argv ...string) (*Server, error) {
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	return StartAt(ctx, Target{Network: "tcp", Addr: addr}, argv...)
}

// StartAt starts it where the caller says.
func StartAt(ctx context.Context, t Target, argv ...string) (*Server, error) {
	if t.Network == "unix" {
		argv = slices.Concat(argv, []string{"-s", t.Addr, "-a", "0777"})
	} else {
		host, port, err := net.SplitHostPort(t.Addr)
		if err != nil {
			return nil, err
		}
		argv = slices.Concat(argv, []string{"-l", host, "-p", port})
	}
	argv = append(argv, "-t", "4")
	if os.Geteuid() == 0 {
		argv = append(argv, "-u", "nobody") // memcached refuses to run as root unasked
	}
	s := &Server{Addr: t.Addr, network: t.Network, ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	// A process group, so that ending a launcher ends what it launched.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.cmd.Cancel = func() error { return syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", strings.Join(argv, " "), err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	if err := s.settle(ctx); err != nil {
		s.cmd.Cancel()
		<-s.ended
		return nil, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return s, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// settle waits until the server answers, and asks it who it is.
func (s *Server) settle(ctx context.Context) error {
	for end := time.Now().Add(2 * patience); ; time.Sleep(10 * time.Millisecond) {
		c := s.Target().dial(ctx)
		if c.err == nil {
			s.PID = c.stat("pid")
		}
		c.close()
		select {
		case <-s.ended:
			return s.dead()
		default:
		}
		if c.err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("no answer within %v: %w; it said: %q", 2*patience, c.err, s.output.String())
		}
	}
}

// Target is where the server listens.
func (s *Server) Target() Target { return Target{Network: s.network, Addr: s.Addr} }

// dead says how the server ended.
func (s *Server) dead() error {
	return fmt.Errorf("the server has ended (%v); it said: %q", s.cmd.ProcessState, s.output.String())
}

// Alive is nil while the server runs, and then tells how it ended.
func (s *Server) Alive() error {
	select {
	case <-s.ended:
		return s.dead()
	default:
		return nil
	}
}

// Says waits until the server, or what launched it, has said text.
func (s *Server) Says(text string) error {
	for end := time.Now().Add(2 * patience); s.output.count(text) == 0; time.Sleep(time.Millisecond) {
		if err := s.Alive(); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("no %q within %v; it said: %q", text, 2*patience, s.output.String())
		}
	}
	return nil
}

// KillLauncher kills what launched the server, which itself stays, and waits for its
// end.
func (s *Server) KillLauncher() error {
	if s.cmd.Process.Pid == s.PID {
		return errors.New("nothing launched the server")
	}
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	for syscall.Kill(s.cmd.Process.Pid, 0) == nil { // until cmd.Wait has noticed
		time.Sleep(time.Millisecond)
	}
	return nil
}

// Filtered is nil if all threads have that many filters.
func (s *Server) Filtered(filters int) error {
	threads, err := s.Threads()
	if err != nil {
		return err
	}
	for _, t := range threads {
		if t.Filters != filters || filters > 0 && (t.Seccomp != 2 || !t.NoNewPrivs) {
			return fmt.Errorf("thread %d (%s) has %d filters instead of %d (Seccomp %d, NoNewPrivs %v)",
				t.TID, t.Name, t.Filters, filters, t.Seccomp, t.NoNewPrivs)
		}
	}
	if len(threads) < 9 {
		return fmt.Errorf("%d threads: memcached -t 4 has more", len(threads))
	}
	return nil
}

// Stop is End with SIGTERM.
func (s *Server) Stop() error { return s.End(syscall.SIGTERM) }

// End sends a signal and waits for the end. Anything but exit status 0, or an
// end that came before, is an error.
func (s *Server) End(sig syscall.Signal) error {
	if err := s.Alive(); err != nil {
		return err
	}
	if err := syscall.Kill(s.PID, sig); err != nil {
		return fmt.Errorf("stopping the server, pid %d: %w", s.PID, err)
	}
	return s.wait(sig.String())
}

// wait waits for the end, which something has asked for.
func (s *Server) wait(asked string) error {
	select {
	case <-s.ended:
	case <-time.After(2 * patience):
		s.cmd.Cancel()
		<-s.ended
		return fmt.Errorf("the server was still there %v after %s; it said: %q", 2*patience, asked, s.output.String())
	}
	if s.err != nil {
		return s.dead()
	}
	return nil
}

// Signals lists the steps that need the process beside the connection. They find
// more if they go before [Steps], which see for the reason.
func (s *Server) Signals() []Step {
	return []Step{
		{"stop and continue", s.pause},
		{"hang-up", s.hangUp},
	}
}

// pause stops the server and lets it go on. Threads that were asleep then call
// restart_syscall(2), which no ordinary trace shows. Clients that came and went
// meanwhile have no address any more when the server asks for it, and that it
// reports with perror(3).
func (s *Server) pause(ctx context.Context, t Target) error {
	const nameless = "getpeername: Transport endpoint is not connected"
	return alone(func(c *session) {
		c.say("version", `^VERSION `)
		clients := c.connections()
		before := s.output.count(nameless)
		s.signal(c, syscall.SIGSTOP)
		c.await("the process to be stopped", func() bool { return s.stopped() })
		c.send("version")
		for range 20 {
			gone := t.dial(ctx)
			gone.reset()
			if gone.err != nil {
				c.fail("connecting to the stopped server: %w", gone.err)
			}
		}
		time.Sleep(300 * time.Millisecond)
		if c.err == nil {
			c.conn.SetReadDeadline(time.Now())
			if b, err := c.r.ReadByte(); err == nil {
				c.fail("version, to a stopped server: want silence, got byte %q", b)
			}
		}
		s.signal(c, syscall.SIGCONT)
		c.hear("version, to a server that was stopped and goes on", `^VERSION `)
		c.await("a report of nameless clients on stderr", func() bool { return s.output.count(nameless) > before })
		c.settles(clients)
		time.Sleep(1200 * time.Millisecond) // the threads that tick once a second have ticked
		c.say("version", `^VERSION `)
	})(ctx, t)
}

// hangUp sends SIGHUP, on which memcached reads its password file again, if it
// has one.
func (s *Server) hangUp(ctx context.Context, t Target) error {
	return alone(func(c *session) {
		c.say("version", `^VERSION `)
		s.signal(c, syscall.SIGHUP)
		c.say("version", `^VERSION `)
		time.Sleep(1200 * time.Millisecond) // the clock that looks for it ticks once a second
		c.say("version", `^VERSION `)
	})(ctx, t)
}

func (s *Server) signal(c *session, sig syscall.Signal) {
	if err := syscall.Kill(s.PID, sig); err != nil && c.err == nil {
		c.fail("sending %v to pid %d: %w", sig, s.PID, err)
	}
}

// stopped tells whether the process is: "T", or "t" if a tracer holds it, in /proc.
func (s *Server) stopped() bool {
	state := status(filepath.Join("/proc", strconv.Itoa(s.PID)))["State"]
	return strings.HasPrefix(state, "T") || strings.HasPrefix(state, "t")
}

// A Thread is a thread of the server as /proc tells it.
type Thread struct {
	TID        int
	Name       string
	Seccomp    int // 0 none, 1 strict, 2 filter
	Filters    int
	NoNewPrivs bool
}

// Threads lists the server's threads by number.
func (s *Server) Threads() ([]Thread, error) {
	dirs, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", s.PID))
	if err != nil || len(dirs) == 0 {
		return nil, errors.Join(err, fmt.Errorf("no threads of pid %d in /proc; is it still there?", s.PID))
	}
	var ts []Thread
	for _, dir := range dirs {
		name, err := os.ReadFile(filepath.Join(dir, "comm"))
		st := status(dir)
		if err != nil || st["Seccomp"] == "" {
			continue // ended meanwhile
		}
		t := Thread{Name: strings.TrimSpace(string(name)), NoNewPrivs: st["NoNewPrivs"] == "1"}
		t.TID, _ = strconv.Atoi(filepath.Base(dir))
		t.Seccomp, _ = strconv.Atoi(st["Seccomp"])
		t.Filters, _ = strconv.Atoi(st["Seccomp_filters"])
		ts = append(ts, t)
	}
	slices.SortFunc(ts, func(a, b Thread) int { return a.TID - b.TID })
	return ts, nil
}

// status reads the file of that name in a directory of /proc; it is empty if
// the process or thread is gone.
func status(dir string) map[string]string {
	text, _ := os.ReadFile(filepath.Join(dir, "status"))
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	return fields
}

// output keeps what the server says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) count(text string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Count(o.b.Bytes(), []byte(text))
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	const most = 2000 // the end tells why
	b := o.b.Bytes()
	return string(b[max(0, len(b)-most):])
}
