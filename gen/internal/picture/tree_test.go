package picture

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// aProgram is a program of loads, masks, arithmetic, jumps and returns.
func aProgram(t *rapid.T, arch *abi.Arch) kernel.Program {
	value := rapid.OneOf(rapid.SampledFrom([]uint32{arch.Audit, 0x40000000, 1<<32 - 1, 1 << 31}), rapid.Uint32Range(0, 5), aNumber(arch))
	n := rapid.IntRange(1, 24).Draw(t, "length")
	p := make(kernel.Program, n)
	for pc := range p {
		k := value.Draw(t, "k")
		ahead := n - pc - 2
		op := rapid.SampledFrom([]uint16{kernel.LoadWord, kernel.LoadWord, kernel.And, kernel.JumpEqual, kernel.JumpGreaterEq, kernel.JumpGreater,
			kernel.JumpAnyBit, kernel.JumpEqual, kernel.JumpGreaterEq, kernel.Jump, kernel.Add, kernel.Return}).Draw(t, "op")
		skip := func() uint8 { return uint8(rapid.IntRange(0, min(ahead, 6)).Draw(t, "skip")) }
		switch {
		case pc == n-1, ahead < 0, op == kernel.Return:
			ret := rapid.SampledFrom([]uint32{0x7fff0000, 0x80000000, 0x00050001, 0x00050026, 0x7ffc0000, 0x00030000}).Draw(t, "ret")
			p[pc] = bpf.RawInstruction{Op: kernel.Return, K: ret}
		case op == kernel.LoadWord:
			p[pc] = bpf.RawInstruction{Op: op, K: rapid.SampledFrom([]uint32{0, 0, 0, 4, 16, 20, 24}).Draw(t, "word")}
		case op == kernel.Jump:
			p[pc] = bpf.RawInstruction{Op: op, K: uint32(skip())}
		case kernel.Conditional(op):
			p[pc] = bpf.RawInstruction{Op: op, K: k, Jt: skip(), Jf: skip()}
		default:
			p[pc] = bpf.RawInstruction{Op: op, K: k}
		}
	}
	if err := kernel.Check(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// aNumber is one that calls have, or one that none has.
func aNumber(arch *abi.Arch) *rapid.Generator[uint32] {
	lo := arch.Numbers[0].Lo
	return rapid.OneOf(rapid.Uint32Range(lo, lo+6), rapid.Uint32Range(lo+2000, lo+2003))
}

// A call that goes down the tree gets what the kernel's machine gives it, and is
// among the calls of every edge.
func TestCallsFindTheirEndsInTheTree(t *testing.T) {
	arches := abi.Arches()
	rapid.Check(t, func(t *rapid.T) {
		arch := rapid.SampledFrom(arches).Draw(t, "arch")
		p := aProgram(t, arch)
		tree := Build("a filter", arch, p)
		word := rapid.OneOf(rapid.Uint32Range(0, 6), rapid.SampledFrom([]uint32{1 << 31, 1<<32 - 1}))
		for range 40 {
			r := arch.Numbers[0]
			nr := rapid.OneOf(aNumber(arch), rapid.Uint32Range(r.Lo, r.Hi)).Draw(t, "nr")
			data := [16]uint32{table.Nr: nr, table.Arch: arch.Audit}
			for w := 4; w < 8; w++ {
				data[w] = word.Draw(t, "word")
			}
			end, known := walk(t, tree, arch, data)
			if want, _ := kernel.Run(p, data); known && end.ins.K != want {
				t.Fatalf("call %x comes to %s, and gets %#x\n%s", data, end.Text, want, tree.Text())
			}
		}
	})
}

// walk goes down to an end, or to a test of what has no name.
func walk(t *rapid.T, tree *Tree, arch *abi.Arch, data [16]uint32) (end *Node, known bool) {
	e := tree.Root
	for {
		if name := arch.CallName(data[table.Nr]); name == "" && !e.Others || name != "" && !slices.Contains(e.Calls, name) {
			t.Fatalf("call %x is none of those that come to %s: %s\n%s", data, e.To.Text, e.who(1000), tree.Text())
		}
		n := e.To
		switch {
		case n.Yes == nil:
			return n, true
		case n.a.word == unknown:
			return n, false
		}
		e = n.No
		if kernel.Holds(n.ins.Op, data[n.a.word]&n.a.mask, n.ins.K) {
			e = n.Yes
		}
	}
}

// Every test and end of a tree is in each of its pictures, and a drawing is XML.
func TestPicturesAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arch := abi.Lookup("amd64")
		tree := Build(`a <filter> & "more"`, arch, aProgram(t, arch))
		text, dot, svg := tree.Text(), tree.DOT(), tree.SVG()
		tests := 0
		for _, n := range tree.nodes {
			if n.Yes == nil {
				continue
			}
			tests++
			if !strings.Contains(text, n.Text+"?") || !strings.Contains(dot, n.Text) {
				t.Fatalf("%s is missing in\n%s%s", n.Text, text, dot)
			}
		}
		if shown := strings.Count(text, "?\n"); shown != tests {
			t.Fatalf("%d tests, of which the text shows %d\n%s", tests, shown, text)
		}
		if edges := strings.Count(dot, " -> "); edges != 2*tests {
			t.Fatalf("%d tests, and %d edges\n%s", tests, edges, dot)
		}
		boxes := 0
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, svg)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" && slices.Contains(e.Attr, xml.Attr{Name: xml.Name{Local: "class"}, Value: "t"}) {
				boxes++
			}
		}
		if boxes != tests || strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Fatalf("%d tests, and %d boxes\n%s", tests, boxes, svg)
		}
	})
}

// Numbers without a name are told apart by every jump.
func TestNumbersWithoutANameAreDivided(t *testing.T) {
	for _, test := range []struct {
		name string
		jump bpf.RawInstruction
		want []string // what becomes of 2000, and of what is greater
	}{
		{"greater", bpf.RawInstruction{Op: kernel.JumpGreater, K: 2000, Jt: 1}, []string{"no: allow", "yes: errno"}},
		{"at least", bpf.RawInstruction{Op: kernel.JumpGreaterEq, K: 2001, Jt: 1}, []string{"no: allow", "yes: errno"}},
		{"equal", bpf.RawInstruction{Op: kernel.JumpEqual, K: 2000, Jf: 1}, []string{"yes: allow", "no: errno"}},
		{"greater than any", bpf.RawInstruction{Op: kernel.JumpGreater, K: 1<<32 - 1, Jt: 1}, []string{"yes: allow"}},
		{"as all are", bpf.RawInstruction{Op: kernel.JumpGreaterEq, K: 2000, Jf: 1}, []string{"yes: allow"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := Build("a filter", abi.Lookup("amd64"), kernel.Program{
				{Op: kernel.LoadWord},
				{Op: kernel.JumpGreaterEq, K: 2000, Jf: 3},
				test.jump,
				{Op: kernel.Return, K: 0x7fff0000},
				{Op: kernel.Return, K: 0x00050001},
				{Op: kernel.Return, K: 0x80000000},
			}).Text()
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if tests := strings.Count(text, "?"); tests != len(test.want) {
				t.Errorf("%d tests in\n%s", tests, text)
			}
		})
	}
}
