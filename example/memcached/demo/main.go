//go:build linux

// Command demo shows the example at work: memcached starts under the filter
// Start, gets the filter Serve on top, and is worked through all its commands, and
// what the filters forbid is tried under each. Where memcached is not installed, a
// small Go server stands in for it.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/secgen-dev/secgen/example/memcached/filter"
	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
	"github.com/secgen-dev/secgen/example/memcached/internal/probe"
)

var filters = map[string]func() error{
	"Start": filter.Start.InstallThread,
	"Serve": filter.Serve.InstallThread,
}

func main() {
	probe.Main(filters)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := demo(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context) error {
	bin, err := os.Executable()
	if err != nil {
		return err
	}
	server := memcached
	if _, err := exec.LookPath("memcached"); err != nil {
		fmt.Println("memcached is not installed (Debian's package of that name); a small Go server stands in for it.")
		server = goserver
	}
	if err := server(ctx, filepath.Dir(bin)); err != nil {
		return err
	}
	fmt.Println("\nWhat a child is told that tries, under each filter:")
	for _, attempt := range []string{"execve", "openat", "ptrace", "mprotect", "i386 execve", "x32 execve"} {
		for _, name := range []string{"Start", "Serve"} {
			v, err := probe.Try(ctx, name, attempt)
			if err != nil {
				return err
			}
			fmt.Printf("  %-16s under %s: %v\n", attempt, name, v)
		}
	}
	return nil
}

// memcached runs the real one through the launcher: in both stages where the kernel
// lets it, else under Start alone.
func memcached(ctx context.Context, bin string) error {
	launcher := filepath.Join(bin, "memcached")
	s, err := exercise.Start(ctx, launcher)
	if err == nil {
		err = s.Says("Serve is on all")
	}
	stages := "Start and Serve"
	if err != nil {
		fmt.Printf("Serve cannot be put on top here: %v\n\n", err)
		stages = "Start"
		if s, err = exercise.Start(ctx, launcher, "-start-only"); err != nil {
			return err
		}
	}
	threads, err := s.Threads()
	if err != nil {
		return err
	}
	fmt.Printf("memcached runs under %s on %s, pid %d:\n", stages, s.Addr, s.PID)
	for _, t := range threads {
		fmt.Printf("  thread %d (%s)  Seccomp: %d, %d filters\n", t.TID, t.Name, t.Seccomp, t.Filters)
	}
	steps := exercise.Steps()
	for _, step := range steps {
		if err := step.Run(ctx, s.Target()); err != nil {
			return err
		}
	}
	fmt.Printf("%d steps of the exerciser, every reply right.\n", len(steps))
	return s.Stop()
}

// goserver runs the stand-in, which has its own filter.
func goserver(ctx context.Context, bin string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "goserver"), addr)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var c net.Conn
	for range 100 {
		if c, err = net.Dial("tcp", addr); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(c, "set greeting 0 0 5\r\nhello\r\nget greeting\r\n")
	r := bufio.NewReader(c)
	for _, want := range []string{"STORED", "VALUE greeting 0 5", "hello", "END"} {
		line, err := r.ReadString('\n')
		if err != nil || strings.TrimSpace(line) != want {
			return fmt.Errorf("the server answers %q (%v), not %q", line, err, want)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "Seccomp:") {
			fmt.Printf("the Go server runs on %s, set and get work, %s", addr, line)
		}
	}
	return nil
}
