package table

import (
	"cmp"
	"math"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
)

func contains(ranges []abi.Range, n uint32) bool {
	return slices.ContainsFunc(ranges, func(r abi.Range) bool { return r.Lo <= n && n <= r.Hi })
}

// join sorts ranges and merges those that touch.
func join(ranges []abi.Range) []abi.Range {
	slices.SortFunc(ranges, func(a, b abi.Range) int { return cmp.Compare(a.Lo, b.Lo) })
	var out []abi.Range
	for _, r := range ranges {
		if n := len(out); n > 0 && (out[n-1].Hi == math.MaxUint32 || r.Lo <= out[n-1].Hi+1) {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
			continue
		}
		out = append(out, r)
	}
	return out
}

// subtract returns from without the numbers in cut; both are sorted and disjoint.
func subtract(from, cut []abi.Range) []abi.Range {
	var out []abi.Range
	for _, r := range from {
		lo, whole := r.Lo, true
		for _, c := range cut {
			if c.Hi < lo || c.Lo > r.Hi {
				continue
			}
			if c.Lo > lo {
				out = append(out, abi.Range{Lo: lo, Hi: c.Lo - 1})
			}
			if c.Hi >= r.Hi {
				whole = false
				break
			}
			lo = c.Hi + 1
		}
		if whole {
			out = append(out, abi.Range{Lo: lo, Hi: r.Hi})
		}
	}
	return out
}
