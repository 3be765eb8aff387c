//go:build linux

package install

import "runtime"

// NotifyAllThreads installs a program that answers calls with Notify on every
// thread of the process, or on none, and returns the listener, closed on exec, on
// which a supervisor receives such calls. They wait for its answers, and fail with
// ENOSYS once nobody has the listener open. A supervisor in this process must make
// none of them: it would wait for itself. It needs Linux 5.7.
func NotifyAllThreads(name string, program []Instruction, flags uintptr) (fd int, err error) {
	const tsyncESRCH = 16 // else seccomp(2) would return the thread that it could not synchronise
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return install(name, program, flags|newListener|tsync|tsyncESRCH)
}

// NotifyThisThread does so on the calling thread alone, and leaves the goroutine
// locked to it as without Notify. It needs Linux 5.0.
func NotifyThisThread(name string, program []Instruction, flags uintptr) (fd int, err error) {
	runtime.LockOSThread()
	fd, err = install(name, program, flags|newListener)
	if err != nil {
		runtime.UnlockOSThread()
	}
	return fd, err
}
