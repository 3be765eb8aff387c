package picture

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/file"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// text is what stands at a place: a test in the words of a generated file's listing,
// with constants by name where all calls that come have the same.
func (b *builder) text(p place) string {
	ins := b.insns[p.pc]
	switch ins.Op {
	case kernel.Return:
		return file.ReturnText(b.arch, ins.K)
	case kernel.ReturnA:
		return "return A"
	}
	op := operators[ins.Op&^kernel.UseX]
	mask, masked := p.a.mask, p.a.word != unknown && p.a.mask != ^uint32(0)
	text := b.word(p)
	names := b.names(p)
	if masked && ins.K == mask && (ins.Op == kernel.JumpEqual || ins.Op == kernel.JumpGreaterEq) { // no masked word is greater
		return text + " has " + join(names.Mask, mask)
	}
	if masked {
		text += " & " + group(join(names.Mask, mask))
	}
	switch {
	case ins.Op&kernel.UseX != 0:
		return text + " " + op + " X"
	case p.a.word == table.Nr && !masked && op != "&":
		text += fmt.Sprintf(" %s %d", op, ins.K)
		if name := b.arch.CallName(ins.K); name != "" {
			text += " (" + name + ")"
		}
		return text
	case op == "==":
		return text + " == " + group(join(names.Value, ins.K))
	case op == "&":
		return text + " & " + group(join(names.Mask, ins.K))
	}
	return text + " " + op + " " + figure(ins.K)
}

var operators = map[uint16]string{kernel.JumpEqual: "==", kernel.JumpGreaterEq: ">=", kernel.JumpGreater: ">", kernel.JumpAnyBit: "&"}

// join writes a number by the constants in it, if they are few.
func join(names func(uint64) (string, bool), k uint32) string {
	const few = 3
	text, ok := names(uint64(k))
	if !ok || strings.Count(text, "|") >= few {
		return figure(k)
	}
	return text
}

func group(names string) string {
	if strings.Contains(names, "|") {
		return "(" + names + ")"
	}
	return names
}

func figure(k uint32) string {
	if k < 10 {
		return fmt.Sprint(k)
	}
	return fmt.Sprintf("%#x", k)
}

// word names the word in A, by the argument if the calls that come agree on it.
func (b *builder) word(p place) string {
	switch w := p.a.word; {
	case w == unknown:
		return "A"
	case w == table.Nr:
		return "nr"
	case w == table.Arch:
		return "arch"
	case w < 4:
		return fmt.Sprintf("the instruction pointer's word %d", w-2)
	}
	name, upper := b.arg(p)
	if upper {
		return name + " (upper half)"
	}
	return name
}

func (b *builder) arg(p place) (name string, upper bool) {
	register, high := file.ArgName(b.arch, "", p.a.word)
	for i, call := range b.calls(p) {
		own, half := file.ArgName(b.arch, call, p.a.word)
		if i > 0 && own != name {
			return register, high
		}
		name, upper = own, half
	}
	if name == "" {
		return register, high
	}
	return name, upper
}

// names are those of the argument's values, if all calls that come have the same
// argument there and this is its lower half.
func (b *builder) names(p place) abi.Names {
	name, upper := b.arg(p)
	calls := b.calls(p)
	if upper || len(calls) == 0 || p.a.word < 4 || p.a.word == unknown {
		return abi.Names{}
	}
	for _, a := range b.arch.Args(calls[0]) {
		if a.Name == name {
			return b.arch.Names(calls[0], a)
		}
	}
	return abi.Names{}
}

// calls are the names that come to a place, by number.
func (b *builder) calls(p place) []string {
	var numbers []uint32
	for nr := range b.flows[p].share {
		numbers = append(numbers, nr)
	}
	slices.Sort(numbers)
	var names []string
	for _, nr := range numbers {
		names = append(names, b.arch.CallName(nr))
	}
	return names
}

// about is what a label is named after: the call whose arguments a test looks at.
func (b *builder) about(p place) string {
	if p.a.word == table.Nr {
		return "nr." + strconv.FormatUint(uint64(b.insns[p.pc].K), 10)
	}
	if calls := b.calls(p); len(calls) > 0 {
		return calls[0]
	}
	return "at"
}

// who tells in short which calls go a way.
func (e *Edge) who(most int) string {
	var text string
	switch n := len(e.Calls); {
	case n == 0:
		return "numbers without a name"
	case n <= most:
		text = strings.Join(e.Calls, " ")
	default:
		text = fmt.Sprintf("%s … %s (%d calls)", e.Calls[0], e.Calls[n-1], n)
	}
	if e.Others {
		text += ", numbers without a name"
	}
	return text
}

// ways are the edges of a test in the order of pictures, those of lower numbers and
// of what is tested for first.
func (n *Node) ways() []way {
	yes, no := way{"yes", n.Yes}, way{"no", n.No}
	if n.ins.Op == kernel.JumpGreaterEq || n.ins.Op == kernel.JumpGreater {
		return []way{no, yes}
	}
	return []way{yes, no}
}

type way struct {
	answer string
	*Edge
}

// How many names are listed before it is said how many there are.
const (
	shown   = 3  // in pictures
	listed  = 6  // in text
	pointed = 80 // of what one points at
)

// Text is the tree, a test or an end a line. Ends that the kernel's cache of verdicts
// gives to all calls that come there are marked.
func (t *Tree) Text() string {
	var b strings.Builder
	fmt.Fprintln(&b, t.Title)
	seen := map[*Node]bool{}
	var show func(e *Edge, head string, depth int)
	show = func(e *Edge, head string, depth int) {
		indent := strings.Repeat("  ", depth)
		n := e.To
		switch {
		case n.Yes == nil:
			line := indent + head + n.Text + ": " + e.who(listed)
			if e.Cached == e.Weight {
				line += " [cache]"
			}
			fmt.Fprintln(&b, line)
			return
		case seen[n]:
			fmt.Fprintln(&b, indent+head+"see "+n.Label)
			return
		}
		seen[n] = true
		label := ""
		if n.Label != "" {
			label = n.Label + ": "
		}
		fmt.Fprintln(&b, indent+head+label+n.Text+"?")
		for _, w := range n.ways() {
			show(w.Edge, w.answer+": ", depth+1)
		}
	}
	show(t.Root, "", 1)
	return b.String()
}
