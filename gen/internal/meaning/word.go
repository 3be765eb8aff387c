package meaning

import (
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// A vector is a number whose bits are functions, least significant first.
type vector []node

// rank puts the words in the order in which diagrams test them: the
// architecture, the number, the arguments, and last the instruction pointer,
// which no table looks at.
var rank = [16]int32{table.Arch: 0, table.Nr: 1, 4: 2, 5: 3, 6: 4, 7: 5, 8: 6, 9: 7, 10: 8, 11: 9, 12: 10, 13: 11, 14: 12, 15: 13, 2: 14, 3: 15}

// wordOf is the word that a bit belongs to.
func wordOf(bit int32) table.Word {
	return table.Word(slices.Index(rank[:], bit/32))
}

// word is the word w of struct seccomp_data; its most significant bit is
// tested first.
func (d *diagram) word(w table.Word) vector {
	v := make(vector, 32)
	for i := range v {
		v[i] = d.bit(rank[w]*32 + int32(31-i))
	}
	return v
}

// constant is k in 32 bits.
func (d *diagram) constant(k uint32) vector { return number(uint64(k), 32) }

// number is k in so many bits.
func number(k uint64, bits int) vector {
	v := make(vector, bits)
	for i := range v {
		v[i] = node(k >> i & 1) // no or yes
	}
	return v
}

// equal holds where v is k.
func (d *diagram) equal(v vector, k uint64) node { return d.same(v, number(k, len(v))) }

// greater holds where v is greater than k, both unsigned.
func (d *diagram) greater(v vector, k uint64) node { return d.exceeds(v, number(k, len(v))) }

// same holds where v and w are equal.
func (d *diagram) same(v, w vector) node {
	f := yes
	for i := range v {
		f = d.ite(d.xor(v[i], w[i]), no, f)
	}
	return f
}

// exceeds holds where v is greater than w, both unsigned: at the highest bit in
// which they differ, v has the 1.
func (d *diagram) exceeds(v, w vector) node {
	f := no // of the bits seen so far, from the least significant up
	for i := range v {
		f = d.ite(d.xor(v[i], w[i]), v[i], f)
	}
	return f
}

// masked is v with all bits cleared that k lacks.
func (d *diagram) masked(v vector, k uint64) vector { return d.each(v, number(k, len(v)), d.and) }

// each does an operation bit by bit.
func (d *diagram) each(v, w vector, op func(a, b node) node) vector {
	r := make(vector, len(v))
	for i := range v {
		r[i] = op(v[i], w[i])
	}
	return r
}

func (d *diagram) complement(v vector) vector {
	r := make(vector, len(v))
	for i := range v {
		r[i] = d.not(v[i])
	}
	return r
}

// add is v + w + carry, cut to their width.
func (d *diagram) add(v, w vector, carry node) vector {
	r := make(vector, len(v))
	for i := range v {
		half := d.xor(v[i], w[i])
		r[i] = d.xor(half, carry)
		carry = d.ite(half, carry, v[i])
	}
	return r
}

// shift moves the bits of v by w & 31 (net/core/filter.c leaves the rest of X
// to the 32-bit shifts of eBPF, which mask it): bit i comes from place from(i, by).
func (d *diagram) shift(v, w vector, from func(i, by int) int) vector {
	for step := range 5 {
		r := make(vector, len(v))
		for i := range v {
			moved := no
			if at := from(i, 1<<step); at >= 0 && at < len(v) {
				moved = v[at]
			}
			r[i] = d.ite(w[step], moved, v[i])
		}
		v = r
	}
	return v
}

// multiply is v × w, cut to their width.
func (d *diagram) multiply(v, w vector) vector {
	sum := number(0, len(v))
	for i := range w {
		if w[i] == no {
			continue
		}
		part := number(0, len(v)) // v shifted by i where w has bit i
		for j := i; j < len(v); j++ {
			part[j] = d.and(w[i], v[j-i])
		}
		sum = d.add(sum, part, no)
	}
	return sum
}

// divide is v ÷ w without remainder, by hand: the remainder takes in a bit of v
// at a time and gives up w where it can. Where w is 0 the result is worthless.
func (d *diagram) divide(v, w vector) vector {
	wide := append(append(vector{}, w...), no) // the remainder before giving up needs a bit more
	rest := number(0, len(wide))
	quotient := make(vector, len(v))
	for i := len(v) - 1; i >= 0; i-- {
		rest = append(vector{v[i]}, rest[:len(rest)-1]...)
		fits := d.not(d.exceeds(wide, rest))
		quotient[i] = fits
		less := d.add(rest, d.complement(wide), yes)
		for j := range rest {
			rest[j] = d.ite(fits, less[j], rest[j])
		}
	}
	return quotient
}
