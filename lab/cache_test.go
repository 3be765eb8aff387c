package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/lab/internal/exam"
)

func TestUnkept(t *testing.T) {
	filters, err := gen.Compile(dsl.Named{Name: "P", Policy: &dsl.Policy{
		Arches:  []dsl.Arch{dsl.AMD64},
		Default: dsl.KillProcess,
		Rules:   []dsl.Rule{dsl.Allow.For(sys.Read, sys.Getpid), dsl.Allow.For(sys.Write).When(sys.Write.Fd.Eq(dsl.Int(1)))},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const read, write, getpid = 0, 1, 39
	for _, c := range []struct {
		name  string
		cache map[string]exam.Kept
		wrong string
	}{
		{"as predicted", map[string]exam.Kept{"x86_64": {Numbers: 40, Allowed: []uint32{read, getpid}}, "ia32": {Numbers: 40}}, "[]"},
		{"a kernel with fewer numbers", map[string]exam.Kept{"x86_64": {Numbers: 20, Allowed: []uint32{read}}, "ia32": {Numbers: 1}}, "[]"},
		{"too much", map[string]exam.Kept{"x86_64": {Numbers: 40, Allowed: []uint32{read, write, getpid}}, "ia32": {Numbers: 40}},
			"[x86_64 1: the kernel's cache allows it true, secgen says false]"},
		{"too little", map[string]exam.Kept{"x86_64": {Numbers: 40, Allowed: []uint32{read}}, "ia32": {Numbers: 40}},
			"[x86_64 39: the kernel's cache allows it false, secgen says true]"},
		{"the other ABI's", map[string]exam.Kept{"x86_64": {Numbers: 1, Allowed: []uint32{read}}, "ia32": {Numbers: 1, Allowed: []uint32{0}}},
			"[ia32 0: the kernel's cache allows it true, secgen says false]"},
		{"nothing", nil, "[the kernel's cache has no x86_64 the kernel's cache has no ia32]"},
	} {
		_, _, wrong, err := unkept(filters[0], c.cache)
		if got := fmt.Sprint(wrong); got != c.wrong || err != nil {
			t.Errorf("%s: %s, %v", c.name, got, err)
		}
	}
}

func TestDropped(t *testing.T) {
	got := dropped("# a comment\nCONFIG_A=y\nCONFIG_B=y\n", "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=y\n")
	if !slices.Equal(got, []string{"CONFIG_B=y"}) {
		t.Errorf("%q", got)
	}
}

// What secgen tells of a filter, how many calls the cache answers, is what the lab
// compares with the kernel.
func TestTheLabComparesWhatSecgenSays(t *testing.T) {
	t.Chdir("..")
	policies, err := policies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		f, ok := p.on(builtMachine)
		if !ok {
			continue
		}
		decisions, err := gen.Decide([]gen.Filter{f}, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range decisions {
			calls, err := gen.Syscalls(d.Arch)
			if err != nil {
				t.Fatal(err)
			}
			calls = slices.DeleteFunc(calls, func(c gen.Syscall) bool {
				cached, err := f.Cached(d.Arch, c.Number)
				return err != nil || !cached
			})
			if d.Arch != dsl.X32 && len(calls) != d.Cached || d.Arch == dsl.X32 && d.Cached != 0 {
				t.Errorf("%s on %s: secgen says %d, the lab %d", p.name, d.Arch, d.Cached, len(calls))
			}
		}
	}
}
