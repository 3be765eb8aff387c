//go:build linux

package exercise

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A Setup is a server with options, and what is done to it.
type Setup struct {
	Name  string
	Files bool // the server makes files

	ending  string
	end     func(*Server) error
	options func(t Target, dir string) []string // dir is a directory of the server's own
	steps   func(*Server) []Step
}

// Setups lists what a server of each kind can do.
func Setups() []Setup {
	return []Setup{
		{
			Name: "tcp", ending: "SIGTERM", end: by(syscall.SIGTERM),
			steps: func(s *Server) []Step { return slices.Concat(s.Signals(), Steps()) },
		},
		{
			Name: "udp", ending: "SIGUSR1", end: by(syscall.SIGUSR1),
			options: func(t Target, _ string) []string {
				return []string{"-U", t.Addr[strings.LastIndex(t.Addr, ":")+1:]}
			},
			steps: func(*Server) []Step { return []Step{{"datagrams", datagrams}} },
		},
		{
			Name: "idle timeout", ending: "SIGINT", end: by(syscall.SIGINT),
			options: func(Target, string) []string { return []string{"-o", "idle_timeout=1"} },
			steps:   func(*Server) []Step { return []Step{{"idle client", idleClient}} },
		},
		{
			Name: "unix socket", Files: true, ending: "SIGUSR1", end: by(syscall.SIGUSR1),
			steps: func(s *Server) []Step {
				return slices.DeleteFunc(Steps(), func(s Step) bool { return !slices.Contains(overUnix, s.Name) })
			},
		},
		{
			Name: "shutdown command", ending: "graceful shutdown", end: shutdown,
			options: func(Target, string) []string { return []string{"-A"} },
			steps:   func(*Server) []Step { return []Step{{"quit", quit}} },
		},
		{
			Name: "extstore", Files: true, ending: "SIGTERM", end: by(syscall.SIGTERM),
			options: func(_ Target, dir string) []string {
				path := filepath.Join(dir, "store")
				return []string{"-m", "64", "-o", "ext_page_size=8,ext_wbuf_size=2,ext_threads=1,ext_item_size=512,ext_path=" + path + ":64m"}
			},
			steps: func(*Server) []Step { return []Step{{"storage and back", alone(extstore)}} },
		},
	}
}

// overUnix are the steps in which the kind of socket may matter. Those that ask
// "stats conns" are not among them: of a client without an address, memcached 1.6.18
// tells whatever lies in its memory.
var overUnix = []string{"reset storm", "text storage", "text errors", "meta get and set", "binary storage", "quit",
	"watchers", "slow clients", "60 clients at once", "pipelined reads"}

func by(sig syscall.Signal) func(*Server) error {
	return func(s *Server) error { return s.End(sig) }
}

// shutdown has a client end the server.
func shutdown(s *Server) error {
	c := s.Target().dial(context.Background())
	defer c.close()
	c.send("shutdown graceful")
	return errors.Join(c.err, s.wait("the command shutdown"))
}

// idleClient has a client say nothing until the server has had enough.
func idleClient(ctx context.Context, t Target) error {
	idle := t.dial(ctx)
	defer idle.close()
	idle.say("mn", "MN")
	idle.ends("nothing for more than a second")
	if idle.err != nil {
		return idle.err
	}
	return alone(func(s *session) {
		if n := s.stat("idle_kicks"); s.err == nil && n == 0 {
			s.fail("stats: want idle_kicks, got none")
		}
	})(ctx, t)
}

// extstore stores more than there is memory for, until some items have come back from
// the file: items of one piece, and then of several. In the end it stores until the
// file is full.
func extstore(s *session) {
	for round, size := range []int{20_000, 700_000} {
		v := pattern(size)
		key := func(i int) string { return fmt.Sprintf("es%d.%d", round, i) }
		n := 0
		store := func(megabytes int) {
			for range megabytes << 20 / size {
				s.send(fmt.Sprintf("set %s 0 0 %d noreply\n%s", key(n), size, v))
				n++
			}
		}
		store(60)
		hits := 0
		s.await("items to be read from the file", func() bool {
			store(4)
			for i := 0; i < n && s.err == nil; i += 4 << 20 / size { // the oldest are no longer in a buffer
				get := "get " + key(i)
				before := s.stat("get_extstore") // counts, too, what was there no more
				s.send(get)
				if s.line(get, "VALUE or END") == "END" {
					continue
				}
				s.hear(get, v, "END")
				if s.stat("get_extstore") > before {
					hits++
				}
			}
			return hits > 3
		})
		s.await("a page of the file to be given up", func() bool {
			store(4)
			return s.stat("extstore_page_evictions") > 0
		})
	}
	s.stats("extstore")
	s.say("flush_all", "OK")
	s.say("extstore item_size 600", "OK")
	s.say("get es0", "END")
}
