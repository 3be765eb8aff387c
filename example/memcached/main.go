//go:build linux

// Command memcached starts the stock memcached server in a sandbox: it installs
// the filter Start on its own thread and becomes memcached by execve, which
// keeps the filter.
//
//	go run ./example/memcached -l 127.0.0.1 -p 11211 -u nobody
//
// All arguments are memcached's.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"github.com/secgen-dev/secgen/example/memcached/filter"
)

//go:generate env GOOS= GOARCH= go run github.com/secgen-dev/secgen/cmd/secgen generate -o filter/filter_linux.go -other filter/filter_other.go ./policy

func main() {
	err := launch("memcached", os.Args[1:], os.Environ())
	fmt.Fprintln(os.Stderr, "example/memcached:", err)
	os.Exit(127)
}

// launch becomes the named program under the filter Start; it returns only if
// it could not. Everything is looked up and laid out before the filter is on,
// since no more than Start allows can be done afterwards.
func launch(name string, args, env []string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return fmt.Errorf("%w; Debian's package is called memcached", err)
	}
	pathp, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	argv, err := syscall.SlicePtrFromStrings(append([]string{name}, args...))
	if err != nil {
		return err
	}
	envp, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	// This thread alone: the others end at the execve, and would need calls of
	// the Go runtime until then.
	if err := filter.Start.InstallThread(); err != nil {
		return err
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE,
		uintptr(unsafe.Pointer(pathp)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envp[0])))
	return fmt.Errorf("execve of %s: %w", path, errno)
}
