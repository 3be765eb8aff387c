package tree

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// span is the numbers from lo to hi, both included.
type span struct{ lo, hi uint32 }

// set is a set of 32-bit numbers as sorted spans that do not touch.
type set []span

func points(values []uint32) set {
	s := make(set, len(values))
	for i, v := range values {
		s[i] = span{v, v}
	}
	return s.normal()
}

// normal sorts and merges spans in place.
func (s set) normal() set {
	slices.SortFunc(s, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	out := s[:0]
	for _, sp := range s {
		if n := len(out); n > 0 && (out[n-1].hi == math.MaxUint32 || sp.lo <= out[n-1].hi+1) {
			out[n-1].hi = max(out[n-1].hi, sp.hi)
			continue
		}
		out = append(out, sp)
	}
	return out
}

func union(sets ...set) set { return slices.Concat(sets...).normal() }

func (s set) complement() set {
	var out set
	next, more := uint32(0), true
	for _, sp := range s {
		if sp.lo > next {
			out = append(out, span{next, sp.lo - 1})
		}
		if more = sp.hi < math.MaxUint32; more {
			next = sp.hi + 1
		}
	}
	if more {
		out = append(out, span{next, math.MaxUint32})
	}
	return out
}

func intersection(a, b set) set { return union(a.complement(), b.complement()).complement() }

func (s set) contains(v uint32) bool {
	i, found := slices.BinarySearchFunc(s, v, func(sp span, v uint32) int { return cmp.Compare(sp.hi, v) })
	return found || i < len(s) && s[i].lo <= v
}

// within keeps the values that a word under the mask can have at all, as far
// as that is simple: spans without any such value go.
func (s set) within(mask uint32) set {
	var out set
	for _, sp := range s {
		if v, ok := nextUnder(mask, sp.lo); ok && v <= sp.hi {
			out = append(out, sp)
		}
	}
	return out
}

// nextUnder is the least value not below v that has no bit outside the mask.
func nextUnder(mask, v uint32) (uint32, bool) {
	for v&^mask != 0 {
		// Add one above the highest stray bit, and clear all below.
		below := uint32(1)<<bits.Len32(v&^mask) - 1
		if v |= below; v == math.MaxUint32 {
			return 0, false
		}
		v++
	}
	return v, true
}
