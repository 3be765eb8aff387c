//go:build amd64 || arm64

package process

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Borrowed is a thread of a process that is held where it enters a system call, and
// makes others first. There a call that was interrupted to get hold of it has been
// restarted by the kernel, no restartable sequence of rseq(2)'s can be cut in two,
// and the instruction that calls the kernel is at hand.
type Borrowed struct {
	Thread // as it was when it was held

	own     registers // at the entry of its own call
	mask    uint64    // the signals that it blocked there
	entered bool      // it is still there
}

// Borrow holds a thread of a thread's process, has f act on it, and lets it go on
// with its own call, registers and signals being as they were. It tells how long the
// thread was held; other threads run on. It is not held at calls that past reports,
// which takes them as Data returns them.
//
// The process must not be traced, and secgen be allowed to (ptrace(2), PTRACE_SEIZE).
// A call that the thread sleeps in is interrupted, and then restarted, or ends with
// EINTR, as under strace (signal(7) has the list). If secgen is killed while it has
// the thread, the thread goes on with the wrong registers.
func Borrow(ctx context.Context, pid int, past func(own []byte) bool, f func(*Borrowed) error) (held time.Duration, err error) {
	s, err := readStatus(strconv.Itoa(pid))
	if err != nil {
		return 0, unknown(err)
	}
	if err := traceable(s); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience,
		errors.New("it makes no system call that it could be held at: it computes, or sleeps where no signal wakes it (state D in /proc); try again later"))
	defer cancel()
	err = errors.New("all its threads have ended, or sleep where no signal wakes them (state D in /proc)")
	for _, tid := range inclined(Threads(pid)) {
		var b *Borrowed
		onThread(func() {
			if b, err = hold(ctx, tid, past); err == nil {
				held, err = b.use(f)
			}
		})
		if b != nil || !errors.Is(err, errEnded) {
			break
		}
	}
	return held, err
}

// inclined lists threads, those first that are likely to make a system call soon:
// asleep in one that a signal interrupts, then running, then stopped.
func inclined(threads []Thread) []int {
	var tids []int
	for _, state := range []byte("SRT") {
		for _, t := range threads {
			if t.State == state {
				tids = append(tids, t.TID)
			}
		}
	}
	return tids
}

// hold stops a thread where it enters a system call.
func hold(ctx context.Context, tid int, past func([]byte) bool) (*Borrowed, error) {
	if err := seize(tid, unix.PTRACE_O_TRACESYSGOOD); err != nil {
		return nil, err
	}
	if err := unix.PtraceInterrupt(tid); err != nil {
		return nil, fmt.Errorf("%w: %w", errEnded, err)
	}
	status, err := wait(ctx, tid)
	if err != nil {
		return nil, err
	}
	b := &Borrowed{Thread: Thread{TID: tid}}
	for { // it enters calls and leaves them in turn
		if err := b.toCall(ctx, status); err != nil {
			return nil, err
		}
		good, err := b.look(past)
		if err != nil {
			return nil, errors.Join(err, detach(tid, 0))
		}
		if good {
			return b, nil
		}
		if err := b.toCall(ctx, 0); err != nil {
			return nil, err
		}
		status = 0
	}
}

// use has f act on the held thread, lets the thread go, and tells how long that took.
func (b *Borrowed) use(f func(*Borrowed) error) (held time.Duration, err error) {
	since := time.Now()
	err = f(b)
	if gone := b.release(); err == nil {
		err = gone
	}
	return time.Since(since), err
}

// callStop is how a thread stops where it enters or leaves a system call
// (PTRACE_O_TRACESYSGOOD).
const callStop = unix.SIGTRAP | 0x80

// toCall lets the thread go on from a stop until it enters or leaves a system call.
func (b *Borrowed) toCall(ctx context.Context, from unix.WaitStatus) error {
	for {
		var signal unix.Signal
		if from>>16 != unix.PTRACE_EVENT_STOP && from.StopSignal() != callStop {
			signal = max(0, from.StopSignal()) // about to be delivered
		}
		if err := unix.PtraceSyscall(b.TID, int(signal)); err != nil {
			return fmt.Errorf("%w: %w", errEnded, err)
		}
		var err error
		if from, err = wait(ctx, b.TID); err != nil {
			return err
		}
		if from.StopSignal() == callStop {
			return nil
		}
	}
}

