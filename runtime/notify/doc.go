// Package notify answers the calls that a filter hands to a supervisor: those that
// a policy gives dsl.Notify, or all calls of a program that is being watched.
//
//	fd, err := policy.Ask.InstallNotify() // or [Take], from another process
//	listener, err := notify.New(fd)
//	for {
//		request, err := listener.Receive(ctx)
//		if err == io.EOF {
//			break // no process is left under the filter
//		}
//		go decide(request) // Continue, Errno, Value or AddFD
//	}
//
// The caller's thread sleeps until its request is answered. If the supervisor ends
// or closes the listener, waiting and later calls fail with ENOSYS.
//
// # What must not be decided
//
// A call that is continued is executed by the kernel, which reads the caller's
// registers as they were, but its memory anew. Whoever shares that memory, a thread
// or another process, can change it in between. So [Request.Continue] must never
// depend on what a pointer leads to: a path, a socket address, the flags of clone3
// and openat2. Nor may it depend on what a descriptor or a path stands for, since
// both can be made to stand for something else. What may be decided by following a
// pointer is to refuse a call, to do it oneself on a copy of what was read
// ([Request.Value], [Request.AddFD]), and what to write in a log.
//
// Numbers in Args that are no addresses (a socket's domain, the flags of mmap) are
// what the kernel goes by, and may be decided upon; but then a filter can do it
// alone and faster. The filter is the boundary. A supervisor that continues calls is
// a second opinion, and no replacement for it (linux/seccomp.h on
// SECCOMP_USER_NOTIF_FLAG_CONTINUE, seccomp_unotify(2)).
//
// # In the same process
//
// A goroutine can supervise the process that it is part of, if no call that gets
// Notify is one that it or the Go runtime makes: it would wait for itself. Receive
// and the answers need ppoll or poll, ioctl, epoll_pwait and futex; Memory
// process_vm_readv; the runtime what dsl/group.GoRuntime names. The calling
// goroutines must use syscall.Syscall and not RawSyscall, which keeps the scheduler
// and the garbage collector waiting too, and can so stop the supervisor for good. Package
// syscall makes some calls that way, Socket and Uname among them, and so does package
// net: supervise such calls from another process.
//
// # Kernels
//
// Listeners need Linux 5.0, Continue 5.5, Take 5.6, AddFD 5.9, and so does Receive
// to see that the last process has ended. A policy should have the flag
// dsl.WaitKillable (5.19) if it is for Go programs: their runtime interrupts threads
// with signals, and without the flag an interrupted call starts again and asks
// again, its first request being gone.
package notify
