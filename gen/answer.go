package gen

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Answer is the SECCOMP_RET_* value that a policy gives a call of an ABI, made with
// these registers. It is read off the policy, not off the program, so it takes a
// Filter that Compile returned.
func (f Filter) Answer(arch dsl.Arch, nr uint32, args [6]uint64) (uint32, error) {
	a := abi.Lookup(string(arch))
	if a == nil || len(f.table.Parts) == 0 || a.Family != f.table.Parts[0].Arch.Family {
		return 0, fmt.Errorf("%s: no answer on %q, only on %v and what the same kernels serve", f.Policy, arch, f.Arches)
	}
	data := [16]uint32{table.Nr: nr, table.Arch: a.Audit}
	for i, v := range args {
		lo, hi := 4+2*i, 5+2*i
		if a.BigEndian {
			lo, hi = hi, lo
		}
		data[lo], data[hi] = uint32(v), uint32(v>>32)
	}
	return f.table.Answer(data), nil
}

// Cached reports whether the kernel finds, when it installs the filter, that it
// allows a number of an ABI whatever the arguments. Kernels that keep this for the
// ABI never run the filter for that number.
func (f Filter) Cached(arch dsl.Arch, nr uint32) (bool, error) {
	a := abi.Lookup(string(arch))
	if a == nil {
		return false, fmt.Errorf("%s: there is no architecture %q", f.Policy, arch)
	}
	runs := func(p kernel.Program) bool { return !kernel.Cached(p, a.Audit, nr) }
	return !slices.ContainsFunc(f.programs(), runs), nil
}
