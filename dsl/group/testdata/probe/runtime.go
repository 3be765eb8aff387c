package main

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

func init() {
	modes["nothing"] = func() work { return func() {} }
	// Main sleeps in the kernel and nobody polls: the runtime's own thread alone is at work.
	modes["idle"] = func() work { return func() { syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: 100000}) } }
	modes["sleep"] = func() work { return func() { time.Sleep(50 * time.Millisecond) } }
	modes["gc"] = func() work { return collect }
	modes["heap"] = func() work { return grow }
	modes["stack"] = func() work { return func() { deep(100000); runtime.GC() } }
	modes["timers"] = func() work { return timers }
	modes["preempt"] = preempt
	modes["threads"] = func() work { return threads }
	modes["signal"] = signals
	modes["recovered"] = func() work { return recovered }
	modes["pipe"] = pipe

	modes["panic"] = func() work { return func() { panic("as it should") } }
	modes["nil"] = func() work { return func() { *(*int)(nil) = 1 } }
	// An error of the runtime's that nobody can recover.
	modes["throw"] = func() work { return func() { new(sync.Mutex).Unlock() } }
	modes["deadlock"] = func() work { return func() { select {} } }
	modes["goexit"] = func() work { return runtime.Goexit }
	modes["overflow"] = func() work { debug.SetMaxStack(1 << 20); return func() { deep(1 << 30) } }
	modes["sigpipe"] = sigpipe
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGABRT, syscall.SIGSEGV} {
		modes[signalName(s)] = func() work {
			return func() {
				must(syscall.Kill(syscall.Getpid(), s))
				time.Sleep(time.Hour) // not for ever, which is a deadlock and another end
			}
		}
	}
}

func signalName(s syscall.Signal) string {
	return map[syscall.Signal]string{
		syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT",
		syscall.SIGTERM: "SIGTERM", syscall.SIGABRT: "SIGABRT", syscall.SIGSEGV: "SIGSEGV",
	}[s]
}

type node struct {
	next *node
	load [200]byte
}

var kept sync.Map

// collect makes garbage from several goroutines, with collections all the time.
func collect() {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			var list *node
			for range 30000 {
				list = &node{next: list}
			}
			kept.Store(g, list)
		})
	}
	wg.Wait()
	runtime.GC()
}

// grow takes memory and gives it back to the system.
func grow() {
	var blocks [][]byte
	for range 16 {
		b := make([]byte, 4<<20)
		for i := range b {
			b[i] = 1
		}
		blocks = append(blocks, b)
	}
	runtime.KeepAlive(blocks)
	blocks = nil
	debug.FreeOSMemory()
}

func deep(n int) int {
	var pad [64]byte
	if n == 0 {
		return int(pad[0])
	}
	return deep(n-1) + int(pad[n%64])
}

// timers start, fire and are stopped while threads wait for them.
func timers() {
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			t := time.NewTimer(time.Hour)
			defer t.Stop()
			select {
			case <-t.C:
			case <-time.After(time.Millisecond):
			}
			time.AfterFunc(time.Microsecond, func() {})
		})
	}
	wg.Wait()
}

// preempt collects while loops run that never call anything.
func preempt() work {
	var n [4]int
	for i := range n {
		go func() {
			for {
				n[i]++
			}
		}()
	}
	return func() { runtime.GC(); time.Sleep(time.Millisecond) }
}

// threads makes some that sleep in the kernel and some that end with their goroutines.
func threads() {
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			runtime.LockOSThread() // and so ends the thread
			syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: 1000})
		})
	}
	wg.Wait()
}

// signals sends some that the program wants, some that it ignores, and takes its
// wishes back.
func signals() work {
	return func() {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGUSR1, syscall.SIGTERM)
		for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM} {
			must(syscall.Kill(syscall.Getpid(), s))
			if got := <-c; got != s {
				must(errors.New("another signal: " + got.String()))
			}
		}
		signal.Ignore(syscall.SIGHUP)
		must(syscall.Kill(syscall.Getpid(), syscall.SIGHUP))
		signal.Reset()
	}
}

func recovered() {
	defer func() {
		if recover() == nil {
			must(errors.New("nothing to recover"))
		}
	}()
	*(*int)(nil) = 1
}

// pipe has a goroutine wait for what another writes, and for nothing.
func pipe() work {
	r, w, err := os.Pipe()
	must(err)
	b := make([]byte, 1)
	return func() {
		go w.Write([]byte("x"))
		_, err := r.Read(b)
		must(err)
		must(r.SetReadDeadline(time.Now().Add(time.Millisecond)))
		if _, err := r.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
			must(errors.New("no deadline"))
		}
		must(r.SetReadDeadline(time.Time{}))
	}
}

// sigpipe writes to a standard output that nobody reads.
func sigpipe() work {
	r, w, err := os.Pipe()
	must(err)
	must(r.Close())
	must(syscall.Dup3(int(w.Fd()), 1, 0))
	return func() { os.Stdout.WriteString("x") }
}
