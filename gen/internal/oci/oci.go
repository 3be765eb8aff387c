// Package oci reads seccomp profiles of containers: the OCI runtime
// specification's linux.seccomp, and the form with includes and excludes in
// which Docker and Podman keep theirs.
package oci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// Options are the facts about a container that a profile's includes and
// excludes ask for. None is ever taken from this machine.
type Options struct {
	Arch   dsl.Arch // whose calls are wanted; empty: the profile's own list
	Caps   []string // capabilities that the container has, as CAP_SYS_ADMIN
	Kernel string   // the oldest kernel it runs on, as 5.10; empty: any
}

// profile is the JSON form (runtime-spec, config-linux.md, and
// github.com/moby/profiles/seccomp).
type profile struct {
	DefaultAction   string
	DefaultErrnoRet *uint16
	Architectures   []string
	ArchMap         []struct {
		Architecture     string
		SubArchitectures []string
	}
	Flags    []string
	Syscalls []rule

	ListenerPath, ListenerMetadata string
}

type rule struct {
	Name               string
	Names              []string
	Action             string
	ErrnoRet           *uint16
	Args               []arg
	Comment            string
	Includes, Excludes filter
}

type arg struct {
	Index           int
	Value, ValueTwo uint64
	Op              string
}

type filter struct {
	Arches, Caps []string
	MinKernel    string
}

// Read turns a profile into a policy. It means what OCI means by it: arguments
// are compared as whole words, a rule without arguments decides before those
// with, and a name that an architecture lacks is dropped there.
func Read(name string, text []byte, o Options) (dsl.Named, error) {
	var p profile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return dsl.Named{}, fmt.Errorf("%s: no OCI seccomp profile: %w", name, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return dsl.Named{}, fmt.Errorf("%s: something follows the profile", name)
	}
	policy, err := p.policy(o)
	if err != nil {
		return dsl.Named{}, fmt.Errorf("%s: %w", name, err)
	}
	return dsl.Named{Name: name, Policy: policy}, nil
}

// arches are libseccomp's names.
var arches = map[string]dsl.Arch{
	"SCMP_ARCH_X86_64": dsl.AMD64, "SCMP_ARCH_X86": dsl.I386, "SCMP_ARCH_X32": dsl.X32,
	"SCMP_ARCH_AARCH64": dsl.ARM64, "SCMP_ARCH_ARM": dsl.ARM,
	"SCMP_ARCH_RISCV64": dsl.RISCV64, "SCMP_ARCH_LOONGARCH64": dsl.LOONG64,
	"SCMP_ARCH_S390X": dsl.S390X, "SCMP_ARCH_S390": dsl.S390,
	"SCMP_ARCH_PPC64LE": dsl.PPC64LE, "SCMP_ARCH_PPC64": dsl.PPC64, "SCMP_ARCH_PPC": dsl.PPC,
	"SCMP_ARCH_MIPS": dsl.MIPS, "SCMP_ARCH_MIPSEL": dsl.MIPSLE,
	"SCMP_ARCH_MIPS64": dsl.MIPS64, "SCMP_ARCH_MIPSEL64": dsl.MIPS64LE,
}

// goNames are the names that includes and excludes use for architectures.
var goNames = map[string]dsl.Arch{"386": dsl.I386, "x86": dsl.I386}

func (p *profile) policy(o Options) (*dsl.Policy, error) {
	policy := &dsl.Policy{}
	var err error
	if policy.Default, err = action(p.DefaultAction, p.DefaultErrnoRet); err != nil {
		return nil, fmt.Errorf("defaultAction: %w", err)
	}
	policy.BadArch = dsl.KillThread // libseccomp's, which runtimes leave as it is
	if policy.Arches, err = p.arches(o); err != nil {
		return nil, err
	}
	if policy.Flags, err = flags(p.Flags); err != nil {
		return nil, err
	}
	var plain, conditional []dsl.Rule
	for i, r := range p.Syscalls {
		holds, err := r.applies(o, policy.Arches)
		if err != nil {
			return nil, fmt.Errorf("syscalls[%d]: %w", i, err)
		}
		if !holds {
			continue
		}
		rule, err := r.rule(policy.Arches)
		if err != nil {
			return nil, fmt.Errorf("syscalls[%d]: %w", i, err)
		}
		switch {
		case len(rule.Calls) == 0:
		case len(rule.Conds) == 0:
			plain = append(plain, rule)
		default:
			conditional = append(conditional, rule)
		}
	}
	policy.Rules = slices.Concat(plain, conditional)
	return policy, nil
}

func (p *profile) arches(o Options) ([]dsl.Arch, error) {
	var list []dsl.Arch
	add := func(name string) error {
		a, ok := arches[name]
		if !ok {
			return fmt.Errorf("architecture %q is not known", name)
		}
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
		return nil
	}
	for _, name := range p.Architectures {
		if err := add(name); err != nil {
			return nil, err
		}
	}
	for _, m := range p.ArchMap {
		if o.Arch != "" && arches[m.Architecture] != o.Arch {
			continue
		}
		for _, name := range append([]string{m.Architecture}, m.SubArchitectures...) {
			if _, known := arches[name]; !known {
				continue // MIPS's n32, which secgen has no table of
			}
			if err := add(name); err != nil {
				return nil, err
			}
		}
	}
	if o.Arch != "" && !slices.Contains(list, o.Arch) {
		if len(list) > 0 {
			return nil, fmt.Errorf("the profile is not for %s", o.Arch)
		}
		list = []dsl.Arch{o.Arch}
	}
	if len(list) == 0 {
		return nil, errors.New("the profile names no architecture; say which with -arch")
	}
	return list, nil
}

