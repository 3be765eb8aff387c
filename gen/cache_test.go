package gen

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/file"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// What a policy allows whatever the arguments the kernel finds allowed in the
// program, so that it never runs it for that, and nothing else. And the file says
// of how many calls that is so.
func TestTheKernelRemembersAllThatIsPlainlyAllowed(t *testing.T) {
	cached, run := 0, 0
	for _, f := range compiled(t) {
		s := meaning.NewSpace(meaning.Budget)
		policy, err := s.Table(f.table)
		if err != nil {
			t.Fatal(err)
		}
		allowed := func(audit, nr uint32) bool {
			ret, constant := s.Value(s.At(policy, audit, nr))
			return constant && ret == 0x7fff0000 // SECCOMP_RET_ALLOW
		}
		for _, arch := range abi.Arches() {
			if arch.Family != f.table.Parts[0].Arch.Family {
				continue
			}
			for _, nr := range turning(f.table, arch) {
				want, got := allowed(arch.Audit, nr), kernel.Cached(f.Program, arch.Audit, nr)
				if got != want {
					t.Errorf("%s: %s's number %d (%s): allowed whatever the arguments %v, found so by the kernel %v",
						f.Policy, arch.Name, int32(nr), arch.CallName(nr), want, got)
				}
				if want {
					cached++
				} else {
					run++
				}
			}
		}
		var want []string
		for _, p := range f.table.Parts {
			want = append(want, decided(p, func(nr uint32) bool { return p.Arch.Cached(nr) && allowed(p.Arch.Audit, nr) }))
		}
		text, err := file.Write(file.Options{Package: "p"}, []file.Policy{{
			Name: f.Policy, Source: f.source, Filters: []file.Filter{{Table: f.table, Program: f.Program}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := decidedText.FindAllString(string(text), -1); !slices.Equal(got, want) {
			t.Errorf("%s %v: the file says %q, not %q", f.Policy, f.Arches, got, want)
		}
	}
	t.Logf("%d numbers that the kernel remembers, %d for which it runs the filter", cached, run)
	if cached < 500 || run < 10*cached {
		t.Error("too little was asked")
	}
}

var decidedText = regexp.MustCompile(`\d+ decided by the kernel's cache, \d+ by running the filter`)

// decided counts the numbers that a part's rules name as the file's header does.
func decided(p table.Part, cached func(nr uint32) bool) string {
	named := map[uint32]bool{}
	for _, r := range p.Rules {
		for _, s := range r.Numbers {
			for nr := uint64(s.Lo); r.Source != table.FromNewer && nr <= uint64(s.Hi); nr++ {
				named[uint32(nr)] = true
			}
		}
	}
	count := map[bool]int{}
	for nr := range named {
		count[cached(nr)]++
	}
	return fmt.Sprintf("%d decided by the kernel's cache, %d by running the filter", count[true], count[false])
}

// turning are numbers at which the answer for an ABI may change: those of its
// calls, the ends of all ranges of the table's, and the neighbours of both.
func turning(tb table.Table, arch *abi.Arch) (list []uint32) {
	near := func(nr uint32) { list = append(list, nr-1, nr, nr+1) }
	ranges := func(rs []abi.Range) {
		for _, r := range rs {
			near(r.Lo)
			near(r.Hi)
		}
	}
	for _, call := range abi.Calls() {
		if nr, ok := arch.Number(call); ok {
			near(nr)
		}
	}
	near(0xffffffff)
	ranges(arch.Numbers)
	ranges(arch.Generic)
	ranges(arch.Foreign)
	for _, p := range tb.Parts {
		ranges(p.Numbers)
		for _, r := range p.Rules {
			ranges(r.Numbers)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
