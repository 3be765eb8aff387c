package gen

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/file"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Calls that install a filter (runtime/install), with the values of
// linux/seccomp.h and linux/prctl.h.
const (
	setModeFilter  = 1 // SECCOMP_SET_MODE_FILTER
	getActionAvail = 2 // SECCOMP_GET_ACTION_AVAIL
	tsync          = 1 // SECCOMP_FILTER_FLAG_TSYNC
	newListener    = 8 // SECCOMP_FILTER_FLAG_NEW_LISTENER
	tsyncESRCH     = 16
	setNoNewPrivs  = 38
)

// step is a call of the installer's: its first arguments, the others being
// pointers or nothing that a filter should look at.
type step struct {
	call string
	args []uint32
	text string
}

// checkStage returns an error if the stages before the policy together would not
// let it be installed, neither on all threads nor on one. tables are the policy's.
func checkStage(policy dsl.Named, tables []table.Table) error {
	if policy.Policy.After == nil {
		return nil
	}
	s := meaning.NewSpace(meaning.Budget)
	one := uint32(policy.Policy.Flags)
	all := one | tsync
	if table.Notifies(policy.Policy) {
		one |= newListener
		all |= newListener | tsyncESRCH
	}
	for _, t := range tables {
		for _, p := range t.Parts {
			before, err := stagesBefore(s, policy, p.Arch)
			if err != nil {
				return err
			}
			why := denied(s, before, p.Arch, all)
			if why != "" && denied(s, before, p.Arch, one) != "" {
				e := &table.Error{Policy: policy.Name, Arches: []string{p.Arch.Name}, Text: fmt.Sprintf(
					"the stages before it do not let it be installed: they answer %s; allow sys.Prctl with PR_SET_NO_NEW_PRIVS, and sys.Seccomp with SECCOMP_SET_MODE_FILTER and SECCOMP_GET_ACTION_AVAIL, in the policy that After names", why)}
				if policy.Made.File != "" {
					e.Made = []dsl.Frame{policy.Made}
				}
				return e
			}
		}
	}
	return nil
}

// stagesBefore is what the stages before a policy answer together.
func stagesBefore(s *meaning.Space, policy dsl.Named, arch *abi.Arch) (meaning.Function, error) {
	var newest []meaning.Function
	for p := policy.Policy.After; p != nil; p = p.After {
		tables, err := table.Resolve(dsl.Named{Name: "the stage before " + policy.Name, Policy: p})
		if err != nil {
			return meaning.Function{}, err
		}
		i := slices.IndexFunc(tables, func(t table.Table) bool { return t.Parts[0].Arch.Family == arch.Family })
		f, err := s.Table(tables[i])
		if err != nil {
			return meaning.Function{}, err
		}
		newest = append(newest, f)
	}
	return s.Stack(newest...)
}

// denied names the first of the installer's calls that does not happen for
// certain; empty if all do.
func denied(s *meaning.Space, before meaning.Function, arch *abi.Arch, flags uint32) string {
	for _, st := range []step{
		{"seccomp", []uint32{setModeFilter, flags}, fmt.Sprintf("seccomp(SECCOMP_SET_MODE_FILTER, %#x, …)", flags)},
		{"seccomp", []uint32{getActionAvail, 0}, "seccomp(SECCOMP_GET_ACTION_AVAIL, 0, …)"},
		{"prctl", []uint32{setNoNewPrivs, 1, 0, 0, 0}, "prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)"},
	} {
		nr, ok := arch.Number(st.call)
		if !ok {
			return st.text + " with no such call"
		}
		f := s.At(before, arch.Audit, nr)
		for slot, v := range st.args {
			words := [2]uint32{v, 0}
			if arch.BigEndian {
				words = [2]uint32{0, v}
			}
			f = s.Given(f, table.Word(4+2*slot), words[0])
			f = s.Given(f, table.Word(5+2*slot), words[1])
		}
		for _, ret := range s.Answers(f) {
			if !kernel.Happens(ret) {
				return st.text + " with " + file.ReturnText(arch, ret)
			}
		}
	}
	return ""
}
