package abi

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed *.tsv
var files embed.FS

// lines calls do with the cells of each line of a table, comments left out. The
// files are generated and tested, so what cannot be read in them is a bug.
func lines(name string, do func(cells []string)) {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			do(strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
		}
	}
}

func number(s string, bits int) uint64 {
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		panic(fmt.Sprintf("abi: generated table: %v", err))
	}
	return n
}

// numbering is numbers.tsv for one ABI.
type numbering struct {
	byName   map[string]uint32
	byNumber map[uint32]string
}

var numbers = sync.OnceValue(func() map[string]numbering {
	out := map[string]numbering{}
	var columns []string
	lines("numbers.tsv", func(cells []string) {
		if columns == nil {
			columns = cells
			for _, name := range columns[1:] {
				out[name] = numbering{map[string]uint32{}, map[uint32]string{}}
			}
			return
		}
		for i, cell := range cells[1:] {
			if cell != "-" {
				n := uint32(number(cell, 32))
				abi := out[columns[i+1]]
				abi.byName[cells[0]] = n
				abi.byNumber[n] = cells[0]
			}
		}
	})
	return out
})

// prototype is args.tsv for one call: the cells of its parameters.
type prototype struct {
	plain []string
	on    map[string][]string // ABIs on which it is another
}

var prototypes = sync.OnceValue(func() map[string]prototype {
	out := map[string]prototype{}
	lines("args.tsv", func(cells []string) {
		p := out[cells[0]]
		if len(cells) == 1 || cells[1] == "" {
			p.plain = cells[min(2, len(cells)):]
		} else {
			if p.on == nil {
				p.on = map[string][]string{}
			}
			for name := range strings.SplitSeq(cells[1], ",") {
				p.on[name] = cells[2:]
			}
		}
		out[cells[0]] = p
	})
	return out
})

// args reads cells of the form name|type|bits and sign|slot,high, of which the
// last may be missing: the argument is then in the slot of its position.
func args(cells []string, word int) []Arg {
	out := []Arg{}
	for i, cell := range cells {
		f := strings.Split(cell, "|")
		a := Arg{Name: f[0], Type: f[1], Bits: word, Slot: i, HiSlot: -1}
		switch kind := strings.TrimRight(f[2], "su"); kind {
		case "ptr":
			a.Pointer = true
		case "word":
			a.Signed = strings.HasSuffix(f[2], "s")
		default:
			a.Bits = int(number(kind, 8))
			a.Signed = strings.HasSuffix(f[2], "s")
		}
		if len(f) == 4 {
			low, high, split := strings.Cut(f[3], ",")
			a.Slot = slot(low)
			if split {
				a.HiSlot = slot(high)
			}
		}
		out = append(out, a)
	}
	return out
}

func slot(s string) int {
	if s == "-1" {
		return -1
	}
	return int(number(s, 3))
}

// notes is notes.tsv, by ABI, call and argument.
var notes = sync.OnceValue(func() map[[3]string][]string {
	out := map[[3]string][]string{}
	lines("notes.tsv", func(cells []string) {
		for name := range strings.SplitSeq(cells[2], ",") {
			key := [3]string{name, cells[0], cells[1]}
			out[key] = append(out[key], cells[3])
		}
	})
	return out
})

// valued is a table of names with a value that most ABIs share: consts.tsv or
// errnos.tsv.
type valued map[string]perArch

type perArch struct {
	common string
	others string // abi=value,abi=value; "-" for none
}

var (
	constants = sync.OnceValue(func() valued { return readValued("consts.tsv") })
	errnos    = sync.OnceValue(func() valued { return readValued("errnos.tsv") })
)

func readValued(name string) valued {
	out := valued{}
	lines(name, func(cells []string) {
		v := perArch{common: cells[1]}
		if len(cells) == 3 {
			v.others = cells[2]
		}
		out[cells[0]] = v
	})
	return out
}

func (t valued) lookup(name string, a *Arch) (Value, bool) {
	v, ok := t[name]
	if !ok {
		return Value{}, false
	}
	s := v.common
	for other := range strings.SplitSeq(v.others, ",") {
		if abi, own, _ := strings.Cut(other, "="); abi == a.Name {
			s = own
		}
	}
	if s == "-" {
		return Value{}, false
	}
	if digits, negative := strings.CutPrefix(s, "-"); negative {
		return Value{Bits: -number(digits, 64), Negative: true}, true
	}
	return Value{Bits: number(s, 64)}, true
}
