package main

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// facts are what the kernel's own behaviour says of constants and arguments that
// differ between architectures, by their names in secgen's tables. Those that it
// could not find out are missing.
func facts() map[string]int64 {
	found := map[string]int64{}
	for name, find := range map[string]func() (int64, bool){
		"ENOSYS": noSuchCall, "ENAMETOOLONG": longName, "SOCK_STREAM": stream, "O_DIRECTORY": directory, "MAP_ANONYMOUS": anonymous,
		"clone.flags": cloneFlags, "pread64.offset, lower half": func() (int64, bool) { return offset(1) }, "pread64.offset, upper half": upperHalf,
	} {
		if v, ok := find(); ok {
			found[name] = v
		}
	}
	return found
}

// x32Facts are the same of x32: whether the kernel serves it. Its numbers are amd64's
// with bit 30, and some others.
func x32Facts() map[string]int64 {
	found := map[string]int64{}
	if pid, _, _ := syscall.RawSyscall(unix.SYS_GETPID|1<<30, 0, 0, 0); int(pid) == os.Getpid() {
		found["getpid works"] = 1
	}
	return found
}

// noSuchCall is the errno of a call that no kernel has.
func noSuchCall() (int64, bool) {
	_, _, errno := syscall.RawSyscall(unix.SYS_GETPID+900, 0, 0, 0)
	return int64(errno), errno != 0
}

func longName() (int64, bool) {
	err := syscall.Access("/"+strings.Repeat("x", 256), 0)
	errno, ok := err.(syscall.Errno)
	return int64(errno), ok
}

// stream is the lowest type of Unix sockets that can listen.
func stream() (int64, bool) {
	for kind := range 10 {
		fd, err := syscall.Socket(syscall.AF_UNIX, kind, 0)
		if err != nil {
			continue
		}
		defer syscall.Close(fd)
		if syscall.Bind(fd, &syscall.SockaddrUnix{}) == nil && syscall.Listen(fd, 1) == nil {
			return int64(kind), true
		}
	}
	return 0, false
}

// directory is the flag with which a file that is no directory cannot be opened.
func directory() (int64, bool) {
	return bit(func(flag int) bool {
		fd, err := syscall.Open("/proc/version", flag, 0)
		syscall.Close(fd)
		return err == syscall.ENOTDIR
	})
}

// anonymous is the flag with which memory is mapped without a file.
func anonymous() (int64, bool) {
	return bit(func(flag int) bool {
		_, err := unix.MmapPtr(-1, 0, nil, 4096, unix.PROT_READ, unix.MAP_PRIVATE|flag)
		return err == nil
	})
}

func bit(has func(int) bool) (int64, bool) {
	for i := 2; i < 31; i++ {
		if has(1 << i) {
			return 1 << i, true
		}
	}
	return 0, false
}

// cloneFlags is the argument of clone(2) that must not hold CLONE_THREAD alone. In
// the other place that is a stack, on which a child comes to an end at once.
func cloneFlags() (int64, bool) {
	args := [2]uintptr{syscall.CLONE_THREAD, 0}
	for i := range args {
		pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, args[0], args[1], 0, 0, 0, 0)
		if errno == syscall.EINVAL {
			return int64(i), true
		}
		if pid == 0 {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
		args[0], args[1] = args[1], args[0]
	}
	return 0, false
}

// far is an offset that takes more than a register of 32 bits.
const far = 1 << 32

func upperHalf() (int64, bool) {
	if unsafe.Sizeof(uintptr(0)) == 8 {
		return 0, false
	}
	return offset(far)
}

// offset is the argument of pread64(2) in which 1 stands for an offset.
func offset(of int64) (int64, bool) {
	f, err := os.OpenFile("/far", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("x"), of); err != nil {
		return 0, false
	}
	for slot := 3; slot < 6; slot++ {
		var b [1]byte
		args := [6]uintptr{f.Fd(), uintptr(unsafe.Pointer(&b)), 1}
		args[slot] = 1
		n, _, _ := syscall.RawSyscall6(syscall.SYS_PREAD64, args[0], args[1], args[2], args[3], args[4], args[5])
		if n == 1 && b[0] == 'x' {
			runtime.KeepAlive(f)
			return int64(slot), true
		}
	}
	return 0, false
}
