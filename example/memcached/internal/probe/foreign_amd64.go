//go:build linux

package probe

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// low makes mmap stay in the first 2 GiB.
const low = unix.MAP_32BIT

// int80 makes a call of i386 from 64-bit code. Every amd64 kernel that has
// CONFIG_IA32_EMULATION takes it, and a filter sees it as AUDIT_ARCH_I386. On
// another the child gets SIGSEGV, and Try reports that there was no verdict.
func int80(number, a0, a1, a2, a3, a4, a5 uintptr) (r1 uintptr)

var i386 = way{"i386 ", 4, enterI386}

//go:nosplit
func enterI386(number uintptr, a *[6]uintptr) (uintptr, syscall.Errno) {
	r1 := int80(number, a[0], a[1], a[2], a[3], a[4], a[5])
	if e := -int32(r1); e > 0 && e < 4096 { // MAX_ERRNO of linux/err.h is 4095
		return ^uintptr(0), syscall.Errno(e)
	}
	return r1, 0
}

// x32 calls are native ones with a bit in the number (asm/unistd.h,
// __X32_SYSCALL_BIT). A kernel without CONFIG_X86_X32_ABI answers ENOSYS.
var x32 = way{"x32 ", 4, enterX32}

//go:nosplit
func enterX32(number uintptr, a *[6]uintptr) (uintptr, syscall.Errno) {
	return enterNative(number|0x40000000, a)
}

func foreignAttempts() []Attempt {
	as := []Attempt{native.attempt(call{"open", unix.SYS_OPEN, open})}
	for _, c := range i386Calls {
		as = append(as, i386.attempt(c))
	}
	for _, c := range x32Calls {
		as = append(as, x32.attempt(c))
	}
	// The native number of a call that has another in x32.
	return append(as, x32.attempt(call{"native execve", unix.SYS_EXECVE, execve}))
}

// Numbers of asm/unistd_32.h; a test compares them.
var i386Calls = []call{
	{"execve", 11, execve},
	{"execveat", 358, execveat},
	{"open", 5, open},
	{"openat", 295, openat},
	{"openat2", 437, openat2},
	{"connect", 362, connect},
	{"socket inet", 359, socketInet},
	{"socket netlink", 359, socketNetlink},
	{"socketcall", 102, socketcall},
	{"ptrace", 26, ptrace},
	{"mprotect", 125, mprotect},
	{"mmap2", 192, mmap},
	{"mmap", 90, mmapInMemory},
	{"kill", 37, kill},
}

// Numbers of asm/unistd_x32.h without the bit; a test compares them.
var x32Calls = []call{
	{"execve", 520, execve},
	{"execveat", 545, execveat},
	{"open", 2, open},
	{"openat", 257, openat},
	{"openat2", 437, openat2},
	{"connect", 42, connect},
	{"socket inet", 41, socketInet},
	{"socket netlink", 41, socketNetlink},
	{"ptrace", 521, ptrace},
	{"mprotect", 10, mprotect},
	{"mmap", 9, mmap},
	{"kill", 62, kill},
}

// socketcall is i386's older way to socket(2): the arguments lie in memory,
// where no filter sees them (linux/net.h, SYS_SOCKET).
func socketcall(m *memory) ([6]uintptr, error) {
	const sysSocket = 1
	a, err := socketInet(m)
	return [6]uintptr{sysSocket, m.words(a[:3]...)}, err
}

// mmapInMemory is i386's older mmap(2), with its arguments in memory
// (arch/x86/kernel/sys_ia32.c, struct mmap_arg_struct32).
func mmapInMemory(m *memory) ([6]uintptr, error) {
	a, err := mmap(m)
	return [6]uintptr{m.words(a[:]...)}, err
}
