package table

import (
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// Answer is the SECCOMP_RET_* value for one call, struct seccomp_data as 16 words.
func (t Table) Answer(data [16]uint32) uint32 {
	in := func(ranges []abi.Range) bool {
		return slices.ContainsFunc(ranges, func(r abi.Range) bool { return r.Lo <= data[Nr] && data[Nr] <= r.Hi })
	}
	for _, p := range t.Parts {
		if p.Arch.Audit != data[Arch] || !in(p.Numbers) {
			continue
		}
		for _, r := range p.Rules {
			if in(r.Numbers) && (r.Cond == nil || holds(r.Cond, data)) {
				return r.Action
			}
		}
		return p.Default
	}
	return t.BadArch
}

func holds(c Cond, data [16]uint32) bool {
	hold := func(c Cond) bool { return holds(c, data) }
	switch c := c.(type) {
	case All:
		return !slices.ContainsFunc(c, func(c Cond) bool { return !hold(c) })
	case Any:
		return slices.ContainsFunc(c, hold)
	case Not:
		return !hold(c.Cond)
	}
	return c.(Test).holds(data)
}

func (t Test) holds(data [16]uint32) bool {
	v := uint64(data[t.Lo])
	if t.Bits == 64 {
		v |= uint64(data[t.Hi]) << 32
	}
	v &= t.Mask
	if t.Op == In {
		return slices.Contains(t.Values, v)
	}
	k := t.Values[0]
	less, equal := v < k, v == k
	if t.Signed {
		less = signExtend(v, t.Bits) < signExtend(k, t.Bits)
	}
	switch t.Op {
	case Lt:
		return less
	case Le:
		return less || equal
	case Gt:
		return !less && !equal
	}
	return !less
}
