package gen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/program"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// tooLong is the error for a program that the kernel would not take. What a
// rule costs is the length of the program that it would make alone.
func tooLong(policy dsl.Named, t table.Table, length int) error {
	type cost struct{ rule, length int }
	var costs []cost
	for i := range policy.Policy.Rules {
		alone := table.Table{BadArch: t.BadArch}
		for _, p := range t.Parts {
			p.Rules = slices.DeleteFunc(slices.Clone(p.Rules), func(r table.Rule) bool { return r.Source != i })
			alone.Parts = append(alone.Parts, p)
		}
		root, _, err := tree.Build(alone, tree.Weights{}, 0)
		if err != nil {
			continue
		}
		insns, _ := program.Lower(root)
		costs = append(costs, cost{i, len(insns)})
	}
	slices.SortStableFunc(costs, func(a, b cost) int { return -cmp.Compare(a.length, b.length) })

	var b strings.Builder
	fmt.Fprintf(&b, "%s: the program has %d instructions and the kernel takes %d; test fewer values. The rules that cost most, by what each would need alone:", policy.Name, length, kernel.MaxLen)
	for _, c := range costs[:min(3, len(costs))] {
		fmt.Fprintf(&b, "\n\t%s%d instructions", place(policy.Policy.Rules[c.rule]), c.length)
	}
	return fmt.Errorf("%s", b.String())
}
