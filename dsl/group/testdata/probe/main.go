// Command probe works one part of the Go runtime or of its libraries hard, under
// a filter.
//
//	probe FILTER DURATION MODE            installs FILTER on all threads, then does MODE
//	probe FILTER exec PROGRAM ARGUMENT…   installs it on one thread and becomes PROGRAM
//
// FILTER is a file of sock_filter structs, or - for none. Modes that never end of
// themselves go on for DURATION.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/secgen-dev/secgen/runtime/install"
)

// A mode prepares what it needs, and returns what is done under the filter.
type mode func() work

// work does one round of it; it is called again until the time is over.
type work func()

var modes = map[string]mode{}

func main() {
	program, err := read(os.Args[1])
	must(err)
	if os.Args[2] == "exec" {
		must(become(program, os.Args[3:]))
	}
	d, err := time.ParseDuration(os.Args[2])
	must(err)
	m := modes[os.Args[3]]
	if m == nil {
		must(fmt.Errorf("no mode %q", os.Args[3]))
	}
	do := m()
	if program != nil {
		must(install.AllThreads("Probe", program, 0))
	}
	for until := time.Now().Add(d); ; {
		do()
		if time.Now().After(until) {
			os.Exit(0)
		}
	}
}

// read uses no more than calls of the kernel: package os would start the poller,
// which is to be seen under the filter.
func read(path string) ([]install.Instruction, error) {
	if path == "-" {
		return nil, nil
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	text := make([]byte, 8*syscall.BPF_MAXINSNS)
	n, err := syscall.Read(fd, text)
	if err != nil {
		return nil, err
	}
	program := make([]install.Instruction, n/8)
	_, err = binary.Decode(text[:n], binary.NativeEndian, program)
	return program, err
}

// become installs the program on this thread and executes another.
func become(program []install.Instruction, args []string) error {
	argv, err := syscall.SlicePtrFromStrings(args)
	if err != nil {
		return err
	}
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "LD_") })
	envp, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	if program != nil {
		if err := install.ThisThread("Probe", program, 0); err != nil {
			return err
		}
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE,
		uintptr(unsafe.Pointer(argv[0])), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envp[0])))
	return errno
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(3)
	}
}
