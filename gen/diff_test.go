package gen_test

import (
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// A filter that denies execve and looks neither at the architecture nor at x32's
// bit lets it through by i386's and x32's numbers, as two generators' do.
func TestDiffSeesWhatComesThroughOtherABIs(t *testing.T) {
	p := dsl.Policy{
		Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Allow, BadArch: dsl.KillProcess,
		Rules: []dsl.Rule{dsl.KillProcess.For(sys.Execve)},
	}
	own, err := gen.Compile(dsl.Named{Name: "Deny", Policy: &p})
	if err != nil {
		t.Fatal(err)
	}
	careless := []gen.Filter{{Policy: "careless", Arches: []dsl.Arch{dsl.AMD64}, Program: []bpf.RawInstruction{
		{Op: kernel.LoadWord, K: 0},
		{Op: kernel.JumpEqual, K: 59, Jt: 1},
		{Op: kernel.Return, K: 0x7fff0000},
		{Op: kernel.Return, K: 0x80000000},
	}}}
	changes, err := gen.Diff(own, careless)
	if err != nil {
		t.Fatal(err)
	}
	widened := func(arch dsl.Arch, call string) bool {
		return slices.ContainsFunc(changes, func(c gen.Change) bool {
			return c.Kind == "widened" && c.Arch == arch && c.Call == call && c.Old == "kill process" && c.New == "allow"
		})
	}
	if !widened(dsl.I386, "execve") || !widened(dsl.X32, "execve") || !widened(dsl.AMD64, "calls through other architectures") {
		t.Errorf("the holes are not in %v", changes)
	}
	if slices.ContainsFunc(changes, func(c gen.Change) bool { return c.Arch == dsl.AMD64 && c.Call == "execve" }) {
		t.Error("amd64's own execve is denied by both")
	}
	if same, err := gen.Diff(own, own); err != nil || len(same) != 0 {
		t.Errorf("a filter differs from itself: %v %v", same, err)
	}
}
