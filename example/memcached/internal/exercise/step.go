// Package exercise works a running memcached through everything it can do and
// checks every reply.
//
// A sandbox is right if a server inside it cannot be told from one outside.
// The steps therefore go where a policy is usually wrong: to the paths that
// are taken rarely, such as the death of a client before the server knew its
// name, the restart of a background thread, the growth of the hash table.
//
// The server must have no other clients meanwhile, loses what it holds, and must
// not have been started with options that forbid commands or protocols.
package exercise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Target is where the server listens, in the terms of [net.Dial]: "tcp" or "udp"
// and host:port, or "unix" and a path.
type Target struct {
	Network, Addr string

	Replies *Replies // if set, it keeps what the server answers
}

// A Step works one part of the server. Steps share nothing: they may be run
// alone, twice, and in any order, but one at a time.
type Step struct {
	Name string
	run  func(context.Context, Target) error
}

// Run does the step against t. Each wait within it is bounded by patience, and
// all of it by ctx. The error says what was sent, what was wanted, and what came.
func (s Step) Run(ctx context.Context, t Target) error {
	if err := s.run(ctx, t); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

// Steps lists the steps in the order that suits a fresh server. Those that fill
// the memory come late. The storm comes first and what makes the server print on
// its stderr last, since perror(3) calls dup(2) and fcntl(2) only as long as
// nothing has been printed there (glibc, stdio-common/perror.c).
func Steps() []Step {
	return []Step{
		{"reset storm", storm},
		{"text storage", alone(storage)},
		{"text numbers", alone(numbers)},
		{"text retrieval", alone(retrieval)},
		{"text errors", alone(mistakes)},
		{"text expiry", alone(expiry)},
		{"flush", alone(flush)},
		{"meta get and set", alone(metaStorage)},
		{"meta numbers", alone(metaNumbers)},
		{"meta stale items", alone(metaStale)},
		{"meta errors", alone(metaMistakes)},
		{"binary storage", plain(binaryStorage)},
		{"binary numbers", plain(binaryNumbers)},
		{"binary quiet commands", plain(binaryQuiet)},
		{"binary administration", plain(binaryAdmin)},
		{"binary quit", binaryQuit},
		{"quit", quit},
		{"counters", alone(counters)},
		{"statistics", alone(statistics)},
		{"lru settings", alone(lru)},
		{"memory limit", alone(memoryLimit)},
		{"slab settings", alone(slabs)},
		{"crawler", alone(crawler)},
		{"crawler restart", alone(crawlerRestart)},
		{"watchers", watchers},
		{"half-open clients", halfOpen},
		{"slow clients", slow},
		{"60 clients at once", crowd},
		{"large values", alone(large)},
		{"pipelined reads", alone(pipelined)},
		{"hash table growth", alone(growth)},
		{"eviction and page moves", alone(eviction)},
		{"version and verbosity", alone(version)},
	}
}

// Run does all steps against t within limit, and joins the errors of those that
// failed.
func Run(ctx context.Context, t Target) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var errs []error
	for _, s := range Steps() {
		errs = append(errs, s.Run(ctx, t))
	}
	return errors.Join(errs...)
}

const (
	patience = 10 * time.Second // longest wait for one reply or one change of state
	limit    = 20 * time.Second // longest Run; it takes about 5 s on two cores
)

// plain is the step that does a script on one connection.
func plain(script func(*session)) func(context.Context, Target) error {
	return func(ctx context.Context, t Target) error {
		s := t.dial(ctx)
		defer s.close()
		script(s)
		return s.err
	}
}

// alone is plain for the text protocols. It ends with a no-op, whose reply
// would not be the next one if a reply were left over.
func alone(script func(*session)) func(context.Context, Target) error {
	return plain(func(s *session) {
		script(s)
		s.say("mn", "MN")
	})
}

// dial opens a session. If that fails, the session does nothing but hold the error.
func (t Target) dial(ctx context.Context) *session {
	d := net.Dialer{Timeout: patience}
	conn, err := d.DialContext(ctx, t.Network, t.Addr)
	if err != nil {
		return &session{err: err}
	}
	return open(ctx, conn, t.Replies.session())
}
