// Package program turns a tree into classic BPF instructions.
package program

import (
	"math"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// Lower lays a tree out as instructions. It works from the end to the
// beginning: jumps only go forward, so the distance to every target is known
// when the jump is made. A target that eight bits cannot reach is an end made
// anew, or an instruction that jumps on.
//
// Each test is a load, a mask and a jump; whoever comes with the right word in
// A enters behind the load, so that no word is loaded twice on a path.
//
// The result may exceed kernel.MaxLen. The map tells where the nodes begin that are
// cuts, and that the program can reach.
func Lower(root *tree.Node) (kernel.Program, map[*tree.Node]int) {
	l := &layout{
		entries: map[*tree.Node]entries{},
		ends:    map[uint32]int{},
		needs:   map[*tree.Node]need{},
	}
	l.survey(root, holds{none: true})
	l.emit(root)
	for i, j := 0, len(l.back)-1; i < j; i, j = i+1, j-1 {
		l.back[i], l.back[j] = l.back[j], l.back[i]
	}
	starts := map[*tree.Node]int{}
	for n, e := range l.entries {
		if n.Cut {
			starts[n] = len(l.back) - 1 - e.load
		}
	}
	return l.back, starts
}

// holds is what A holds: a word under a mask, or nothing known.
type holds struct {
	none bool
	word table.Word
	mask uint32
}

// need says which of its three entries a node is entered by.
type need struct{ seen, load, mask bool }

// entries are a node's places, counted from the end of the program.
type entries struct{ load, mask, test int }

type layout struct {
	back    kernel.Program // the program backwards
	entries map[*tree.Node]entries
	ends    map[uint32]int // the nearest return of each action
	needs   map[*tree.Node]need
}

// stage is how much of a node's loading is left to do for one who holds h.
type stage int

const (
	atTest stage = iota
	atMask
	atLoad
)

func enter(n *tree.Node, h holds) stage {
	switch {
	case h.none || n.Cut || h.word != n.Word:
		return atLoad
	case h.mask == n.Mask:
		return atTest
	case n.Op != tree.AnyBit && n.Mask&^h.mask == 0:
		return atMask
	}
	return atLoad
}

// survey finds the entries that will be used.
func (l *layout) survey(n *tree.Node, h holds) {
	if n.IsEnd() {
		return
	}
	nd := l.needs[n]
	first := !nd.seen
	nd.seen = true
	switch enter(n, h) {
	case atLoad:
		nd.load = true
	case atMask:
		nd.mask = true
	}
	l.needs[n] = nd
	if first {
		l.survey(n.Yes, own(n))
		l.survey(n.No, own(n))
	}
}

// own is what A holds behind n for sure.
func own(n *tree.Node) holds { return holds{word: n.Word, mask: n.Mask} }

func (l *layout) emit(n *tree.Node) {
	if n.IsEnd() {
		if _, ok := l.ends[n.Action]; !ok {
			l.end(n.Action)
		}
		return
	}
	if _, ok := l.entries[n]; ok {
		return
	}
	// What is emitted last comes next when the program runs. The kernel jumps there
	// without a further instruction (net/core/filter.c, bpf_convert_filter), but for
	// a test of bits, which it cannot turn round.
	first, last := n.Yes, n.No
	if n.Likely && n.Op != tree.AnyBit {
		first, last = last, first
	}
	l.emit(first)
	l.emit(last)
	l.jump(n)
	e := entries{test: len(l.back) - 1}
	nd := l.needs[n]
	masks := n.Op != tree.AnyBit && n.Mask != math.MaxUint32
	if masks && (nd.mask || nd.load) {
		l.push(bpf.RawInstruction{Op: kernel.And, K: n.Mask})
	}
	e.mask = len(l.back) - 1
	if nd.load {
		l.push(bpf.RawInstruction{Op: kernel.LoadWord, K: 4 * uint32(n.Word)})
	}
	e.load = len(l.back) - 1
	l.entries[n] = e
}

func (l *layout) push(i bpf.RawInstruction) { l.back = append(l.back, i) }

func (l *layout) end(action uint32) {
	l.push(bpf.RawInstruction{Op: kernel.Return, K: action})
	l.ends[action] = len(l.back) - 1
}

// target is where the way from n to its outcome leads, counted from the end.
func (l *layout) target(n, to *tree.Node) int {
	if to.IsEnd() {
		return l.ends[to.Action]
	}
	e := l.entries[to]
	switch enter(to, own(n)) {
	case atTest:
		return e.test
	case atMask:
		return e.mask
	}
	return e.load
}

// jump emits n's test. Outcomes out of its reach get a stop just behind it.
func (l *layout) jump(n *tree.Node) {
	codes := map[tree.Op]uint16{tree.Equal: kernel.JumpEqual, tree.AtLeast: kernel.JumpGreaterEq, tree.AnyBit: kernel.JumpAnyBit}
	yes, no := l.target(n, n.Yes), l.target(n, n.No)
	const reach = math.MaxUint8
	// The stop for one outcome moves the other a place further away.
	for range 2 {
		if len(l.back)-1-yes > reach {
			yes = l.stop(n.Yes, yes)
		}
		if len(l.back)-1-no > reach {
			no = l.stop(n.No, no)
		}
	}
	l.push(bpf.RawInstruction{Op: codes[n.Op], K: n.K,
		Jt: uint8(len(l.back) - 1 - yes), Jf: uint8(len(l.back) - 1 - no)})
}

// stop makes a place close by that leads to the target.
func (l *layout) stop(to *tree.Node, target int) int {
	if to.IsEnd() {
		l.end(to.Action)
	} else {
		l.push(bpf.RawInstruction{Op: kernel.Jump, K: uint32(len(l.back) - 1 - target)})
	}
	return len(l.back) - 1
}
