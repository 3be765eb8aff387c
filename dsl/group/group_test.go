package group_test

import (
	"slices"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/group"
	"github.com/secgen-dev/secgen/gen"
)

// whole are the groups as a policy has them together.
var whole = map[string][]dsl.Rule{
	"a Go program":                       group.GoRuntime,
	"a Go program, started":              slices.Concat(group.GoRuntime, group.GoStart),
	"a Go server":                        slices.Concat(group.GoRuntime, group.GoConn),
	"a Go program in the network":        slices.Concat(group.GoRuntime, group.GoNet),
	"a Go program that starts others":    slices.Concat(group.GoRuntime, group.GoExec),
	"a Go program with cgo":              slices.Concat(group.GoRuntime, group.GoCgo),
	"a Go program with cgo, started":     slices.Concat(group.GoRuntime, group.GoCgo, group.GoCgoStart),
	"a Go program before its next stage": slices.Concat(group.GoRuntime, group.Install),
	"a program with glibc":               group.GlibcThreads,
	"a program with glibc, started":      slices.Concat(group.GlibcThreads, group.GlibcStart),
	"a program with musl":                group.MuslThreads,
	"a program with musl, started":       slices.Concat(group.MuslThreads, group.MuslStart),
}

// Lint has nothing against the groups, on both architectures and on each alone, but
// for the notes that the package's comment explains.
func TestLintFindsNothing(t *testing.T) {
	for name, rules := range whole {
		for _, arches := range [][]dsl.Arch{{dsl.AMD64, dsl.ARM64}, {dsl.AMD64}, {dsl.ARM64}} {
			findings, err := gen.Lint(dsl.Named{Name: "Group", Policy: &dsl.Policy{Arches: arches, Default: dsl.KillProcess, Rules: rules}})
			if err != nil {
				t.Errorf("%s on %s: %v", name, arches, err)
			}
			for _, f := range findings {
				if f.Severity == "note" && (slices.Contains([]string{"clone3", "redundant", "unreachable"}, f.Rule)) {
					continue
				}
				t.Errorf("%s on %s: %s: %s: %s", name, arches, f.Severity, f.Rule, f.Why)
			}
		}
	}
}

// A policy with Install can have another stage.
func TestInstallLetsAStageFollow(t *testing.T) {
	before := &dsl.Policy{Arches: []dsl.Arch{dsl.AMD64, dsl.ARM64}, Default: dsl.KillProcess, Rules: slices.Concat(group.GoRuntime, group.Install)}
	after := dsl.Policy{Arches: before.Arches, Default: dsl.KillProcess, After: before, Flags: dsl.LogDenied | dsl.SpecAllow, Rules: group.GoRuntime}
	if _, err := gen.Compile(dsl.Named{Name: "After", Policy: &after}); err != nil {
		t.Error(err)
	}
}
