package systemd

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
)

// sizes are how many calls each set has, those of the sets in it with them.
var sizes = map[string]int{
	"@aio":            10,
	"@basic-io":       17,
	"@chown":          7,
	"@clock":          6,
	"@cpu-emulation":  5,
	"@debug":          7,
	"@default":        66,
	"@file-system":    77,
	"@io-event":       17,
	"@ipc":            28,
	"@keyring":        3,
	"@memlock":        5,
	"@module":         3,
	"@mount":          12,
	"@network-io":     22,
	"@obsolete":       27,
	"@pkey":           3,
	"@privileged":     53,
	"@process":        22,
	"@raw-io":         7,
	"@reboot":         3,
	"@resources":      13,
	"@sandbox":        4,
	"@setuid":         14,
	"@signal":         14,
	"@swap":           2,
	"@sync":           7,
	"@system-service": 379,
	"@timer":          16,
}

func TestSetsHaveTheirSizes(t *testing.T) {
	for _, s := range Sets {
		if got := len(names(s.Calls)); got != sizes[s.Filter] {
			t.Errorf("%s has %d calls, not %d", s.Name, got, sizes[s.Filter])
		}
	}
}

// A set names no call twice, if not by a set in it.
func TestSetsNameACallOnce(t *testing.T) {
	for _, s := range Sets {
		own := map[string]bool{}
		for _, member := range s.Calls {
			if _, set := member.(dsl.Calls); set {
				continue
			}
			for call := range names(member) {
				if own[call] {
					t.Errorf("%s names %s twice", s.Name, call)
				}
				own[call] = true
			}
		}
	}
}

// What a service is given to begin with has some sets in it whole, and nothing of
// others.
func TestSetsContainOthers(t *testing.T) {
	service := names(SystemService)
	for call := range names(AIO, BasicIO, Chown, Default, FileSystem, IOEvent, IPC, Keyring, Memlock,
		NetworkIO, Process, Resources, Sandbox, Setuid, Signal, Sync, Timer) {
		if !service[call] {
			t.Errorf("SystemService lacks %s", call)
		}
	}
	for call := range names(Clock, CPUEmulation, Debug, Module, Mount, RawIO, Reboot, Swap) {
		if service[call] {
			t.Errorf("SystemService has %s", call)
		}
	}
}

// Sets has every set, under its name.
func TestSetsAreAll(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "systemd.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, obj := range f.Scope.Objects {
		if obj.Kind == ast.Var && name != "Sets" && !slices.ContainsFunc(Sets, func(s Set) bool { return s.Name == name }) {
			t.Errorf("Sets lacks %s", name)
		}
	}
	if len(Sets) != len(sizes) {
		t.Errorf("%d sets, and the sizes of %d", len(Sets), len(sizes))
	}
}

func names(sets ...dsl.Call) map[string]bool {
	found := map[string]bool{}
	for _, target := range dsl.Allow.For(sets...).Calls {
		found[target.String()] = true
	}
	return found
}
