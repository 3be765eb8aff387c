package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/load"
	"github.com/secgen-dev/secgen/lab/internal/exam"
)

// policy is one that has a generated file.
type policy struct {
	name    string // as exam.Policy
	arches  []dsl.Arch
	filters []gen.Filter
}

// on returns the filter for a machine's kernel.
func (p policy) on(m machine) (gen.Filter, bool) {
	i := slices.IndexFunc(p.filters, func(f gen.Filter) bool { return slices.Contains(f.Arches, arch(m.GOARCH)) })
	if i < 0 {
		return gen.Filter{}, false
	}
	return p.filters[i], true
}

// policies compiles all policies with generated files, from the module's directory.
func policies(ctx context.Context) ([]policy, error) {
	dirs, err := filepath.Glob("golden/*/policy")
	if err != nil || len(dirs) == 0 {
		return nil, fmt.Errorf("run me in secgen's directory: golden/*/policy is not here: %v", err)
	}
	var list []policy
	for _, dir := range append(dirs, "example/memcached/policy") {
		pkg, err := load.Policies(ctx, load.Options{Stderr: os.Stderr}, "./"+dir)
		if err != nil {
			return nil, err
		}
		for _, p := range pkg.Policies {
			filters, err := gen.Compile(p)
			if err != nil {
				return nil, err
			}
			list = append(list, policy{filepath.Dir(dir) + "." + p.Name, p.Policy.Arches, filters})
		}
	}
	return list, nil
}

// arch is the ABI of a GOARCH, or x32.
func arch(goarch string) dsl.Arch {
	if goarch == "386" {
		return dsl.I386
	}
	return dsl.Arch(goarch)
}

// exams are those of a guest of goarch on the kernel of a machine. Policies that
// do not name its ABI, but the machine's, are to refuse its calls.
func exams(m machine, goarch string, policies []policy) ([]exam.Policy, error) {
	var list []exam.Policy
	for _, p := range policies {
		f, ok := p.on(m)
		if !ok {
			continue
		}
		for _, abi := range m.abis(goarch) {
			e, err := newExam(p.name, f, arch(abi), wordOf(abi))
			if err != nil {
				return nil, err
			}
			e.ABI = abi
			if !slices.Contains(f.Arches, arch(goarch)) {
				e.Program = instructions(f.Program)
			}
			list = append(list, e)
		}
	}
	return list, nil
}

func wordOf(goarch string) int {
	if slices.Contains([]string{"386", "arm", "mips", "mipsle"}, goarch) {
		return 32
	}
	return 64
}
