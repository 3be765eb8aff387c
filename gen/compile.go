// Package gen makes seccomp filters from policies.
package gen

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/program"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// Filter is a program that has been proved to mean what a policy says, for the
// ABIs of one kernel family.
type Filter struct {
	Policy  string               // the policy's name
	Arches  []dsl.Arch           // the ABIs of the policy that the program serves
	Program []bpf.RawInstruction // as the kernel takes it, in the machine's byte order
	Flags   dsl.Flags

	table  table.Table
	source *dsl.Policy // what the table was resolved from
}

// Compile returns a filter for each kernel family that the policy's
// architectures belong to, in their order. All that is wrong with the policy is
// in the error, a line each, with the place in the author's source.
func Compile(policy dsl.Named) ([]Filter, error) { return compile(policy, program.Lower) }

// compile takes the last step before the proof as an argument, so that a test
// can see what becomes of a wrong one.
func compile(policy dsl.Named, lower func(*tree.Node) kernel.Program) ([]Filter, error) {
	tables, err := table.Resolve(policy)
	if err != nil {
		return nil, err
	}
	if err := checkStage(policy, tables); err != nil {
		return nil, err
	}
	var filters []Filter
	for _, t := range tables {
		root, err := tree.Build(t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", policy.Name, err)
		}
		insns := lower(root)
		if len(insns) > kernel.MaxLen {
			return nil, tooLong(policy, t, len(insns))
		}
		if err := meaning.Prove(t, insns); err != nil {
			return nil, unproved(policy, t, err)
		}
		filters = append(filters, newFilter(policy, t, insns))
	}
	return filters, nil
}

func newFilter(policy dsl.Named, t table.Table, insns kernel.Program) Filter {
	f := Filter{Policy: policy.Name, Program: insns, Flags: policy.Policy.Flags, table: t, source: policy.Policy}
	for _, p := range t.Parts {
		f.Arches = append(f.Arches, dsl.Arch(p.Arch.Name))
	}
	return f
}

// Longest is the greatest number of instructions that a call can execute.
func (f Filter) Longest() int { return kernel.Longest(f.Program) }

// unproved explains why there is no filter. A difference is secgen's own fault.
func unproved(policy dsl.Named, t table.Table, err error) error {
	var d *meaning.Differ
	if errors.As(err, &d) {
		return fmt.Errorf("%s: secgen made a wrong program and threw it away; please report this: %w (%s)",
			policy.Name, err, describe(t, d.Call))
	}
	return fmt.Errorf("%s: no proof, so no filter: %w", policy.Name, err)
}

// describe names a call by the table's ABI.
func describe(t table.Table, c meaning.Call) string {
	for _, p := range t.Parts {
		if p.Arch.Audit != c[table.Arch] {
			continue
		}
		if name := p.Arch.CallName(c[table.Nr]); name != "" {
			return p.Arch.Name + "'s " + name
		}
	}
	return "a number without a name"
}
