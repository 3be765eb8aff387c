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
	DefaultErrno    string // by name, as in Podman's
	Architectures   []string
	ArchMap         []struct {
		Architecture     string
		SubArchitectures []string
	}
	Flags    []string
	Syscalls []rule

	ListenerPath, ListenerMetadata string
}

// Read turns a profile into a policy. It means what runtimes (runc and crun,
// both by libseccomp) make of it: arguments are compared as whole words, a rule
// without arguments decides before those with, a rule with the default's action
// is dropped, and so is a name on an architecture that lacks it; socketcall and ipc
// may do what the rules say of the calls that they make.
func Read(name string, text []byte, o Options) (dsl.Named, error) {
	policy, _, err := ReadWithNotes(name, text, o)
	return policy, err
}

// ReadWithNotes does what Read does, and tells what the policy does not.
func ReadWithNotes(name string, text []byte, o Options) (dsl.Named, Notes, error) {
	p, err := decode(name, text)
	if err != nil {
		return dsl.Named{}, Notes{}, err
	}
	policy, err := p.policy(o)
	if err != nil {
		return dsl.Named{}, Notes{}, fmt.Errorf("%s: %w", name, err)
	}
	return dsl.Named{Name: name, Policy: policy}, p.notes(o, policy), nil
}

func decode(name string, text []byte) (*profile, error) {
	var p profile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("%s: no OCI seccomp profile: %w", name, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: something follows the profile", name)
	}
	for i, line := range entries(text) {
		p.Syscalls[i].made = []dsl.Frame{{File: name, Line: line}}
	}
	return &p, nil
}

// entries are the lines on which the entries of syscalls begin, in a text that is a
// profile.
func entries(text []byte) []int {
	var lines []int
	var value json.RawMessage
	d := json.NewDecoder(bytes.NewReader(text))
	d.Token() // {
	for d.More() {
		key, _ := d.Token()
		if k, _ := key.(string); !strings.EqualFold(k, "syscalls") {
			d.Decode(&value)
			continue
		}
		lines = nil
		if open, _ := d.Token(); open == nil { // null
			continue
		}
		for d.More() {
			d.Decode(&value)
			begin := d.InputOffset() - int64(len(value))
			lines = append(lines, 1+bytes.Count(text[:begin], []byte("\n")))
		}
		d.Token() // ]
	}
	return lines
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

// noTable are those of libseccomp's names that secgen has no tables for. Their
// calls get what foreign ones do.
var noTable = []string{
	"SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64",
	"SCMP_ARCH_M68K", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB",
}

// own is an architecture of the profile with the one of the machine, by which
// includes and excludes are decided: an i386 call on amd64 is amd64's there.
type own struct{ arch, machine dsl.Arch }

func (p *profile) policy(o Options) (*dsl.Policy, error) {
	policy := &dsl.Policy{}
	var err error
	if policy.Default, err = action(p.DefaultAction, p.DefaultErrnoRet, p.DefaultErrno); err != nil {
		return nil, fmt.Errorf("defaultAction: %w", err)
	}
	policy.BadArch = dsl.KillThread // libseccomp's, which runtimes leave as it is
	if policy.Default == dsl.KillProcess {
		policy.BadArch = dsl.KillProcess // what ends the process natively is no less through another ABI
	}
	owns, err := p.arches(o)
	if err != nil {
		return nil, err
	}
	for _, own := range owns {
		policy.Arches = append(policy.Arches, own.arch)
	}
	if policy.Flags, err = flags(p.Flags); err != nil {
		return nil, err
	}
	var plain, conditional, muxed []dsl.Rule
	for i, r := range p.Syscalls {
		rules, on, err := r.rules(o, owns)
		if err != nil {
			return nil, fmt.Errorf("syscalls[%d]: %w", i, err)
		}
		if a, _ := action(r.Action, r.ErrnoRet, r.Errno); a == policy.Default {
			continue // runtimes drop it, since libseccomp refuses it
		}
		if len(r.Args) == 0 {
			plain = append(plain, rules...)
		} else {
			conditional = append(conditional, rules...)
		}
		muxed = append(muxed, on...)
	}
	policy.Rules = slices.Concat(plain, undecided(muxed, plain, policy.Arches), conditional)
	return policy, nil
}

// arches lists the profile's architectures: all of them, or those of the family
// of the one that is wanted.
func (p *profile) arches(o Options) ([]own, error) {
	var list []own
	add := func(name string, machine dsl.Arch) error {
		a, ok := arches[name]
		switch {
		case slices.Contains(noTable, name):
			return nil
		case !ok:
			return fmt.Errorf("architecture %q is not known; names are libseccomp's, such as SCMP_ARCH_X86_64", name)
		case o.Arch != "":
			machine = o.Arch
			if abi.Lookup(string(a)).Family != abi.Lookup(string(o.Arch)).Family {
				return nil
			}
		case machine == "":
			machine = a
		}
		if !slices.ContainsFunc(list, func(own own) bool { return own.arch == a }) {
			list = append(list, own{a, machine})
		}
		return nil
	}
	if o.Arch != "" && abi.Lookup(string(o.Arch)) == nil {
		return nil, fmt.Errorf("architecture %q is not known", string(o.Arch))
	}
	for _, name := range p.Architectures {
		if err := add(name, ""); err != nil {
			return nil, err
		}
	}
	for _, m := range p.ArchMap {
		if o.Arch != "" && arches[m.Architecture] != o.Arch {
			continue
		}
		for _, name := range append([]string{m.Architecture}, m.SubArchitectures...) {
			if err := add(name, arches[m.Architecture]); err != nil {
				return nil, fmt.Errorf("archMap: %w", err)
			}
		}
	}
	listed := slices.ContainsFunc(list, func(own own) bool { return own.arch == o.Arch })
	switch {
	case o.Arch != "" && len(p.Architectures) > 0 && !listed:
		return nil, fmt.Errorf("the profile is not for %s; its architectures are %s", o.Arch, strings.Join(p.Architectures, ", "))
	case o.Arch != "" && !listed: // runtimes add the machine's own
		list = append(list, own{o.Arch, o.Arch})
	case len(list) == 0:
		return nil, errors.New("the profile names no architecture that secgen has tables for; say which with -arch")
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
