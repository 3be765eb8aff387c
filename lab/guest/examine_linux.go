package main

import (
	"encoding/gob"
	"fmt"
	"os"
	"syscall"

	"github.com/secgen-dev/secgen/lab/internal/exam"
	"github.com/secgen-dev/secgen/runtime/install"
)

// filter is how a generated file gives one.
type filter interface {
	Install() error
	InstallThread() error
}

// examine answers the exam in a file.
func examine(name string) (r exam.Report) {
	var p exam.Policy
	if err := read(name, &p); err != nil {
		r.Error = err.Error()
		return r
	}
	r.Policy, r.ABI = p.Name, p.ABI
	f, ok := filters[p.Name]
	if len(p.Program) > 0 {
		f, ok = foreign(p), true
	}
	if !ok {
		r.Error = "lab/guest/filters_linux.go does not have it"
		return r
	}
	for _, part := range []func(exam.Policy, filter, *exam.Report) error{behindCatcher, inEarnest, onEveryThread, thread} {
		if err := part(p, f, &r); err != nil {
			r.Error = err.Error()
			return r
		}
	}
	return r
}

func read(name string, p *exam.Policy) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return gob.NewDecoder(f).Decode(p)
}

// array is a filter that another GOARCH's file has.
type array struct {
	name    string
	program []install.Instruction
}

func foreign(p exam.Policy) filter {
	a := array{name: p.Name}
	notify := false
	for _, i := range p.Program {
		a.program = append(a.program, install.Instruction(i))
		notify = notify || i.Code == syscall.BPF_RET|syscall.BPF_K && i.K == 0x7fc00000 // SECCOMP_RET_USER_NOTIF
	}
	if notify {
		return supervised{a}
	}
	return a
}

func (a array) Install() error              { return install.AllThreads(a.name, a.program, 0) }
func (a array) InstallThread() error        { return install.ThisThread(a.name, a.program, 0) }
func (a array) InstallNotify() (int, error) { return install.NotifyAllThreads(a.name, a.program, 0) }
func (a array) InstallNotifyThread() (int, error) {
	return install.NotifyThisThread(a.name, a.program, 0)
}

// behindCatcher makes calls that a filter below the examined one stops from
// happening.
func behindCatcher(p exam.Policy, f filter, r *exam.Report) error {
	got, err := ask(p.Calls, func() error {
		if err := catch(); err != nil {
			return err
		}
		return f.InstallThread()
	})
	if err != nil {
		return fmt.Errorf("behind a catcher: %w", err)
	}
	for i, c := range p.Calls {
		if got[i] == exam.Errno|caught {
			got[i] = exam.Passes
		}
		compare(r, c, got[i], exam.Seen(c.Want))
	}
	return nil
}

// inEarnest makes harmless calls under the filter alone. What is allowed does as
// without it; a tracer is not there, so the kernel says ENOSYS.
func inEarnest(p exam.Policy, f filter, r *exam.Report) error {
	free, err := ask(p.Real, func() error { return nil })
	if err != nil {
		return fmt.Errorf("without a filter: %w", err)
	}
	got, err := ask(p.Real, f.InstallThread)
	if err != nil {
		return fmt.Errorf("in earnest: %w", err)
	}
	for i, c := range p.Real {
		want := exam.Seen(c.Want)
		switch c.Want & 0xffff0000 {
		case 0x7fff0000, 0x7ffc0000: // allow, log
			want = free[i]
		case 0x7ff00000: // trace
			want = exam.Errno | uint32(syscall.ENOSYS)
		}
		compare(r, c, got[i], want)
	}
	return nil
}

func compare(r *exam.Report, c exam.Call, got, want uint32) {
	r.Checked++
	if got == want {
		return
	}
	r.Failed++
	if len(r.Wrong) < 10 {
		c.Want = want
		r.Wrong = append(r.Wrong, exam.Wrong{Call: c, Got: got})
	}
}