func flags(names []string) (dsl.Flags, error) {
	var all dsl.Flags
	for _, name := range names {
		switch name {
		case "SECCOMP_FILTER_FLAG_TSYNC": // every installation does it
		case "SECCOMP_FILTER_FLAG_LOG":
			all |= dsl.LogDenied
		case "SECCOMP_FILTER_FLAG_SPEC_ALLOW":
			all |= dsl.SpecAllow
		case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
			all |= dsl.WaitKillable
		default:
			return 0, fmt.Errorf("flag %q is not known", name)
		}
	}
	return all, nil
}

func action(name string, errno *uint16) (dsl.Action, error) {
	data := uint16(1) // EPERM, where none is given
	if errno != nil {
		data = *errno
	}
	switch name {
	case "SCMP_ACT_ALLOW":
		return dsl.Allow, nil
	case "SCMP_ACT_LOG":
		return dsl.Log, nil
	case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD":
		return dsl.KillThread, nil
	case "SCMP_ACT_KILL_PROCESS":
		return dsl.KillProcess, nil
	case "SCMP_ACT_NOTIFY":
		return dsl.Notify, nil
	case "SCMP_ACT_TRAP":
		return dsl.Trap(0), nil
	case "SCMP_ACT_TRACE":
		return dsl.Trace(data), nil
	case "SCMP_ACT_ERRNO":
		return dsl.ErrnoNumber(data), nil
	case "":
		return dsl.Action{}, errors.New("no action is given")
	}
	return dsl.Action{}, fmt.Errorf("action %q is not known", name)
}

// applies reports whether the rule's includes and excludes let it stand.
func (r *rule) applies(o Options, own []dsl.Arch) (bool, error) {
	old, err := older(o.Kernel, r.Includes.MinKernel)
	if err != nil || old {
		return false, err
	}
	if r.Excludes.MinKernel != "" {
		if old, err := older(o.Kernel, r.Excludes.MinKernel); err != nil || !old {
			return false, err
		}
	}
	has := func(c string) bool { return slices.Contains(o.Caps, c) }
	is := func(name string) bool {
		a := dsl.Arch(name)
		if renamed, ok := goNames[name]; ok {
			a = renamed
		}
		return slices.Contains(own, a)
	}
	for _, c := range r.Includes.Caps {
		if !has(c) {
			return false, nil
		}
	}
	return (len(r.Includes.Arches) == 0 || slices.ContainsFunc(r.Includes.Arches, is)) &&
		!slices.ContainsFunc(r.Excludes.Arches, is) && !slices.ContainsFunc(r.Excludes.Caps, has), nil
}

// older reports whether kernel is older than min. A kernel that is not given is
// taken to be new.
func older(kernel, min string) (bool, error) {
	if kernel == "" || min == "" {
		return false, nil
	}
	k, err := version(kernel)
	if err != nil {
		return false, err
	}
	m, err := version(min)
	if err != nil {
		return false, err
	}
	return slices.Compare(k, m) < 0, nil
}

func version(s string) ([]int, error) {
	major, minor, ok := strings.Cut(s, ".")
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	if !ok || err1 != nil || err2 != nil {
		return nil, fmt.Errorf("%q is no kernel version such as 5.10", s)
	}
	return []int{a, b}, nil
}

func (r *rule) rule(own []dsl.Arch) (dsl.Rule, error) {
	a, err := action(r.Action, r.ErrnoRet)
	if err != nil {
		return dsl.Rule{}, err
	}
	names := r.Names
	if r.Name != "" {
		names = append(slices.Clone(names), r.Name)
	}
	out := dsl.Rule{Action: a}
	for _, name := range names {
		known := slices.ContainsFunc(own, func(a dsl.Arch) bool {
			_, ok := abi.Lookup(string(a)).Number(name)
			return ok
		})
		if known {
			out.Calls = append(out.Calls, dsl.Target{Name: name})
		}
	}
	for _, a := range r.Args {
		c, err := a.cond()
		if err != nil {
			return dsl.Rule{}, err
		}
		out.Conds = append(out.Conds, c)
	}
	return out, nil
}

func (a arg) cond() (dsl.Cond, error) {
	if a.Index < 0 || a.Index > 5 {
		return dsl.Cond{}, fmt.Errorf("there is no argument %d", a.Index)
	}
	raw, v := dsl.Raw(a.Index), dsl.Int(a.Value)
	switch a.Op {
	case "SCMP_CMP_EQ":
		return raw.Eq(v), nil
	case "SCMP_CMP_NE":
		return raw.Ne(v), nil
	case "SCMP_CMP_LT":
		return raw.Lt(v), nil
	case "SCMP_CMP_LE":
		return raw.Le(v), nil
	case "SCMP_CMP_GT":
		return raw.Gt(v), nil
	case "SCMP_CMP_GE":
		return raw.Ge(v), nil
	case "SCMP_CMP_MASKED_EQ":
		if a.Value == 0 { // holds always, and a mask of nothing is no mask in a policy
			return dsl.Any(raw.Eq(dsl.Int(0)), raw.Ne(dsl.Int(0))), nil
		}
		return raw.Masked(v).Eq(dsl.Int(a.ValueTwo & a.Value)), nil // libseccomp masks both
	}
	return dsl.Cond{}, fmt.Errorf("operator %q is not known", a.Op)
}
