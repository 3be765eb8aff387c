package gen

import (
	"fmt"
	"strconv"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/explain"
	"github.com/secgen-dev/secgen/gen/internal/file"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// Made is a call as a filter sees it: struct seccomp_data.
type Made struct {
	Arch        uint32 // AUDIT_ARCH_* of linux/audit.h
	Number      int32
	Instruction uint64
	Args        [6]uint64 // registers
}

// Judgement is what filters answer to a call that was made, and why.
type Judgement struct {
	Arch   dsl.Arch `json:"arch,omitempty"` // empty: no ABI has that audit value
	Call   string   `json:"call,omitempty"` // empty: the number has no name
	Number int32    `json:"number"`
	Args   []Given  `json:"args,omitempty"`
	Action string   `json:"action"`
	Policy string   `json:"policy"`         // whose filter decides
	Rule   string   `json:"rule,omitempty"` // of it: rule N, Default, …; empty where only the program is known
	Place  string   `json:"place,omitempty"`
	Return uint32   `json:"-"` // SECCOMP_RET_*
}

// Given is an argument of a call that was made.
type Given struct {
	Argument `json:"-"`
	Name     string `json:"name"`
	Value    uint64 `json:"-"`    // in the bits that the kernel looks at
	Text     string `json:"text"` // with constants by name
}

// Judge tells what the filter, with those beneath it, answers to a call.
func (f Filter) Judge(m Made) Judgement {
	c := explain.Made(explain.Owner(m.Arch, uint32(m.Number)), m.Arch, uint32(m.Number), m.Instruction, m.Args)
	j := Judgement{Call: c.Name, Number: m.Number}
	var deciding Filter
	for i, one := range f.stack() {
		// Of equal actions the newest's counts (kernel/seccomp.c, seccomp_run_filters).
		if ret, _ := kernel.Run(one.Program, c.Data()); i == 0 || rank(ret) < rank(j.Return) {
			j.Return, deciding = ret, one
		}
	}
	j.Policy = deciding.Policy
	if c.Arch == nil {
		j.Action = file.ReturnText(abi.Lookup(string(f.Arches[0])), j.Return)
		return j
	}
	j.Arch, j.Action = dsl.Arch(c.Arch.Name), file.ReturnText(c.Arch, j.Return)
	j.Args = given(c.Arch, c.Name, m.Args)
	if len(deciding.table.Parts) > 0 {
		why := deciding.reason(explain.Rules(deciding.table, c)[0], c)
		j.Rule, j.Place = why.Text, why.Place
	}
	return j
}

// Plain reports whether the call is executed, and that is all.
func (j Judgement) Plain() bool { return kernel.Action(j.Return) == kernel.RetAllow }

// Happens reports whether the call is executed.
func (j Judgement) Happens() bool { return kernel.Happens(j.Return) }

func given(a *abi.Arch, call string, registers [6]uint64) []Given {
	var list []Given
	for _, arg := range a.Args(call) {
		if arg.Slot < 0 {
			continue
		}
		g := Given{Argument: argument(a, call, arg), Name: arg.Name, Value: arg.In(registers)}
		g.Text = valueText(a, call, arg, g.Value)
		list = append(list, g)
	}
	return list
}

func valueText(a *abi.Arch, call string, arg abi.Arg, v uint64) string {
	if arg.Pointer {
		if v == 0 {
			return "NULL"
		}
		return fmt.Sprintf("%#x", v)
	}
	if text, ok := a.Names(call, arg).Value(v); ok {
		return text
	}
	if sign := uint64(1) << (arg.Bits - 1); arg.Signed && v&sign != 0 {
		return strconv.FormatInt(int64(v|-sign), 10)
	}
	if v < 1<<16 {
		return strconv.FormatUint(v, 10)
	}
	return fmt.Sprintf("%#x", v)
}
