package gen

import (
	"math"
	"math/rand/v2"
	"slices"

	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// A chooser gives a number below n. All that is random in a table comes from one, so
// that rapid can make tables, and a fuzzer too.
type chooser func(n int) int

func byRapid(t *rapid.T) chooser {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
}

// byBytes takes a byte for each choice. When they are used up, it chooses 0.
func byBytes(b []byte) chooser {
	return func(n int) int {
		if len(b) == 0 {
			return 0
		}
		c := int(b[0]) % n
		b = b[1:]
		return c
	}
}

func oneOf[T any](choose chooser, list []T) T { return list[choose(len(list))] }

// interesting are values at which comparisons of 16, 32 and 64 bits turn.
var interesting = []uint64{0, 1, 2, 3, 5, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x100000000, 0x100000002, 0x100000005,
	0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffffffe, 0xffffffffffffffff, 0xffffffff80000000}

var numbers = []uint32{0, 1, 2, 3, 7, 8, 9, 100, 300, 511, 512, 547, 548, 0x3fffffff, 0x40000000, 0x40000001, 0xfffffffe, 0xffffffff}

var actions = []uint32{0x7fff0000, 0x7fff0000, 0x80000000, 0, 0x00050001, 0x00050026, 0x7ffc0000}

func drawValue(choose chooser, bits int) uint64 {
	v := oneOf(choose, interesting) + uint64(choose(3)) - 1
	return v & (^uint64(0) >> (64 - bits))
}

func drawTest(choose chooser) table.Test {
	slot := table.Word(choose(3))
	c := table.Test{Lo: 4 + 2*slot, Hi: 5 + 2*slot,
		Bits:   oneOf(choose, []int{16, 32, 64}),
		Signed: choose(2) == 1,
		Op:     oneOf(choose, []table.Op{table.In, table.In, table.Lt, table.Le, table.Gt, table.Ge}),
	}
	c.Mask = ^uint64(0) >> (64 - c.Bits)
	if c.Op != table.In {
		c.Values = []uint64{drawValue(choose, c.Bits)}
		return c
	}
	if choose(2) == 1 {
		c.Mask = drawValue(choose, c.Bits)
	}
	n := choose(16)
	if n == 15 { // further than a conditional jump reaches
		for _, v := range scattered(100) {
			c.Values = append(c.Values, v&c.Mask)
		}
		return c
	}
	for range 1 + n%4 {
		c.Values = append(c.Values, drawValue(choose, c.Bits)&c.Mask)
	}
	return c
}

func drawCond(choose chooser, depth int) table.Cond {
	kind := choose(6)
	if depth == 0 || kind > 2 {
		return drawTest(choose)
	}
	if kind == 0 {
		return table.Not{Cond: drawCond(choose, depth-1)}
	}
	var subs []table.Cond
	for range 1 + choose(3) {
		subs = append(subs, drawCond(choose, depth-1))
	}
	if kind == 1 {
		return table.All(subs)
	}
	return table.Any(subs)
}

func drawPart(choose chooser, arch *abi.Arch, rules int) table.Part {
	p := table.Part{Arch: arch, Numbers: slices.Clone(arch.Numbers), Default: oneOf(choose, actions)}
	if arch.Name == "amd64" && choose(2) == 1 {
		p.Numbers = []abi.Range{{Lo: 0, Hi: 511}, {Lo: 548, Hi: 0x3fffffff}, {Lo: math.MaxUint32, Hi: math.MaxUint32}}
	}
	for i := range choose(rules + 1) {
		r := table.Rule{Action: oneOf(choose, actions), Source: i, Numbers: drawNumbers(choose, p.Numbers)}
		if choose(4) > 0 {
			r.Cond = drawCond(choose, 2)
		}
		p.Rules = append(p.Rules, r)
	}
	return p
}

// drawNumbers is up to four ranges of numbers that a part has.
func drawNumbers(choose chooser, from []abi.Range) (list []abi.Range) {
	var starts []uint32
	for range 1 + choose(4) {
		starts = append(starts, oneOf(choose, numbers))
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	for i, lo := range starts {
		at := slices.IndexFunc(from, func(r abi.Range) bool { return r.Lo <= lo && lo <= r.Hi })
		if at < 0 {
			continue
		}
		one := abi.Range{Lo: lo, Hi: lo}
		if choose(4) == 3 {
			one.Hi = from[at].Hi
			if i+1 < len(starts) {
				one.Hi = min(one.Hi, starts[i+1]-1)
			}
		}
		list = append(list, one)
	}
	return list
}

// drawTable is a table whose parts have up to so many rules.
func drawTable(choose chooser, rules int) table.Table {
	tb := table.Table{BadArch: oneOf(choose, actions)}
	for _, name := range oneOf(choose, [][]string{{"amd64"}, {"amd64", "i386"}, {"x32", "amd64"}, {"i386"}}) {
		tb.Parts = append(tb.Parts, drawPart(choose, abi.Lookup(name), rules))
	}
	return tb
}

func drawWeights(choose chooser) tree.Weights {
	switch choose(3) {
	case 1:
		return tree.Weights{Uniform: true}
	case 2:
		counts := map[string]float64{}
		for _, name := range []string{"read", "write", "open", "close", "rt_sigaction"} {
			counts[name] = math.Pow(10, float64(choose(7)))
		}
		return tree.Weights{Counts: counts}
	}
	return tree.Weights{}
}

// edges are the values at which a table's answers may change, and their neighbours.
type edges struct {
	audits, numbers []uint32
	values          []uint64 // of arguments
}

func edgesOf(tb table.Table) edges {
	e := edges{audits: []uint32{0xc00000b7}, values: []uint64{0, 0xffffffff}}
	ranges := func(list []abi.Range) {
		for _, r := range list {
			e.numbers = append(e.numbers, r.Lo-1, r.Lo, r.Hi, r.Hi+1)
		}
	}
	tests(tb, func(t table.Test) {
		for _, v := range t.Values {
			e.values = append(e.values, v-1, v, v+1, v|^t.Mask)
		}
	})
	for _, p := range tb.Parts {
		e.audits = append(e.audits, p.Arch.Audit, p.Arch.Audit)
		ranges(p.Numbers)
		for _, r := range p.Rules {
			ranges(r.Numbers)
		}
	}
	slices.Sort(e.numbers)
	e.numbers = slices.Compact(e.numbers)
	return e
}

// tests goes through all tests of a table.
func tests(tb table.Table, each func(table.Test)) {
	var walk func(table.Cond)
	walk = func(c table.Cond) {
		switch c := c.(type) {
		case table.All:
			for _, sub := range c {
				walk(sub)
			}
		case table.Any:
			for _, sub := range c {
				walk(sub)
			}
		case table.Not:
			walk(c.Cond)
		case table.Test:
			each(c)
		}
	}
	for _, p := range tb.Parts {
		for _, r := range p.Rules {
			walk(r.Cond)
		}
	}
}

// call is one by these values. The halves of an argument mostly belong together.
func (e edges) call(r *rand.Rand) (data [16]uint32) {
	one := func(list []uint32) uint32 { return list[r.IntN(len(list))] }
	for i := range data {
		data[i] = r.Uint32()
	}
	data[table.Arch], data[table.Nr] = one(e.audits), one(e.numbers)
	for w := 4; w < len(data); w += 2 {
		v := e.values[r.IntN(len(e.values))]
		data[w] = uint32(v)
		if r.IntN(4) > 0 {
			data[w+1] = uint32(v >> 32)
		} else {
			data[w+1] = uint32(e.values[r.IntN(len(e.values))] >> 32)
		}
	}
	return data
}
