package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// Policy is an OCI profile for amd64. All peers get these values, and numbers
// from one and the same table.
type Policy struct {
	Name   string          `json:"-"`
	Action string          `json:"defaultAction"`
	Errno  uint16          `json:"defaultErrnoRet,omitempty"`
	Arches json.RawMessage `json:"architectures"`
	Rules  []Rule          `json:"syscalls"`
}

// Rule is an alternative for each of its calls: all of its conditions must hold.
type Rule struct {
	Names  []string    `json:"names"`
	Action string      `json:"action"`
	Errno  uint16      `json:"errnoRet,omitempty"`
	Args   []Condition `json:"args,omitempty"`
}

// Condition compares a whole register. Of SCMP_CMP_MASKED_EQ, Value is the mask.
type Condition struct {
	Index    uint   `json:"index"`
	Value    uint64 `json:"value"`
	ValueTwo uint64 `json:"valueTwo,omitempty"`
	Op       string `json:"op"`
}

//go:embed policies/*.json
var profiles embed.FS

// policies reads policies/*.json.
func policies() ([]Policy, error) {
	files, err := profiles.ReadDir("policies")
	if err != nil {
		return nil, err
	}
	var list []Policy
	for _, f := range files {
		text, err := profiles.ReadFile(path.Join("policies", f.Name()))
		if err != nil {
			return nil, err
		}
		p := Policy{Name: strings.TrimSuffix(f.Name(), ".json")}
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		for _, r := range p.Rules {
			for _, name := range r.Names {
				if _, ok := arch.X86_64.SyscallNames[name]; !ok {
					return nil, fmt.Errorf("%s: unknown call %s", f.Name(), name)
				}
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// pitfalls are policies on which a generator is known to have failed. They are
// compared, and not measured.
func pitfalls() []Policy {
	amd64 := json.RawMessage(`["SCMP_ARCH_X86_64"]`)
	allow := func(name string, args ...Condition) Rule {
		return Rule{Names: []string{name}, Action: "SCMP_ACT_ALLOW", Args: args}
	}
	ranges := Policy{Name: "two ranges", Action: "SCMP_ACT_KILL_PROCESS", Arches: amd64, Rules: []Rule{
		allow("times", Condition{0, 0x100000005, 0, "SCMP_CMP_GT"}),
		allow("times", Condition{0, 2, 0, "SCMP_CMP_LT"}),
	}}
	values := Policy{Name: "130 values", Action: "SCMP_ACT_KILL_PROCESS", Arches: amd64}
	for v := range uint64(130) {
		values.Rules = append(values.Rules, allow("ioctl", Condition{1, 0x5400 + v, 0, "SCMP_CMP_EQ"}))
	}
	values.Rules = append(values.Rules, allow("write", Condition{0, 1, 0, "SCMP_CMP_EQ"}))
	denied := Policy{Name: "deny list", Action: "SCMP_ACT_ALLOW", Arches: amd64, Rules: []Rule{
		{Names: []string{"execve"}, Action: "SCMP_ACT_ERRNO", Errno: 1},
	}}
	return []Policy{ranges, values, denied}
}

const (
	killProcess = 0x80000000 // SECCOMP_RET_* of linux/seccomp.h
	killThread  = 0x00000000
	errno       = 0x00050000
	allowed     = 0x7fff0000
)

// value is an action as a filter returns it.
func value(action string, number uint16) uint32 {
	switch action {
	case "SCMP_ACT_ALLOW":
		return allowed
	case "SCMP_ACT_ERRNO":
		return errno | uint32(number)
	}
	return killProcess
}

func (p Policy) value() uint32 { return value(p.Action, p.Errno) }
func (r Rule) value() uint32   { return value(r.Action, r.Errno) }

func number(name string) uint32 { return uint32(arch.X86_64.SyscallNames[name]) }

// numbers are those of all calls that amd64 has, in order.
func numbers() []uint32 {
	var list []uint32
	for nr := range maps.Keys(arch.X86_64.SyscallNumbers) {
		list = append(list, uint32(nr))
	}
	slices.Sort(list)
	return list
}

const (
	auditAMD64 = 0xc000003e // AUDIT_ARCH_* of linux/audit.h
	auditI386  = 0x40000003
	auditARM64 = 0xc00000b7
	x32Bit     = 0x40000000
)

// Call is what a filter is asked about.
type Call struct {
	Arch, Nr uint32
	Args     [6]uint64
}

func (c Call) x32() bool { return c.Nr >= x32Bit && c.Nr != ^uint32(0) }

// data is struct seccomp_data in its 16 words.
func (c Call) data() [16]uint32 {
	data := [16]uint32{c.Nr, c.Arch}
	for i, a := range c.Args {
		data[4+2*i], data[5+2*i] = uint32(a), uint32(a>>32)
	}
	return data
}

// Meaning answers calls as the text of a policy says. It is made for being
// plainly right; every peer is compared with it.
type Meaning struct {
	fallback uint32
	rules    map[uint32][]Rule
}

func (p Policy) meaning() Meaning {
	m := Meaning{p.value(), map[uint32][]Rule{}}
	for _, r := range p.Rules {
		for _, name := range r.Names {
			m.rules[number(name)] = append(m.rules[number(name)], r)
		}
	}
	return m
}

// answer kills calls through another ABI's numbers, x32's among them.
func (m Meaning) answer(c Call) uint32 {
	if c.Arch != auditAMD64 || c.x32() {
		return killProcess
	}
	for _, r := range m.rules[c.Nr] {
		if !slices.ContainsFunc(r.Args, func(a Condition) bool { return !a.holds(c.Args[a.Index]) }) {
			return r.value()
		}
	}
	return m.fallback
}

func (a Condition) holds(v uint64) bool {
	switch a.Op {
	case "SCMP_CMP_EQ":
		return v == a.Value
	case "SCMP_CMP_LT":
		return v < a.Value
	case "SCMP_CMP_GT":
		return v > a.Value
	case "SCMP_CMP_MASKED_EQ":
		return v&a.Value == a.ValueTwo
	}
	panic("no policy here has " + a.Op)
}

// satisfying is a value for which the condition holds.
func (a Condition) satisfying() uint64 {
	switch a.Op {
	case "SCMP_CMP_LT":
		return a.Value - 1
	case "SCMP_CMP_GT":
		return a.Value + 1
	case "SCMP_CMP_MASKED_EQ":
		return a.ValueTwo
	}
	return a.Value
}
