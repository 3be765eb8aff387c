//go:build linux

// Command memcached runs the stock memcached server in a sandbox, in two stages: it
// starts under the filter Start, and when it has entered its event loop, the filter
// Serve is put on all its threads (package runtime/attach).
//
//	go run ./example/memcached -l 127.0.0.1 -p 11211 -u nobody
//
// The options of this command come first; what follows them, or "--", is memcached's.
//
//	-flip        one filter, Flip, for both stages: what memcached does only until it
//	             serves waits for this command, which allows it, and then refuses it
//	             with EPERM and says so. When this command has ended, such calls fail
//	             with ENOSYS, and memcached serves on.
//	-start-only  become memcached under Start, and nothing more
//	-files       the filters that let it make files: a unix socket (-s), and external
//	             storage (-o ext_path=...)
//	-verify      run servers in the sandbox that the other options say, with the same
//	             clients as servers without a filter, and compare all replies
//
// To put Serve on a process that has a filter takes CAP_SYS_ADMIN (runtime/attach);
// -flip and -start-only take no privilege. If a stage fails, memcached is killed.
// Signals are memcached's, and so is the exit status: 128 and the number of the
// signal if it was killed by one.
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
	o := parse(os.Args[1:])
	if len(o.memcached) > 0 && (o.memcached[0] == "-h" || o.memcached[0] == "--help") {
		fmt.Print(usage)
	}
	var status int
	var err error
	switch {
	case o.verify:
		status, err = o.compare()
	case o.startOnly:
		status, err = 127, o.become("memcached", os.Environ())
	default:
		status, err = o.stage()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "example/memcached:", err)
	}
	os.Exit(status)
}

const usage = `usage: memcached [-flip | -start-only] [-files] [-verify] [--] OPTIONS

-flip        refuse what memcached does only at its start, by a supervisor
-start-only  one filter, and no second stage
-files       let it have a unix socket or external storage
-verify      compare its replies with those of a server without a filter

OPTIONS are memcached's own:
`

type options struct {
	flip, startOnly, files, verify bool

	memcached []string
}

// parse takes this command's options from the beginning of args.
func parse(args []string) (o options) {
	own := map[string]*bool{"-flip": &o.flip, "-start-only": &o.startOnly, "-files": &o.files, "-verify": &o.verify}
	for len(args) > 0 && own[args[0]] != nil {
		*own[args[0]] = true
		args = args[1:]
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	o.memcached = args
	return o
}

// own lists the options that parse took.
func (o options) own() (args []string) {
	for _, option := range []struct {
		name string
		set  bool
	}{{"-flip", o.flip}, {"-start-only", o.startOnly}, {"-files", o.files}} {
		if option.set {
			args = append(args, option.name)
		}
	}
	return args
}

// install puts the filter on this thread under which memcached starts.
func (o options) install() error {
	if o.flip {
		f := filter.Flip
		if o.files {
			f = filter.FlipFiles
		}
		_, err := f.InstallNotifyThread() // notify.Take finds it
		return err
	}
	f := filter.Start
	if o.files {
		f = filter.StartFiles
	}
	return f.InstallThread()
}

// become becomes the named program under the first filter; it returns only if
// it could not. Everything is looked up and laid out before the filter is on,
// since no more than it allows can be done afterwards.
func (o options) become(name string, env []string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return fmt.Errorf("%w; Debian's package is called memcached", err)
	}
	pathp, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	argv, err := syscall.SlicePtrFromStrings(append([]string{name}, o.memcached...))
	if err != nil {
		return err
	}
	envp, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	// This thread alone: the others end at the execve, and would need calls of
	// the Go runtime until then.
	if err := o.install(); err != nil {
		return err
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE,
		uintptr(unsafe.Pointer(pathp)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envp[0])))
	return fmt.Errorf("execve of %s: %w", path, errno)
}
