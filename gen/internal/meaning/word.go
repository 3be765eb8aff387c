package meaning

import "github.com/secgen-dev/secgen/gen/internal/table"

// A vector is a number whose bits are functions, least significant first.
type vector []node

// rank puts the words in the order in which diagrams test them: the
// architecture, the number, the arguments, and last the instruction pointer,
// which no table looks at.
var rank = [16]int32{table.Arch: 0, table.Nr: 1, 4: 2, 5: 3, 6: 4, 7: 5, 8: 6, 9: 7, 10: 8, 11: 9, 12: 10, 13: 11, 14: 12, 15: 13, 2: 14, 3: 15}

// word is the word w of struct seccomp_data; its most significant bit is
// tested first.
func (d *diagram) word(w table.Word) vector {
	v := make(vector, 32)
	for i := range v {
		v[i] = d.bit(rank[w]*32 + int32(31-i))
	}
	return v
}

// constant is k in as many bits as asked.
func (d *diagram) constant(k uint64, bits int) vector {
	v := make(vector, bits)
	for i := range v {
		v[i] = node(k >> i & 1)
	}
	return v
}

// equal holds where v is k.
func (d *diagram) equal(v vector, k uint64) node {
	f := yes
	for i, b := range v {
		if k>>i&1 == 1 {
			f = d.and(b, f)
		} else {
			f = d.ite(b, no, f)
		}
	}
	return f
}

// greater holds where v is greater than k, both unsigned.
func (d *diagram) greater(v vector, k uint64) node {
	f := no // of the bits seen so far, from the least significant up
	for i, b := range v {
		if k>>i&1 == 1 {
			f = d.and(b, f)
		} else {
			f = d.or(b, f)
		}
	}
	return f
}

// anyOf holds where v and k have a bit in common.
func (d *diagram) anyOf(v vector, k uint64) node {
	f := no
	for i, b := range v {
		if k>>i&1 == 1 {
			f = d.or(b, f)
		}
	}
	return f
}

// masked is v with all bits cleared that k lacks.
func (d *diagram) masked(v vector, k uint64) vector {
	m := make(vector, len(v))
	for i, b := range v {
		if k>>i&1 == 1 {
			m[i] = b
		} else {
			m[i] = no
		}
	}
	return m
}