// look takes the thread's registers and signals where it enters a call, and reports
// whether it is one to hold it at.
func (b *Borrowed) look(past func([]byte) bool) (bool, error) {
	own, err := readRegisters(b.TID)
	if err != nil {
		return false, err
	}
	// A 64-bit program can call the kernel by its 32-bit instruction, too.
	instruction := make([]byte, len(callInstruction))
	if _, err := unix.PtracePeekText(b.TID, uintptr(pc(&own))-uintptr(len(instruction)), instruction); err != nil ||
		!bytes.Equal(instruction, callInstruction) || past(data(&own, number(&own), arguments(&own))) {
		return false, nil
	}
	if b.Thread, err = readThread(b.TID); err != nil {
		return false, err
	}
	if _, err := ptrace(unix.PTRACE_GETSIGMASK, b.TID, unsafe.Sizeof(b.mask), unsafe.Pointer(&b.mask)); err != nil {
		return false, err
	}
	// Signals wait until the thread is let go.
	all := ^uint64(0)
	if _, err := ptrace(unix.PTRACE_SETSIGMASK, b.TID, unsafe.Sizeof(all), unsafe.Pointer(&all)); err != nil {
		return false, err
	}
	b.own, b.entered = own, true
	return true, nil
}

// release lets the thread go, to its own call: from before it, since what a thread
// does when it is let go is to look for signals, and that would interrupt the call
// (kernel/ptrace.c, __ptrace_unlink).
func (b *Borrowed) release() error {
	own := b.own
	if !b.entered {
		rewind(&own)
	}
	if err := unix.PtraceSetRegs(b.TID, &own); err != nil {
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	if _, err := ptrace(unix.PTRACE_SETSIGMASK, b.TID, unsafe.Sizeof(b.mask), unsafe.Pointer(&b.mask)); err != nil {
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	if err := detach(b.TID, 0); err != nil {
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	return nil
}

// Call has the thread make a system call. An error is the kernel's Errno, or the
// thread is lost.
func (b *Borrowed) Call(number uintptr, args ...uintptr) (uintptr, error) {
	r := b.own
	setCall(&r, number, args)
	if b.entered { // in the place of its own
		if err := replaceCall(b.TID, &r); err != nil {
			return 0, fmt.Errorf("%w: %w", errEnded, err)
		}
	} else {
		rewind(&r)
		if err := unix.PtraceSetRegs(b.TID, &r); err != nil {
			return 0, fmt.Errorf("%w: %w", errEnded, err)
		}
		if err := b.toCall(context.Background(), 0); err != nil { // with no way back
			return 0, err
		}
	}
	b.entered = false
	if err := b.toCall(context.Background(), 0); err != nil {
		return 0, err
	}
	r, err := readRegisters(b.TID)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errEnded, err)
	}
	const most = 4095 // MAX_ERRNO of linux/err.h
	if n := -result(&r); n != 0 && n <= most {
		return 0, unix.Errno(n)
	}
	return uintptr(result(&r)), nil
}

// Data is struct seccomp_data, as filters will see it, of a call that Call would make
// next: each of its words in network byte order, as bpf.VM reads them.
func (b *Borrowed) Data(number uintptr, args ...uintptr) []byte {
	var a [6]uint64
	for i, v := range args {
		a[i] = uint64(v)
	}
	if b.entered && firstStays {
		a[0] = arguments(&b.own)[0]
	}
	return data(&b.own, uint32(number), a)
}

func data(r *registers, number uint32, args [6]uint64) []byte {
	text := binary.BigEndian.AppendUint32(nil, number)
	text = binary.BigEndian.AppendUint32(text, auditArch)
	for _, v := range append([]uint64{pc(r)}, args[:]...) {
		text = binary.BigEndian.AppendUint32(text, uint32(v)) // the lower half
		text = binary.BigEndian.AppendUint32(text, uint32(v>>32))
	}
	return text
}

// Filters takes the filters that the thread runs under. It needs CAP_SYS_ADMIN in the
// initial user namespace.
func (b *Borrowed) Filters() (newest []Filter, err error) {
	if err := told(); err != nil {
		return nil, err
	}
	return filters(b.TID)
}

// Write writes into the process's memory, where it may write itself.
func (b *Borrowed) Write(at uintptr, text []byte) error {
	local := []unix.Iovec{{Base: &text[0], Len: uint64(len(text))}}
	n, err := unix.ProcessVMWritev(b.TID, local, []unix.RemoteIovec{{Base: at, Len: len(text)}}, 0)
	if err == nil && n < len(text) {
		err = unix.EFAULT
	}
	return err
}

// readRegisters reads the general registers. A thread in 32-bit mode is an error.
func readRegisters(tid int) (registers, error) {
	var r registers
	v := unix.Iovec{Base: (*byte)(unsafe.Pointer(&r)), Len: uint64(unsafe.Sizeof(r))}
	if _, err := ptrace(unix.PTRACE_GETREGSET, tid, unix.NT_PRSTATUS, unsafe.Pointer(&v)); err != nil {
		return r, err
	}
	if v.Len != uint64(unsafe.Sizeof(r)) {
		return r, fmt.Errorf("it runs 32-bit code, and secgen is a 64-bit program: only processes of secgen's own word size can be borrowed")
	}
	return r, nil
}
