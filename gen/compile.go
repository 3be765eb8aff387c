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
	Older   []Filter // those that the process had before, the newest first; see Stack

	table  table.Table
	source *dsl.Policy // what the table was resolved from

	profile bool // source was an OCI profile
}

// Compile returns a filter for each kernel family that the policy's
// architectures belong to, in their order. All that is wrong with the policy is
// in the error, a line each, with the place in the author's source.
func Compile(policy dsl.Named) ([]Filter, error) { return Weights{}.Compile(policy) }

// Compile does what the function Compile does, for calls that are made as often as
// the weights say.
func (w Weights) Compile(policy dsl.Named) ([]Filter, error) {
	return w.compile(policy, program.Lower)
}

// lowering turns a tree into a program, and tells where its cuts begin.
type lowering func(*tree.Node) (kernel.Program, map[*tree.Node]int)

// compile takes the last step before the proof as an argument, so that a test
// can see what becomes of a wrong one.
func (w Weights) compile(policy dsl.Named, lower lowering) ([]Filter, error) {
	tables, err := table.Resolve(policy)
	if err != nil {
		return nil, err
	}
	if err := checkStage(policy, tables); err != nil {
		return nil, err
	}
	var filters []Filter
	for _, t := range tables {
		// What is too large as a whole may be small in pieces of few rules.
		insns, err := w.proved(policy, t, 0, lower)
		for _, most := range []int{4, 1} {
			if err == nil || errors.As(err, new(*meaning.Differ)) || errors.As(err, new(*tree.TooLarge)) {
				break
			}
			insns, err = w.proved(policy, t, most, lower)
		}
		if err != nil {
			return nil, err
		}
		filters = append(filters, newFilter(policy, t, insns))
	}
	return filters, nil
}

// proved makes a table's program and proves it.
func (w Weights) proved(policy dsl.Named, t table.Table, most int, lower lowering) (kernel.Program, error) {
	root, cuts, err := tree.Build(t, tree.Weights(w), most)
	var large *tree.TooLarge
	if errors.As(err, &large) {
		return nil, fmt.Errorf("%s%s: %w; use a simpler one, with fewer masks over several arguments, or make rules of its alternatives",
			placeOf(policy, t.Parts[large.Part].Rules[large.Rule]), policy.Name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", policy.Name, err)
	}
	insns, starts := lower(root)
	if len(insns) > kernel.MaxLen {
		return nil, tooLong(policy, t, len(insns))
	}
	if err := meaning.Prove(t, insns, places(cuts, starts)...); err != nil {
		return nil, unproved(policy, t, err)
	}
	return insns, nil
}

// places are the cuts of a tree in a program that comes to them.
func places(cuts []tree.Cut, starts map[*tree.Node]int) []meaning.Cut {
	var list []meaning.Cut
	for _, c := range cuts {
		if pc, ok := starts[c.Node]; ok {
			list = append(list, meaning.Cut{Part: c.Part, Numbers: c.Numbers, Rule: c.Rule, PC: pc})
		}
	}
	return list
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
	var big *meaning.TooLarge
	if errors.As(err, &big) && big.Cut != nil {
		return fmt.Errorf("%s%s: no proof for this rule, so no filter: %w; use a simpler condition, with fewer masks over several arguments, or make rules of its alternatives",
			placeOf(policy, t.Parts[big.Cut.Part].Rules[big.Cut.Rule]), policy.Name, err)
	}
	return fmt.Errorf("%s: no proof, so no filter: %w; use fewer or simpler conditions, in particular masks over several arguments of one call", policy.Name, err)
}

// placeOf is where the author wrote what became a rule of a table.
func placeOf(policy dsl.Named, r table.Rule) string {
	if r.Source < 0 {
		return ""
	}
	return place(policy.Policy.Rules[r.Source])
}

// place is where the author wrote a rule, with a colon, if that is known.
func place(r dsl.Rule) string {
	if len(r.Made) == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", r.Made[0].File, r.Made[0].Line)
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
