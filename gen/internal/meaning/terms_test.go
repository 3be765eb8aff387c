package meaning

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// drawWide is a random function of the words of two slots, some of whose conditions
// are about both words of one as a number.
func drawWide(t *rapid.T, d *diagram) node {
	f := d.value(rapid.SampledFrom([]uint32{1, 2}).Draw(t, "value"))
	for range rapid.IntRange(0, 5).Draw(t, "layers") {
		w := rapid.SampledFrom([]table.Word{4, 6}).Draw(t, "slot")
		v := slices.Concat(d.word(w), d.word(w+1))
		if from := rapid.SampledFrom([]int{0, 0, 16, 32}).Draw(t, "from"); from > 0 {
			v = v[from : from+rapid.SampledFrom([]int{16, 32}).Draw(t, "bits")]
		}
		v = d.masked(v, rapid.SampledFrom([]uint64{1<<64 - 1, 1<<64 - 1, 0xffffffff, 0xffff, 0x7, 0x100000006}).Draw(t, "mask")<<(64-len(v))>>(64-len(v)))
		k := rapid.SampledFrom([]uint64{0, 1, 4, 6, 0x7fff, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 32, 1<<32 + 5, 1 << 63}).Draw(t, "k") << (64 - len(v)) >> (64 - len(v))
		cond := d.equal(v, k)
		if rapid.Bool().Draw(t, "ordered") {
			cond = d.greater(v, k)
		}
		f = d.ite(cond, d.value(rapid.SampledFrom([]uint32{1, 2}).Draw(t, "value")), f)
	}
	return f
}

// meant is what terms mean, by the words of their definition.
func (d *diagram) meant(list []Term, args []Argument) node {
	f := no
	for _, term := range list {
		all := yes
		for _, fact := range term {
			all = d.and(all, d.fact(fact.Values, args[fact.Arg]))
		}
		f = d.or(f, all)
	}
	return f
}

func (d *diagram) fact(values Values, a Argument) node {
	f := no
	for _, half := range values.Halves {
		pair := yes
		for _, v := range half {
			if v.Bits > 0 {
				pair = d.and(pair, d.fact(v, a))
			}
		}
		f = d.or(f, pair)
	}
	if len(values.Halves) > 0 {
		return f
	}
	v := d.word(a.Lo)
	if values.Upper {
		v = d.word(a.Hi)
	} else if a.Hi != NoWord {
		v = append(v, d.word(a.Hi)...)
	}
	n := slices.Clone(v[:values.Bits])
	var flip uint64
	if a.Signed && !values.Upper && values.Bits == a.Bits { // in the order of unsigned numbers then
		n[values.Bits-1] = d.not(n[values.Bits-1])
		flip = 1 << (values.Bits - 1)
	}
	for _, s := range values.Spans {
		f = d.or(f, d.and(d.not(d.greater(n, s.Hi^flip)), d.or(d.equal(n, s.Lo^flip), d.greater(n, s.Lo^flip))))
	}
	for _, c := range values.Cubes {
		f = d.or(f, d.equal(d.masked(v, c.Mask), c.Value))
	}
	if values.Not {
		return d.not(f)
	}
	return f
}

// Terms mean what the clauses do, whatever the arguments are, and no term can be
// left out.
func TestTermsMeanWhatTheClausesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewSpace(1 << 18)
		f := drawWide(t, s.d)
		regions, err := s.Regions(Function{f})
		if err != nil {
			t.Fatal(err)
		}
		var args []Argument
		for _, w := range []table.Word{4, 6} {
			a := Argument{Hi: w + 1, Lo: w, Bits: rapid.SampledFrom([]int{16, 32, 64}).Draw(t, "bits"),
				Signed: rapid.Bool().Draw(t, "signed"), Flags: rapid.Bool().Draw(t, "flags"),
				Code: rapid.SampledFrom([]uint64{0, 0xf}).Draw(t, "code")}
			if rapid.Bool().Draw(t, "apart") {
				args = append(args, Argument{Hi: NoWord, Lo: w + 1, Bits: 32})
				a.Hi, a.Bits = NoWord, min(a.Bits, 32)
			}
			args = append(args, a)
		}
		for _, r := range regions {
			list, err := Terms(r.When, args)
			if err != nil {
				t.Skip(err) // too many pieces
			}
			want := s.d.answers(f, r.Answers[0])
			if got := s.d.meant(list, args); got != want {
				t.Fatalf("%+v of %+v does not mean %+v", list, args, r.When)
			}
			for i := range list {
				if less := slices.Delete(slices.Clone(list), i, i+1); len(list) <= maxProducts && s.d.meant(less, args) == want {
					t.Fatalf("%+v needs no term %d", list, i)
				}
			}
		}
	})
}

// answers holds where f is ret.
func (d *diagram) answers(f node, ret uint32) node {
	if d.isEnd(f) {
		if d.valueOf(f) == ret {
			return yes
		}
		return no
	}
	s := d.nodes[f]
	return d.ite(d.bit(s.bit), d.answers(s.hi, ret), d.answers(s.lo, ret))
}
