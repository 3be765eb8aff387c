//go:build amd64 || arm64 || riscv64 || loong64 || ppc64le || s390x

package tables

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"unsafe"
)

// The running kernel must ignore what the tables say that it ignores: the call
// succeeds, or fails for the same reason, with rubbish above the argument's bits.
// (Calls of data/widths.tsv, and one of each width.)
func TestTheKernelIgnoresTheUpperBits(t *testing.T) {
	const high32, high48 = 0xdead << 32, 0xdead << 16
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	fd := f.Fd()
	path, err := syscall.BytePtrFromString(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	at := ^uintptr(99) // AT_FDCWD
	buf := make([]byte, 8)
	iov := &syscall.Iovec{Base: &buf[0]}
	iov.SetLen(len(buf))
	var pin runtime.Pinner // the addresses are numbers in the table below
	defer pin.Unpin()
	pin.Pin(path)
	pin.Pin(iov)
	pin.Pin(&buf[0])
	vec := uintptr(unsafe.Pointer(iov))
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], 0); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pipe[0])
	defer syscall.Close(pipe[1])
	ns, _ := load(t) // package syscall lacks the younger calls
	nr := func(call string) uintptr { return uintptr(ns[runtime.GOARCH][call]) }
	self := uintptr(os.Getpid())
	tests := []struct {
		name string
		nr   uintptr
		args [6]uintptr
		want syscall.Errno
	}{
		{"fd of readv", syscall.SYS_READV, [6]uintptr{fd | high32, vec, 1}, 0},
		{"fd of writev", syscall.SYS_WRITEV, [6]uintptr{fd | high32, vec, 1}, 0},
		{"fd of preadv", syscall.SYS_PREADV, [6]uintptr{fd | high32, vec, 1}, 0},
		{"fd of pwritev", syscall.SYS_PWRITEV, [6]uintptr{fd | high32, vec, 1}, 0},
		{"iovcnt of readv", syscall.SYS_READV, [6]uintptr{fd, vec, 1 | high32}, 0},
		{"iovcnt of writev", syscall.SYS_WRITEV, [6]uintptr{fd, vec, 1 | high32}, 0},
		{"iovcnt of preadv", syscall.SYS_PREADV, [6]uintptr{fd, vec, 1 | high32}, 0},
		{"iovcnt of pwritev", syscall.SYS_PWRITEV, [6]uintptr{fd, vec, 1 | high32}, 0},
		{"iovcnt of preadv2", nr("preadv2"), [6]uintptr{fd, vec, 1 | high32}, 0},
		{"iovcnt of pwritev2", nr("pwritev2"), [6]uintptr{fd, vec, 1 | high32}, 0},
		{"liovcnt of process_vm_readv", nr("process_vm_readv"), [6]uintptr{self, vec, 1 | high32, vec, 1}, 0},
		{"liovcnt of process_vm_writev", nr("process_vm_writev"), [6]uintptr{self, vec, 1 | high32, vec, 1}, 0},
		{"nr_segs of vmsplice", nr("vmsplice"), [6]uintptr{uintptr(pipe[1]), vec, 1 | high32}, 0},
		// As the upper half of an offset it would make that negative: EINVAL.
		{"pos_h of preadv", syscall.SYS_PREADV, [6]uintptr{fd, vec, 1, 0, 1 << 31}, 0},
		{"pos_h of pwritev", syscall.SYS_PWRITEV, [6]uintptr{fd, vec, 1, 0, 1 << 31}, 0},
		{"pos_h of preadv2", nr("preadv2"), [6]uintptr{fd, vec, 1, 0, 1 << 31}, 0},
		{"pos_h of pwritev2", nr("pwritev2"), [6]uintptr{fd, vec, 1, 0, 1 << 31}, 0},
		{"fd of fsync", syscall.SYS_FSYNC, [6]uintptr{fd | high32}, 0},
		{"domain of socket", syscall.SYS_SOCKET, [6]uintptr{0xffff | high32}, syscall.EAFNOSUPPORT},
		{"request of ioctl", syscall.SYS_IOCTL, [6]uintptr{fd, syscall.TCGETS | high32}, syscall.ENOTTY},
		{"mode of fchmodat", syscall.SYS_FCHMODAT, [6]uintptr{at, uintptr(unsafe.Pointer(path)), 0o600 | high48}, 0},
		// The process cannot trace itself: EPERM says that the kernel found it.
		{"pid of ptrace", syscall.SYS_PTRACE, [6]uintptr{syscall.PTRACE_ATTACH, self | high32}, syscall.EPERM},
		// What is not ignored: more segments than UIO_MAXIOV.
		{"riovcnt of process_vm_readv", nr("process_vm_readv"), [6]uintptr{self, vec, 1, vec, 1 | high32}, syscall.EINVAL},
		// Nothing is mapped at so high an address.
		{"addr of munmap", syscall.SYS_MUNMAP, [6]uintptr{1 << 63, 4096}, syscall.EINVAL},
	}
	for _, test := range tests {
		a := test.args
		_, _, errno := syscall.Syscall6(test.nr, a[0], a[1], a[2], a[3], a[4], a[5])
		if errno != test.want {
			t.Errorf("%s: got %v, want %v", test.name, errno, test.want)
		}
	}
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of fchmodat: got %v, %v, want 0600", info.Mode(), err)
	}
}

// mmap takes a structure on s390x.
func TestTheKernelIgnoresTheUpperBitsOfMmapsFd(t *testing.T) {
	if runtime.GOARCH == "s390x" {
		t.Skip("mmap has no such argument on s390x")
	}
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size := uintptr(os.Getpagesize())
	if err := f.Truncate(int64(size)); err != nil {
		t.Fatal(err)
	}
	p, _, errno := syscall.Syscall6(syscall.SYS_MMAP, 0, size, syscall.PROT_READ, syscall.MAP_SHARED, f.Fd()|0xdead<<32, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_MUNMAP, p, size, 0); errno != 0 {
		t.Error(errno)
	}
}
