package gen

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/diff"
	"github.com/secgen-dev/secgen/gen/internal/file"
)

// Change is calls that two filters answer differently, in words.
type Change struct {
	Kind    string   `json:"kind"`             // widened, changed or narrowed: what was denied happens, …, what happened is denied
	Policy  string   `json:"policy,omitempty"` // where several are compared
	Arch    dsl.Arch `json:"arch"`
	Call    string   `json:"call"`
	When    string   `json:"when,omitempty"` // empty: whatever the arguments
	Old     string   `json:"old"`
	New     string   `json:"new"`
	Witness string   `json:"witness"` // one such call
}

// Diff lists exactly the calls that two filters answer differently, what was
// widened first; for each kernel family, calls through every ABI count, whether
// the policies list it or not. Each side is the filters of one policy, or of a
// stack. An ABI that one side has no filter for is an error.
func Diff(old, new []Filter) ([]Change, error) {
	byOld, err := byArch(old)
	if err != nil {
		return nil, fmt.Errorf("the old side: %w", err)
	}
	byNew, err := byArch(new)
	if err != nil {
		return nil, fmt.Errorf("the new side: %w", err)
	}
	var changes []Change
	var families []string
	for _, arch := range abi.Arches() {
		name := dsl.Arch(arch.Name)
		f, inOld := byOld[name]
		g, inNew := byNew[name]
		switch {
		case slices.Contains(families, arch.Family), !inOld && !inNew:
			continue
		case !inOld:
			return nil, fmt.Errorf("the old side has no filter for %s", name)
		case !inNew:
			return nil, fmt.Errorf("the new side has no filter for %s", name)
		}
		families = append(families, arch.Family)
		list, err := diff.Programs(arch.Family, f.programs(), g.programs())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, c := range list {
			change := Change{
				Kind: c.Kind().String(), Arch: name, Call: c.Call(), When: c.When,
				Old: file.ReturnText(arch, c.Old), New: file.ReturnText(arch, c.New), Witness: c.Witness(),
			}
			if c.Arch != nil {
				change.Arch = dsl.Arch(c.Arch.Name)
			}
			changes = append(changes, change)
		}
	}
	order := []string{diff.Widened.String(), diff.Changed.String(), diff.Narrowed.String()}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind))
	})
	return changes, nil
}

// byArch finds the one filter for each ABI.
func byArch(filters []Filter) (map[dsl.Arch]Filter, error) {
	m := map[dsl.Arch]Filter{}
	for _, f := range filters {
		for _, a := range f.arches() {
			if other, ok := m[a]; ok {
				return nil, fmt.Errorf("both %s and %s are for %s: choose one", other.Policy, f.Policy, a)
			}
			m[a] = f
		}
	}
	return m, nil
}
