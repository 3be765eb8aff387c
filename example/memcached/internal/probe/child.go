//go:build linux

package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The environment of a child says what it is to do.
const (
	attemptEnv = "SECGEN_PROBE_ATTEMPT"
	filterEnv  = "SECGEN_PROBE_FILTER"
)

// Main belongs first into the TestMain of a package that calls [Try]. In a
// child of Try it installs the filter, makes the attempt and does not return; in
// any other process it does nothing.
//
// filters install a filter on the calling thread alone, which is all that makes
// calls afterwards.
func Main(filters map[string]func() error) {
	name, ok := os.LookupEnv(attemptEnv)
	if !ok {
		return
	}
	if err := child(name, filters[os.Getenv(filterEnv)]); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(failed)
}

const failed = 3 // exit status of a child that never came to the attempt and knows why

func child(name string, install func() error) error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1) // the collector would make calls
	a, err := find(name)
	if err != nil {
		return err
	}
	if install == nil {
		return fmt.Errorf("no filter is called %q: see the call of probe.Main", os.Getenv(filterEnv))
	}
	o, err := openOutcome()
	if err != nil {
		return err
	}
	if err := a.Prepare(); err != nil {
		return err
	}
	if err := install(); err != nil {
		return err
	}
	record(a, o)
	return nil
}

// outcome lies in memory that is a file of the parent's. So it is there however
// the child ends, and the filter need not allow a call to tell it.
type outcome struct {
	stage atomic.Uint32
	errno uint32
}

// The stages. In between, the Go runtime gets no chance to make a call: what
// happens at stage trying happened to the attempt.
const (
	before = iota
	trying
	after
)

// record makes the attempt and ends the process.
//
//go:nosplit
func record(a *Attempt, o *outcome) {
	o.stage.Store(trying)
	_, errno := a.Do()
	o.errno = uint32(errno)
	o.stage.Store(after)
	syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
}

// outcomeFile is where the outcome lies in the child's home.
const outcomeFile = "outcome"

const outcomeSize = int(unsafe.Sizeof(outcome{}))

func openOutcome() (*outcome, error) {
	f, err := os.OpenFile(filepath.Join(os.Getenv("HOME"), outcomeFile), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	b, err := unix.Mmap(int(f.Fd()), 0, outcomeSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", f.Name(), err)
	}
	return (*outcome)(unsafe.Pointer(&b[0])), nil
}
