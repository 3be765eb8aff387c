//go:build linux

package exercise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

// An Outcome tells how a step went on two servers.
type Outcome struct {
	Setup, Step string
	Difference  string // empty if there is none
}

// Compare starts two servers of a setup, one by plain and the other by filtered, has
// ready wait for the other one's filters, and takes both through the same steps at
// the same time. told gets each outcome. Both servers are ended as the setup says.
func (u Setup) Compare(ctx context.Context, plain, filtered []string, ready func(*Server) error, told func(Outcome)) error {
	ctx, cancel := context.WithCancel(ctx)
	tell := func(step, difference string) { told(Outcome{u.Name, step, difference}) }
	var servers [2]*Server
	defer func() {
		cancel()
		for _, s := range servers {
			if s != nil {
				<-s.ended
			}
		}
	}()
	for i, argv := range [][]string{plain, filtered} {
		dir, err := os.MkdirTemp("", "memcached")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o777); err != nil { // memcached changes its user
			return err
		}
		if servers[i], err = u.start(ctx, dir, argv); err != nil {
			return err
		}
	}
	if err := ready(servers[1]); err != nil {
		return err
	}
	steps := [2][]Step{u.steps(servers[0]), u.steps(servers[1])}
	for n, step := range steps[0] {
		var replies [2]Replies
		errs := both(func(i int) error {
			t := servers[i].Target()
			t.Replies = &replies[i]
			return steps[i][n].Run(ctx, t)
		})
		tell(step.Name, difference(errs, replies[0].Difference(&replies[1])))
		alive := both(func(i int) error { return servers[i].Alive() })
		if alive != [2]error{} {
			tell("alive", difference(alive, ""))
			return nil
		}
	}
	tell(u.ending, difference(both(func(i int) error { return u.end(servers[i]) }), ""))
	return nil
}

func (u Setup) start(ctx context.Context, dir string, argv []string) (*Server, error) {
	t := Target{Network: "unix", Addr: dir + "/socket"}
	if u.Name != "unix socket" {
		addr, err := freePort()
		if err != nil {
			return nil, err
		}
		t = Target{Network: "tcp", Addr: addr}
	}
	if u.options != nil {
		argv = slices.Concat(argv, u.options(t, dir))
	}
	return StartAt(ctx, t, argv...)
}

// both does something with either server, at the same time.
func both(do func(i int) error) (errs [2]error) {
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errs
}

// difference joins what went wrong on the servers with how their replies differ.
func difference(errs [2]error, replies string) string {
	if errs[0] != nil {
		errs[0] = fmt.Errorf("without a filter too: %w", errs[0])
	}
	if err := errors.Join(errs[1], errs[0]); err != nil {
		return err.Error()
	}
	return replies
}
