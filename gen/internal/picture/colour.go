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

// The actions of SECCOMP_RET_* values (linux/seccomp.h).
const (
	retKillThread  = 0x0000
	retKillProcess = 0x8000
	retErrno       = 0x0005
	retAllow       = 0x7fff
)

func kills(ins bpf.RawInstruction) bool {
	return ins.Op == kernel.Return && (ins.K>>16 == retKillThread || ins.K>>16 == retKillProcess)
}

// colour is an end's.
func (n *Node) colour() string {
	switch action := n.ins.K >> 16; {
	case n.ins.Op != kernel.Return: // of A
		return neutral
	case kills(n.ins):
		return red
	case action == retErrno:
		return amber
	case action == retAllow:
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
