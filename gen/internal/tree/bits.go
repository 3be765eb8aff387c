package tree

import (
	"math"
	"math/bits"
)

// masked is a test of bits: whether the word has any of mask's, or what it has of
// them is value.
type masked struct {
	any         bool
	mask, value uint32
}

// alike is a single test of bits that tells the runs that lead where r does from
// all others, if there is one, with what it costs and all ways behind it excluded.
// Only the first of such runs is asked.
func (s *search) alike(p part, r int, w float64) (masked, float64, bool) {
	if s.place.mask != math.MaxUint32 {
		return masked{}, 0, false
	}
	for k := s.last[r]; k >= p.i; k = s.last[k] {
		if p.has(k) {
			return masked{}, 0, false
		}
	}
	and, or, n := uint32(math.MaxUint32), uint32(0), 0
	for k := r; k <= p.j; k = s.next[k] {
		if p.has(k) {
			a, o := s.runs[k].bits()
			and, or, n = and&a, or|o, n+1
		}
	}
	if n < 2 {
		return masked{}, 0, false // equality or order do it
	}
	mask := ^(and ^ or)
	none := true // of the others has all bits of or's complement clear
	same := true // of the others has the bits that all of these share
	for k := p.i; k <= p.j; k++ {
		if !p.has(k) || s.runs[k].to == s.runs[r].to {
			continue
		}
		if v, ok := nextUnder(or, s.runs[k].lo); ok && v <= s.runs[k].hi {
			none = false
		}
		if s.runs[k].meets(mask, and&mask) {
			same = false
		}
	}
	switch {
	case none:
		return masked{true, ^or, 0}, w + s.size(^or), true
	case same:
		// The mask is an instruction more, and whoever goes on loads the word again.
		_, rest := s.divide(p, alike, r)
		return masked{false, mask, and & mask}, float64(2*w) + s.weight(s.trim(rest)) + s.size(and&mask) + float64(2*s.test), true
	}
	return masked{}, 0, false
}

// bits are the bits that all numbers of the span have, and those that any has.
func (s span) bits() (and, or uint32) {
	free := uint32(1)<<bits.Len32(s.lo^s.hi) - 1
	return s.lo &^ free, s.hi | free
}

// meets reports whether a number of the span has the value under the mask.
func (s span) meets(mask, value uint32) bool {
	// The least such number that is not below lo has lo's bits down to some place,
	// there a 1 for lo's 0, or is lo itself.
	if s.lo&mask == value {
		return true
	}
	for place := 0; place < 32; place++ {
		bit := uint32(1) << place
		above := ^(bit<<1 - 1)
		if s.lo&bit != 0 || (s.lo^value)&mask&above != 0 || mask&bit != 0 && value&bit == 0 {
			continue
		}
		return s.lo&above|bit|value&mask&(bit-1) <= s.hi
	}
	return false
}
