package main

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/lab/internal/exam"
)

// unkept compares what a kernel's cache has of a filter with what secgen says that
// it will have. It counts the numbers and lists those with a difference.
func unkept(f gen.Filter, cache map[string]exam.Kept) (numbers, allowed int, wrong []string, err error) {
	for _, abi := range []struct { // arch/x86/include/asm/seccomp.h
		name string
		arch dsl.Arch
	}{{"x86_64", dsl.AMD64}, {"ia32", dsl.I386}} {
		kept := cache[abi.name]
		if kept.Numbers == 0 {
			wrong = append(wrong, "the kernel's cache has no "+abi.name)
		}
		numbers += kept.Numbers
		allowed += len(kept.Allowed)
		for nr := range uint32(kept.Numbers) {
			want, err := f.Cached(abi.arch, nr)
			if err != nil {
				return 0, 0, nil, err
			}
			if got := slices.Contains(kept.Allowed, nr); got != want {
				wrong = append(wrong, fmt.Sprintf("%s %d: the kernel's cache allows it %v, secgen says %v", abi.name, nr, got, want))
			}
		}
	}
	return numbers, allowed, wrong, nil
}
