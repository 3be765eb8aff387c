//go:build linux

package notify

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Structures of linux/seccomp.h.
type (
	notification struct { // struct seccomp_notif
		id          uint64
		pid         uint32
		flags       uint32
		nr          int32 // from here on struct seccomp_data
		arch        uint32
		instruction uint64
		args        [6]uint64
	}
	response struct { // struct seccomp_notif_resp
		id    uint64
		value int64
		errno int32 // negative
		flags uint32
	}
	addition struct { // struct seccomp_notif_addfd
		id       uint64
		flags    uint32
		fd       uint32
		newFD    uint32
		newFlags uint32
	}
)

// sizes are how large the kernel's structures are, which may have grown: struct
// seccomp_notif_sizes.
type sizes struct{ notification, response, data uint16 }

func kernelSizes() (s sizes, err error) {
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_NOTIF_SIZES, 0, uintptr(unsafe.Pointer(&s)))
	if errno != 0 {
		return s, errno
	}
	s.notification = max(s.notification, uint16(unsafe.Sizeof(notification{})))
	s.response = max(s.response, uint16(unsafe.Sizeof(response{})))
	return s, nil
}

// room is zeroed memory of a size in bytes, aligned for the structures.
func room(size uint16) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
}

func ioctl(fd int, request uintptr, p unsafe.Pointer) (int, error) {
	r, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(p))
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
