package main

/*
#cgo CFLAGS: -O2 -Wall
#include "child.h"
*/
import "C"

import (
	"fmt"
	"syscall"
	"unsafe"
)

func (c Call) timed() C.struct_timed_call {
	t := C.struct_timed_call{nr: C.long(c.Nr)}
	for i, a := range c.Args {
		t.args[i] = C.long(a)
	}
	return t
}

// installTime is how many ns seccomp(2) takes in a fresh process.
func installTime(p Program) (float64, error) {
	ns, err := result(C.install_time(instructions(p), C.int(len(p))))
	return float64(ns), err
}

// callTime is how many ns a call takes under so many copies of a program: one
// process' fastest batch. The calls are made in turn.
func callTime(p Program, copies int, calls []Call) (float64, error) {
	const batches, batch = 20, 2000
	var timed []C.struct_timed_call
	for _, c := range calls {
		timed = append(timed, c.timed())
	}
	ps, err := result(C.call_time(instructions(p), C.int(len(p)), C.int(copies), &timed[0], C.int(len(timed)), batches, batch))
	return float64(ps) / 1000, err
}

// room is how many one-instruction filters the kernel takes on top of so many
// copies of a program.
func room(p Program, copies int) (int, error) {
	n, err := result(C.room(instructions(p), C.int(len(p)), C.int(copies)))
	return int(n), err
}

// instructions is nil for no program.
func instructions(p Program) *C.struct_sock_filter {
	return (*C.struct_sock_filter)(unsafe.Pointer(unsafe.SliceData(p)))
}

func result(v C.int64_t) (int64, error) {
	switch {
	case v == -C.int64_t(syscall.ECHILD):
		return 0, fmt.Errorf("the child died: its filter denies what it has to call")
	case v < 0:
		return 0, fmt.Errorf("the child: %w", syscall.Errno(-v))
	}
	return int64(v), nil
}
