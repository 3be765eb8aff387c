// Package picture shows programs as the decision trees that calls go down: as text,
// as a graph for Graphviz, or as a drawing.
package picture

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// Tree is what the calls of one ABI go down in a program. Tests that all of them
// answer the same way, as those on the architecture, are left out.
type Tree struct {
	Title string
	Root  *Edge
	nodes []*Node // in the order of their instructions
}

// Node is a test, or an end.
type Node struct {
	Text    string // the test as a question, or the action
	Label   string // empty if one edge alone comes here
	Yes, No *Edge  // nil at an end
	id      int    // counted
	a       operand
	ins     bpf.RawInstruction
}

// Edge is a way to a node.
type Edge struct {
	To     *Node
	Calls  []string // that have a name and may go this way, by number
	Others bool     // so may numbers without a name
	Weight float64  // how many of its calls' uses go this way, by guess
	Cached float64  // the part of Weight for which the kernel's cache answers instead
}

type builder struct {
	arch  *abi.Arch
	insns kernel.Program
	flows map[place]flow
	order []place // those of each pc one after another
	next  map[place][2]place
	nodes map[place]*Node
}

// Build makes the tree of a program for an ABI.
func Build(title string, arch *abi.Arch, insns kernel.Program) *Tree {
	b := builder{arch: arch, insns: insns, flows: map[place]flow{}, next: map[place][2]place{}, nodes: map[place]*Node{}}
	at := make([][]place, len(insns))
	start := place{0, operand{unknown, 0}}
	b.flows[start] = b.all()
	at[0] = []place{start}
	for pc := range insns {
		for _, p := range at[pc] {
			for _, to := range b.step(p) {
				if !slices.Contains(at[to.pc], to) {
					at[to.pc] = append(at[to.pc], to)
				}
			}
			b.order = append(b.order, p)
		}
	}
	weights := b.weigh()
	t := &Tree{Title: title}
	for _, p := range b.order {
		if b.skips(p) {
			continue
		}
		t.nodes = append(t.nodes, b.node(p))
	}
	for _, p := range b.order {
		if n := b.nodes[p]; n != nil && !b.ends(p) {
			yes, no := b.split(p)
			n.Yes, n.No = b.edge(b.next[p][0], yes, weights), b.edge(b.next[p][1], no, weights)
		}
	}
	t.Root = b.edge(start, b.flows[start], weights)
	t.label(b)
	return t
}

// ends reports whether a place is an end.
func (b *builder) ends(p place) bool {
	op := b.insns[p.pc].Op
	return op == kernel.Return || op == kernel.ReturnA
}

// skips reports whether all that come to a place go on the same way.
func (b *builder) skips(p place) bool {
	if b.ends(p) {
		return false
	}
	if !kernel.Conditional(b.insns[p.pc].Op) || b.next[p][0] == b.next[p][1] {
		return true
	}
	yes, no := b.split(p)
	return yes.empty() || no.empty()
}

// node is the one that a place is, or leads to.
func (b *builder) node(p place) *Node {
	for b.skips(p) {
		to := b.next[p][0]
		if kernel.Conditional(b.insns[p.pc].Op) {
			if yes, _ := b.split(p); yes.empty() {
				to = b.next[p][1]
			}
		}
		p = to
	}
	n := b.nodes[p]
	if n == nil {
		n = &Node{id: len(b.nodes), Text: b.text(p), a: p.a, ins: b.insns[p.pc]}
		b.nodes[p] = n
	}
	return n
}

func (b *builder) edge(to place, f flow, weights map[uint32]float64) *Edge {
	e := &Edge{To: b.node(to), Others: len(f.others) > 0}
	var numbers []uint32
	for nr := range f.share {
		numbers = append(numbers, nr)
	}
	slices.Sort(numbers)
	for _, nr := range numbers {
		e.Calls = append(e.Calls, b.arch.CallName(nr))
		weight := f.share[nr] * weights[nr]
		e.Weight += weight
		if b.cached(nr) {
			e.Cached += weight
		}
	}
	if e.Others {
		e.Weight += tree.Unusual
	}
	return e
}

// label gives names to the tests that several edges come to.
func (t *Tree) label(b builder) {
	comes := map[*Node]int{}
	for _, n := range t.nodes {
		if n.Yes != nil {
			comes[n.Yes.To]++
			comes[n.No.To]++
		}
	}
	count := map[string]int{}
	for _, p := range b.order {
		n := b.nodes[p]
		if n == nil || n.Yes == nil || comes[n] < 2 {
			continue
		}
		n.Label = b.about(p)
		if count[n.Label]++; count[n.Label] > 1 {
			n.Label = fmt.Sprintf("%s.%d", n.Label, count[n.Label])
		}
	}
}
