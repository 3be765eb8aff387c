package meaning

import (
	"cmp"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Argument is a number that one or two words hold.
type Argument struct {
	Hi, Lo table.Word // Hi is NoWord if one word holds it
	Bits   int        // that its reader looks at, from the least significant
	Signed bool       // in these bits
	Flags  bool       // its single bits mean something
	Code   uint64     // bits of these that are one number
}

// NoWord is the upper word of an argument that has none.
const NoWord table.Word = 0xff

// Term is facts that hold together; an empty one always holds.
type Term []Fact

// Fact says which values an argument has.
type Fact struct {
	Arg int // index of the argument
	Values
}

// Values are those of an argument of which certain bits are in the set. Spans are
// of these bits as a number, in the order of its values: if it is signed, Lo and Hi
// are in two's complement. Cubes are of the argument, or of its upper half.
type Values struct {
	Upper bool // bits of the upper half are meant, rather than of the whole
	Bits  int  // so many, from the least significant
	Set
	Halves [][2]Values // if there are any, instead of all this: the upper half and the lower are as one pair says
}

// Terms puts clauses as briefly as it can: one of the terms holds exactly where one
// of the clauses does. The arguments hold all words that the clauses are about.
func Terms(when []Clause, args []Argument) ([]Term, error) {
	t := terms{d: newDiagram(Budget), known: map[fieldValues]measured{}}
	var fields []field
	for i, a := range args {
		f := field{a, int32(64 * i), int32(64*i + 64)}
		if a.Hi == NoWord {
			f.first += 32
		}
		fields = append(fields, f)
	}
	holds := no
	for _, clause := range when {
		all := yes
		for _, p := range clause {
			all = t.d.and(all, t.d.member(t.word(fields, p.Word), p.Set))
		}
		holds = t.d.or(holds, all)
	}
	var list []Term
	for _, p := range t.products(holds, fields) {
		var term Term
		for i, f := range fields {
			if p[i] == yes {
				continue
			}
			m := t.values(p[i], f)
			if m.length >= tooLong {
				return nil, cmp.Or(t.d.check(), errPieces)
			}
			term = append(term, Fact{i, m.Values})
		}
		list = append(list, term)
	}
	slices.SortStableFunc(list, func(a, b Term) int { return cmp.Compare(len(a), len(b)) })
	return list, t.d.check()
}

// terms works in a diagram of its own, in which the bits of an argument follow each
// other, the most significant first.
type terms struct {
	d     *diagram
	known map[fieldValues]measured
}

// field is the bits of a number in the diagram.
type field struct {
	Argument
	first, last int32
}

// word is a word in the diagram.
func (t *terms) word(fields []field, w table.Word) vector {
	i := slices.IndexFunc(fields, func(f field) bool { return f.Hi == w || f.Lo == w })
	last := fields[i].last
	if fields[i].Hi == w {
		last -= 32
	}
	v := make(vector, 32)
	for bit := range v {
		v[bit] = t.d.bit(last - 1 - int32(bit))
	}
	return v
}

// member holds where v is in the set.
func (d *diagram) member(v vector, s Set) node {
	f := no
	for _, p := range s.Spans {
		in := d.not(d.greater(v, p.Hi))
		if p.Lo > 0 {
			in = d.and(in, d.greater(v, p.Lo-1))
		}
		f = d.or(f, in)
	}
	for _, c := range s.Cubes {
		f = d.or(f, d.equal(d.masked(v, c.Mask), c.Value))
	}
	if s.Not {
		return d.not(f)
	}
	return f
}

// maxProducts is how many products are worth the work of making them fewer.
const maxProducts = 64

// products writes f as an or of products: of a function for each field. As two-level
// minimizers do (ESPRESSO), it makes each product as large as f allows, drops those
// that the others cover, and then takes from each what makes it longer to read.
func (t *terms) products(f node, fields []field) [][]node {
	list := t.apart(f, fields)
	if len(list) > maxProducts {
		return list
	}
	for _, p := range list {
		for i := range fields {
			p[i] = t.most(f, p, fields, i)
		}
	}
	for i := len(list) - 1; i >= 0; i-- {
		if t.own(list, i) == no {
			list = slices.Delete(list, i, i+1)
		}
	}
	for i, p := range list {
		for j := range fields {
			if least := t.d.only(t.own(list, i), fields[j]); t.values(least, fields[j]).length < t.values(p[j], fields[j]).length {
				p[j] = least
			}
		}
	}
	return list
}

// apart writes f as products that have nothing in common.
func (t *terms) apart(f node, fields []field) [][]node {
	switch {
	case f == no:
		return nil
	case len(fields) == 0:
		return [][]node{nil}
	}
	r := regions{d: t.d}
	var list [][]node
	for _, next := range r.behind([]node{f}, fields[0].last) {
		inside := r.indicator([]node{f}, fields[0].last, next)
		for _, rest := range t.apart(next[0], fields[1:]) {
			list = append(list, slices.Concat([]node{inside}, rest))
		}
	}
	return list
}

// most is the most that the factor i of a product can be without leaving f.
func (t *terms) most(f node, p []node, fields []field, i int) node {
	outside := t.d.not(f)
	for j := range p {
		if j != i {
			outside = t.d.and(outside, p[j])
		}
	}
	return t.d.not(t.d.only(outside, fields[i]))
}

// own is what no other product of the list covers of the product i.
func (t *terms) own(list [][]node, i int) node {
	f := t.d.all(list[i])
	for j, p := range list {
		if j != i {
			f = t.d.and(f, t.d.not(t.d.all(p)))
		}
	}
	return f
}

func (d *diagram) all(factors []node) node {
	f := yes
	for _, n := range factors {
		f = d.and(f, n)
	}
	return f
}

// only holds for the values of a field with which f holds for some of the rest.
func (d *diagram) only(f node, keep field) node {
	done := map[node]node{}
	var walk func(n node) node
	walk = func(n node) node {
		if d.isEnd(n) {
			return n
		}
		if m, ok := done[n]; ok {
			return m
		}
		s := d.nodes[n]
		lo, hi := walk(s.lo), walk(s.hi)
		m := d.or(lo, hi)
		if keep.first <= s.bit && s.bit < keep.last {
			m = d.ite(d.bit(s.bit), hi, lo)
		}
		done[n] = m
		return m
	}
	return walk(f)
}
