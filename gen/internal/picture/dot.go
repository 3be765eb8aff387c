package picture

import (
	"fmt"
	"strings"
)

// DOT is the tree in the language of Graphviz. An edge is as wide as its calls weigh,
// and dashed where the kernel's cache of verdicts answers all of them.
func (t *Tree) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph filter {\n\tlabel=%q fontname=monospace\n\trankdir=LR\n\tnode [shape=box style=rounded fontname=monospace fontsize=11]\n\tedge [fontname=monospace fontsize=9]\n", t.Title)
	ends := 0
	id := func(n *Node) string { return fmt.Sprintf("n%d", n.id) }
	edge := func(from string, w way) {
		to := id(w.To)
		if w.To.Yes == nil {
			ends++
			to = fmt.Sprintf("end%d", ends)
			fmt.Fprintf(&b, "\t%s [label=%q color=%q tooltip=%q]\n", to, w.To.Text+"\n"+w.who(shown), w.To.colour(), w.who(pointed))
		}
		style := "solid"
		if w.Cached == w.Weight {
			style = "dashed"
		}
		fmt.Fprintf(&b, "\t%s -> %s [label=%q penwidth=%.2f color=%q style=%s]\n",
			from, to, w.answer, t.width(w.Weight, 9), w.colour(), style)
	}
	for _, n := range t.nodes {
		if n.Yes != nil {
			fmt.Fprintf(&b, "\t%s [label=%q]\n", id(n), n.Text)
		}
	}
	for _, n := range t.nodes {
		if n.Yes != nil {
			for _, w := range n.ways() {
				edge(id(n), w)
			}
		}
	}
	if t.Root.To.Yes == nil {
		fmt.Fprintf(&b, "\tn0 [label=%q color=%q]\n", t.Root.To.Text, t.Root.To.colour())
	}
	b.WriteString("}\n")
	return b.String()
}

// width is an edge's, of which all calls together have the widest.
func (t *Tree) width(weight, widest float64) float64 {
	return max(1, widest*weight/t.Root.Weight)
}
