// Package tree finds the decision diagram that answers a table with few
// expected tests.
//
// Build goes from the outside in: the audit value, then the number, then the
// argument words of the calls that have conditions, so that no argument is
// loaded on the way to an action that needs none. At each word the same search
// runs (search.go): the word's values fall into runs that lead to the same
// place, and runs are told apart by comparisons. What a condition says of
// words is in formula.go, how the words of one call are taken in order in
// body.go. Equal nodes are one node.
//
// Nothing here has to be believed: package meaning checks what comes out.
package tree

import "github.com/secgen-dev/secgen/gen/internal/table"

// Op is how a node tests its word.
type Op uint8

// The tests: equality and order of the word under the node's mask, or whether
// the word has any of K's bits.
const (
	Equal   Op = iota // word&Mask == K
	AtLeast           // word&Mask >= K
	AnyBit            // word&K != 0
)

// Node is a test with two outcomes, or, where Yes is nil, an end with an action.
type Node struct {
	Action  uint32 // SECCOMP_RET_* value of an end
	Word    table.Word
	Mask    uint32 // applied before Equal and AtLeast; all ones for none
	Op      Op
	K       uint32
	Yes, No *Node

	// Cut says that a piece of the proof begins here: the way here leaves nothing
	// that the node relies on, so it loads its word itself.
	Cut bool

	// Likely says that Yes is the way of most calls, or of those that matter.
	Likely bool

	cost float64 // expected instructions from here to the end, the loading of Word included
}

// IsEnd reports whether the node is an action.
func (n *Node) IsEnd() bool { return n.Yes == nil }

// place is a word under a mask: what A has to hold for a test.
type place struct {
	word table.Word
	mask uint32
}

func (n *Node) place() place { return place{n.Word, n.Mask} }

// nodes makes nodes and keeps them unique.
type nodes struct {
	unique map[Node]*Node

	choices []choice // for the next search to write over
	tables  []*[1 << exactRuns]int32
}

// table is a cleared one that earlier searches may have used.
func (ns *nodes) table() *[1 << exactRuns]int32 {
	for n := len(ns.tables); n > 0; n = len(ns.tables) {
		t := ns.tables[n-1]
		ns.tables = ns.tables[:n-1]
		if t != nil {
			*t = [1 << exactRuns]int32{}
			return t
		}
	}
	return new([1 << exactRuns]int32)
}

func (ns *nodes) end(action uint32) *Node { return ns.intern(Node{Action: action, cost: 1}) }

// test returns the node with this test, or the place where both outcomes lead.
func (ns *nodes) test(p place, op Op, k uint32, yes, no *Node, likely bool, cost float64) *Node {
	if yes == no {
		return yes
	}
	return ns.intern(Node{Word: p.word, Mask: p.mask, Op: op, K: k, Yes: yes, No: no, Likely: likely, cost: cost})
}

// cut returns the node as one where a piece begins.
func (ns *nodes) cut(n *Node) *Node {
	c := *n
	c.Cut = true
	return ns.intern(c)
}

// size counts the tests from n on that are not behind final.
func (n *Node) size(final *Node) int {
	seen := map[*Node]bool{}
	var walk func(n *Node)
	walk = func(n *Node) {
		if n.IsEnd() || n == final || seen[n] {
			return
		}
		seen[n] = true
		walk(n.Yes)
		walk(n.No)
	}
	walk(n)
	return len(seen)
}

func (ns *nodes) intern(n Node) *Node {
	cost, likely := n.cost, n.Likely
	n.cost, n.Likely = 0, false // the same test may be reached with different expectations
	if old, ok := ns.unique[n]; ok {
		return old
	}
	made := n
	made.cost, made.Likely = cost, likely
	ns.unique[n] = &made
	return &made
}
