package gen

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// Stack is what the filters of several policies are together on one process, the
// newest first: a filter for each kernel family, with the others in Older. The
// kernel runs all of them and takes the most restrictive action, and of equal
// actions the newest's data. A family that one policy has a filter for and another
// has not is an error.
func Stack(newest ...[]Filter) ([]Filter, error) {
	for _, has := range newest {
		for _, lacks := range newest {
			for _, f := range has {
				if !slices.ContainsFunc(lacks, f.sameKernel) {
					return nil, fmt.Errorf("%s has a filter for %s, and %s has none: filters of one process are for the same architecture",
						f.Policy, f.Arches[0], lacks[0].Policy)
				}
			}
		}
	}
	var joint []Filter
	for _, f := range newest[0] {
		for _, older := range newest[1:] {
			f.Older = slices.Concat(f.Older, older[slices.IndexFunc(older, f.sameKernel)].stack())
		}
		joint = append(joint, f)
	}
	return joint, nil
}

// sameKernel reports whether the kernel that runs one filter may run the other.
func (f Filter) sameKernel(other Filter) bool {
	return abi.Lookup(string(f.Arches[0])).Family == abi.Lookup(string(other.Arches[0])).Family
}

// stack lists the filters that the kernel runs, the newest first.
func (f Filter) stack() []Filter {
	newest := f
	newest.Older = nil
	return append([]Filter{newest}, f.Older...)
}

func (f Filter) programs() []kernel.Program {
	var list []kernel.Program
	for _, one := range f.stack() {
		list = append(list, one.Program)
	}
	return list
}

// arches are the ABIs that any filter of the stack was made for.
func (f Filter) arches() []dsl.Arch {
	var list []dsl.Arch
	for _, one := range f.stack() {
		for _, a := range one.Arches {
			if !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	return list
}
