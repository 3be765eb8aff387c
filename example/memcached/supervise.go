//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/runtime/notify"
)

// supervise answers the calls that Flip leaves to it, by their numbers alone: all
// happen until the server is serving, but for a second execve, and none afterwards.
func supervise(l *notify.Listener, serving *atomic.Bool) {
	defer l.Close() // calls that nobody answers fail with ENOSYS
	executed := false
	for {
		r, err := l.Receive(context.Background())
		if err == io.EOF {
			return
		}
		if err == nil {
			execve := r.Number == unix.SYS_EXECVE
			if serving.Load() || execve && executed {
				err = refuse(r)
			} else {
				executed = executed || execve
				err = r.Continue()
			}
		}
		if err != nil && err != notify.ErrGone {
			fmt.Fprintln(os.Stderr, "example/memcached: no more calls are answered:", err)
			return
		}
	}
}

func refuse(r *notify.Request) error {
	name := fmt.Sprintf("call %d", r.Number)
	if _, call, err := gen.Identify(r.Arch, r.Number); err == nil {
		name = call.Name
	}
	fmt.Fprintf(os.Stderr, "refused %s to thread %d\n", name, r.Thread)
	return r.Errno(syscall.EPERM)
}
