//go:build linux

package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// memory is a page for what arguments point to. Where that is possible it lies
// below 4 GiB, so that 32-bit calls reach it.
type memory struct {
	page []byte
	used int
	word int

	listeners []net.Listener // open as long as the process: connect must find someone
}

func newMemory(word int) (*memory, error) {
	page, err := newPage()
	return &memory{page: page, word: word}, err
}

func newPage() ([]byte, error) {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|low)
	if err != nil {
		return nil, fmt.Errorf("a page of memory: %w", err)
	}
	return page, nil
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

// put copies b into the page, aligned to 8 bytes, and returns its address.
func (m *memory) put(b []byte) uintptr {
	at := m.page[m.used:]
	m.used += (copy(at, b) + 7) &^ 7
	return address(at)
}

func (m *memory) text(s string) uintptr { return m.put(append([]byte(s), 0)) }

// words puts numbers of the ABI's word size.
func (m *memory) words(ws ...uintptr) uintptr {
	var b []byte
	for _, w := range ws {
		if m.word == 4 {
			b = binary.NativeEndian.AppendUint32(b, uint32(w))
		} else {
			b = binary.NativeEndian.AppendUint64(b, uint64(w))
		}
	}
	return m.put(b)
}

// What execve would run, and the name that the kernel then has for the process.
const shell, shellName = "/bin/sh", "sh"

func execve(m *memory) ([6]uintptr, error) {
	argv := m.words(m.text("sh"), m.text("-c"), m.text("exit 0"), 0)
	return [6]uintptr{m.text(shell), argv, m.words(0)}, nil
}

func execveat(m *memory) ([6]uintptr, error) {
	a, err := execve(m)
	return [6]uintptr{atCWD, a[0], a[1], a[2], 0}, err
}

// atCWD is AT_FDCWD as a caller in C passes it: an int in 32 bits.
const atCWD = uintptr(uint32(unix.AT_FDCWD & 0xffffffff))

const appending = unix.O_WRONLY | unix.O_CREAT | unix.O_APPEND

// bashrc is where an intruder would make itself at home.
func bashrc(m *memory) (uintptr, error) {
	home := os.Getenv("HOME")
	if home == "" {
		return 0, errors.New("$HOME is not set")
	}
	return m.text(filepath.Join(home, ".bashrc")), nil
}

func openat(m *memory) ([6]uintptr, error) {
	path, err := bashrc(m)
	return [6]uintptr{atCWD, path, appending, 0o600}, err
}

func open(m *memory) ([6]uintptr, error) {
	path, err := bashrc(m)
	return [6]uintptr{path, appending, 0o600}, err
}

// openat2 takes struct open_how of linux/openat2.h: three 64-bit words in any ABI.
func openat2(m *memory) ([6]uintptr, error) {
	path, err := bashrc(m)
	var how []byte
	for _, w := range []uint64{appending, 0o600, 0} {
		how = binary.NativeEndian.AppendUint64(how, w)
	}
	return [6]uintptr{atCWD, path, m.put(how), uintptr(len(how))}, err
}

// connect would reach a listener of the process's own.
func connect(m *memory) ([6]uintptr, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return [6]uintptr{}, err
	}
	m.listeners = append(m.listeners, l)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return [6]uintptr{}, fmt.Errorf("a socket: %w", err)
	}
	// struct sockaddr_in: family, port (big-endian), address, eight bytes of nothing.
	addr := binary.NativeEndian.AppendUint16(nil, unix.AF_INET)
	addr = binary.BigEndian.AppendUint16(addr, uint16(l.Addr().(*net.TCPAddr).Port))
	addr = append(addr, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
	return [6]uintptr{uintptr(fd), m.put(addr), uintptr(len(addr))}, nil
}

func socketInet(*memory) ([6]uintptr, error) {
	return [6]uintptr{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, 0}, nil
}

func socketNetlink(*memory) ([6]uintptr, error) {
	return [6]uintptr{unix.AF_NETLINK, unix.SOCK_RAW | unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE}, nil
}

func ptrace(*memory) ([6]uintptr, error) { return [6]uintptr{unix.PTRACE_TRACEME}, nil }

func mprotect(*memory) ([6]uintptr, error) {
	page, err := newPage()
	if err != nil {
		return [6]uintptr{}, err
	}
	return [6]uintptr{address(page), uintptr(len(page)), unix.PROT_READ | unix.PROT_EXEC}, nil
}

func mmap(*memory) ([6]uintptr, error) {
	const anywhere, none = 0, uintptr(0xffffffff) // fd -1, as an int
	return [6]uintptr{anywhere, uintptr(os.Getpagesize()), unix.PROT_WRITE | unix.PROT_EXEC,
		unix.MAP_PRIVATE | unix.MAP_ANONYMOUS, none, 0}, nil
}

// kill asks whether process 1 could be sent a signal, and sends none.
func kill(*memory) ([6]uintptr, error) { return [6]uintptr{1, 0}, nil }
