package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"

	"github.com/seccomp/libseccomp-golang"
	"golang.org/x/net/bpf"
)

// libseccomp makes a filter as container runtimes do, at the given level of
// optimisation: 1, libseccomp's default, is a list, 2 a search tree. Calls go in
// by number, since an older library does not know newer names.
func libseccomp(level int) func(Policy) (Program, error) {
	return func(p Policy) (Program, error) {
		filter, err := seccomp.NewFilter(libseccompAction(p.value()))
		if err != nil {
			return nil, err
		}
		defer filter.Release()
		if err := filter.SetBadArchAction(seccomp.ActKillProcess); err != nil {
			return nil, err
		}
		if err := filter.SetOptimize(level); err != nil {
			return nil, err
		}
		for _, r := range p.Rules {
			if err := addLibseccomp(filter, r); err != nil {
				return nil, err
			}
		}
		return export(filter)
	}
}

func libseccompAction(value uint32) seccomp.ScmpAction {
	switch value {
	case allowed:
		return seccomp.ActAllow
	case killProcess:
		return seccomp.ActKillProcess
	}
	return seccomp.ActErrno.SetReturnCode(int16(value))
}

func addLibseccomp(filter *seccomp.ScmpFilter, r Rule) error {
	operators := map[string]seccomp.ScmpCompareOp{
		"SCMP_CMP_EQ": seccomp.CompareEqual, "SCMP_CMP_LT": seccomp.CompareLess, "SCMP_CMP_GT": seccomp.CompareGreater,
		"SCMP_CMP_MASKED_EQ": seccomp.CompareMaskedEqual,
	}
	var conditions []seccomp.ScmpCondition
	for _, a := range r.Args {
		values := []uint64{a.Value}
		if a.Op == "SCMP_CMP_MASKED_EQ" {
			values = append(values, a.ValueTwo)
		}
		c, err := seccomp.MakeCondition(a.Index, operators[a.Op], values...)
		if err != nil {
			return err
		}
		conditions = append(conditions, c)
	}
	for _, name := range r.Names {
		if err := filter.AddRuleConditional(seccomp.ScmpSyscall(number(name)), libseccompAction(r.value()), conditions); err != nil {
			return err
		}
	}
	return nil
}

// export reads the program from a pipe, which has room for the longest.
func export(filter *seccomp.ScmpFilter) (Program, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	err = filter.ExportBPF(w)
	w.Close()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	program := make(Program, len(text)/binary.Size(bpf.RawInstruction{}))
	return program, binary.Read(bytes.NewReader(text), binary.NativeEndian, program)
}
