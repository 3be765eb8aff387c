package meaning

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// drawFunction is a random function of two argument words.
func drawFunction(t *rapid.T, d *diagram) node {
	f := d.value(rapid.SampledFrom([]uint32{1, 2, 3}).Draw(t, "value"))
	for range rapid.IntRange(0, 4).Draw(t, "layers") {
		v := d.masked(d.word(rapid.SampledFrom([]table.Word{4, 6}).Draw(t, "word")), uint64(rapid.SampledFrom([]uint32{0xffffffff, 0xf, 5, 0x80000001}).Draw(t, "mask")))
		k := uint64(rapid.SampledFrom([]uint32{0, 1, 4, 5, 0x7fffffff, 0x80000000}).Draw(t, "k"))
		cond := d.equal(v, k)
		if rapid.Bool().Draw(t, "ordered") {
			cond = d.greater(v, k)
		}
		f = d.ite(cond, d.value(rapid.SampledFrom([]uint32{1, 2, 3}).Draw(t, "value")), f)
	}
	return f
}

func (s *Space) holds(c []Clause, data Call) int {
	n := 0
	for _, clause := range c {
		all := true
		for _, p := range clause {
			all = all && p.Set.Has(data[p.Word])
		}
		if all {
			n++
		}
	}
	return n
}

// Regions of two functions cover every call exactly once, with the functions'
// answers.
func TestRegionsTakeFunctionsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewSpace(1 << 16)
		f, g := drawFunction(t, s.d), drawFunction(t, s.d)
		regions, err := s.Regions(Function{f}, Function{g})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range regions {
			if s.holds(r.When, r.Example) != 1 || s.d.valueOf(s.d.endFor(f, r.Example)) != r.Answers[0] || s.d.valueOf(s.d.endFor(g, r.Example)) != r.Answers[1] {
				t.Fatalf("the example %x is not in its region %+v", r.Example, r)
			}
		}
		for range 50 {
			var data Call
			for w := 4; w < 8; w++ {
				data[w] = rapid.SampledFrom([]uint32{0, 1, 2, 4, 5, 6, 15, 16, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff}).Draw(t, "data")
			}
			in := 0
			for _, r := range regions {
				n := s.holds(r.When, data)
				in += n
				if n > 0 && (s.d.valueOf(s.d.endFor(f, data)) != r.Answers[0] || s.d.valueOf(s.d.endFor(g, data)) != r.Answers[1]) {
					t.Fatalf("%x is in region %+v, but gets %d and %d", data, r, s.d.valueOf(s.d.endFor(f, data)), s.d.valueOf(s.d.endFor(g, data)))
				}
			}
			if in != 1 {
				t.Fatalf("%x is in %d clauses of %+v", data, in, regions)
			}
		}
	})
}

// endFor is the end of a function for one call.
func (d *diagram) endFor(n node, c Call) node {
	for !d.isEnd(n) {
		s := d.nodes[n]
		n = s.lo
		if c[wordOf(s.bit)]>>(31-s.bit%32)&1 == 1 {
			n = s.hi
		}
	}
	return n
}
