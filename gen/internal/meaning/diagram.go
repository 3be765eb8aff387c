package meaning

// A node stands for a function of the bits of struct seccomp_data. Nodes are
// indices into a diagram, and equal functions are equal nodes.
type node int32

// A boolean function is one that ends in these two values.
const (
	no  node = 0 // the constant 0
	yes node = 1 // the constant 1
)

// split is a node's inside: test bit, then go to lo if it is 0, to hi if 1.
// An end has bit == end and its value in lo, and 1 in hi if it is an arrival.
type split struct {
	bit    int32
	lo, hi node
}

const end = 1 << 30 // below every bit

// diagram owns nodes and keeps them unique.
type diagram struct {
	nodes  []split
	unique []node   // hash table of indices into nodes; 0 is free, node 0 being never looked up
	done   []choice // results of ite, each in the one place that its hash allows
	limit  int      // of nodes
	steps  int      // of ite that may still be taken
	full   bool     // a limit was reached, and every result since is worthless
}

// choice is a computed ite; the zero choice is none, as ite(0, …) is never stored.
type choice struct{ cond, then, other, is node }

func newDiagram(limit int) *diagram {
	d := &diagram{unique: make([]node, 1<<12), done: make([]choice, 1<<16), limit: limit, steps: 50 * limit}
	d.nodes = append(d.nodes, split{end, 0, 0}) // no, found by value without the table
	d.value(1)
	return d
}

// value is the function that is v everywhere.
func (d *diagram) value(v uint32) node {
	if v == 0 {
		return no
	}
	return d.intern(split{end, node(int32(v)), 0})
}

// arrival is the end of a way that leads to an instruction and is not followed
// further. It is no value: the same for the same pc, and equal to nothing else.
func (d *diagram) arrival(pc int) node { return d.intern(split{end, node(pc), 1}) }

// valueOf is the inverse of value.
func (d *diagram) valueOf(n node) uint32 { return uint32(int32(d.nodes[n].lo)) }

func (d *diagram) isEnd(n node) bool { return d.nodes[n].bit == end }

// intern returns the node with this inside, the same for the same.
func (d *diagram) intern(s split) node {
	if 2*len(d.nodes) > len(d.unique) {
		d.grow()
	}
	at := d.find(s)
	if n := d.unique[at]; n != 0 {
		return n
	}
	if len(d.nodes) >= d.limit {
		d.full = true
		return no
	}
	n := node(len(d.nodes))
	d.nodes = append(d.nodes, s)
	d.unique[at] = n
	return n
}

// find is the place of s in the hash table, or the free one where it belongs.
func (d *diagram) find(s split) int {
	mask := len(d.unique) - 1
	at := int(hash(node(s.bit), s.lo, s.hi)) & mask
	for d.unique[at] != 0 && d.nodes[d.unique[at]] != s {
		at = (at + 1) & mask
	}
	return at
}

func (d *diagram) grow() {
	d.unique = make([]node, 4*len(d.unique))
	for n := 1; n < len(d.nodes); n++ {
		d.unique[d.find(d.nodes[n])] = node(n)
	}
	if len(d.done) < len(d.unique) {
		d.done = make([]choice, len(d.unique)) // only forgets
	}
}

func hash(a, b, c node) uint32 {
	h := uint64(uint32(a))*0x9e3779b97f4a7c15 ^ uint64(uint32(b))*0xc2b2ae3d27d4eb4f ^ uint64(uint32(c))*0x165667b19e3779f9
	return uint32(h>>29 ^ h)
}

// bit is the boolean function that a single bit is.
func (d *diagram) bit(b int32) node { return d.intern(split{b, no, yes}) }

// ite is the function that is then where cond holds and other elsewhere.
func (d *diagram) ite(cond, then, other node) node {
	switch {
	case cond == yes || then == other:
		return then
	case cond == no:
		return other
	case then == yes && other == no:
		return cond
	}
	slot := &d.done[int(hash(cond, then, other))&(len(d.done)-1)]
	if slot.cond == cond && slot.then == then && slot.other == other {
		return slot.is
	}
	if d.steps--; d.full || d.steps < 0 {
		d.full = true
		return no
	}
	top := min(d.nodes[cond].bit, d.nodes[then].bit, d.nodes[other].bit)
	c0, c1 := d.at(cond, top)
	t0, t1 := d.at(then, top)
	o0, o1 := d.at(other, top)
	lo, hi := d.ite(c0, t0, o0), d.ite(c1, t1, o1)
	n := lo
	if lo != hi {
		n = d.intern(split{top, lo, hi})
	}
	d.done[int(hash(cond, then, other))&(len(d.done)-1)] = choice{cond, then, other, n}
	return n
}

// at gives the halves of n for bit being 0 and 1; bit is not below n's own.
func (d *diagram) at(n node, bit int32) (lo, hi node) {
	if s := d.nodes[n]; s.bit == bit {
		return s.lo, s.hi
	}
	return n, n
}

func (d *diagram) and(a, b node) node { return d.ite(a, b, no) }
func (d *diagram) or(a, b node) node  { return d.ite(a, yes, b) }
func (d *diagram) not(a node) node    { return d.ite(a, no, yes) }
func (d *diagram) xor(a, b node) node { return d.ite(a, d.not(b), b) }

// check returns the error that a full diagram amounts to.
func (d *diagram) check() error {
	if d.full {
		return &TooLarge{Limit: d.limit}
	}
	return nil
}
