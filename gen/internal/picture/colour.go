package picture

import (
	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// The colours can be told apart on white and on black.
const (
	green   = "#2da44e" // the call happens
	amber   = "#d29922" // it fails
	red     = "#e5534b" // it ends the thread or the process
	blue    = "#539bf5" // someone is told or asked
	neutral = "#8b949e" // that is still open
)

func kills(ins bpf.RawInstruction) bool { return ins.Op == kernel.Return && kernel.Kills(ins.K) }

// colour is an end's.
func (n *Node) colour() string {
	switch action := kernel.Action(n.ins.K); {
	case n.ins.Op != kernel.Return: // of A
		return neutral
	case kills(n.ins):
		return red
	case action == kernel.RetErrno:
		return amber
	case action == kernel.RetAllow:
		return green
	}
	return blue
}

// colour is that of the one end that an edge leads to, if it is one.
func (e *Edge) colour() string {
	first := ""
	seen := map[*Node]bool{}
	var one func(n *Node) bool
	one = func(n *Node) bool {
		switch {
		case seen[n]:
			return true
		case n.Yes == nil:
			if first == "" {
				first = n.colour()
			}
			return n.colour() == first
		}
		seen[n] = true
		return one(n.Yes.To) && one(n.No.To)
	}
	if one(e.To) {
		return first
	}
	return neutral
}
