package profile

import (
	"slices"
	"strconv"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// covered reports whether conditions, each on an argument for itself, hold for all
// that was seen of a call.
func (s *seen) covered(conds []dsl.Cond) bool {
	return !slices.ContainsFunc(s.uses, func(u use) bool {
		return slices.ContainsFunc(conds, func(c dsl.Cond) bool {
			arg, ok := argOf(u.arch, s.name, c.Arg)
			if !ok {
				return true
			}
			a, ok := s.argument(u.arch, arg, c.Arg, made)
			return !ok || a.times == nil || slices.ContainsFunc(a.values(), func(v uint64) bool { return !holds(c, u.arch, v) })
		})
	})
}

// holds reports whether a condition of cond's kinds does for a value.
func holds(c dsl.Cond, arch *abi.Arch, v uint64) bool {
	bits := func(list []dsl.Literal) (sum uint64) {
		for _, l := range list {
			sum |= literal(l, arch)
		}
		return sum
	}
	switch c.Op {
	case dsl.OpIn:
		if len(c.Mask) > 0 {
			v &= bits(c.Mask)
		}
		return slices.ContainsFunc(c.Values, func(l dsl.Literal) bool { return literal(l, arch) == v })
	case dsl.OpHas:
		all := bits(c.Values)
		return v&all == all
	case dsl.OpLacks:
		return v&bits(c.Values) == 0
	case dsl.OpOnly:
		return v&^bits(c.Values) == 0
	}
	return false
}

// literal is the number of one; a negative constant, which no value equals, as it is.
func literal(l dsl.Literal, arch *abi.Arch) uint64 {
	if l.Name != "" {
		v, _ := arch.Const(l.Name)
		return v.Bits
	}
	n, _ := strconv.ParseUint(l.Int, 10, 64) // as cond writes them
	return n
}
