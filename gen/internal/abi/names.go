package abi

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"path"
	"slices"
	"strings"
	"sync"
)

// Names is how one writes the values of an argument. The zero Names has none.
type Names struct {
	Flags   bool   // constants are joined by |
	Code    uint64 // bits that are one number among flags
	mask    string // the constant for them
	byValue map[uint64]string
}

// family is a line of families.tsv.
type family struct {
	args     []string // as call.argument
	flags    bool
	code     string // a constant, or ""
	patterns []string
	matching func() []string // constants
}

var families = sync.OnceValue(func() []family {
	var list []family
	lines("families.tsv", func(cells []string) {
		kind, code, _ := strings.Cut(cells[1], " ")
		patterns := strings.Fields(cells[2])
		list = append(list, family{strings.Split(cells[0], ","), kind == "flags", code, patterns, sync.OnceValue(func() []string { return matching(patterns) })})
	})
	return list
})

// familyOf is what is known of an argument's constants.
func familyOf(call, arg string) (family, bool) {
	for _, f := range families() {
		if slices.Contains(f.args, call+"."+arg) || slices.Contains(f.args, "*."+arg) {
			return f, true
		}
	}
	return family{}, false
}

// HasNames reports whether values of a call's argument have names.
func HasNames(call, arg string) bool {
	_, ok := familyOf(call, arg)
	return ok
}

// matching lists the constants that match patterns, sorted.
func matching(patterns []string) []string {
	matches := func(pattern, name string) bool {
		before, _, _ := strings.Cut(pattern, "*")
		if !strings.HasPrefix(name, before) {
			return false
		}
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	}
	var list []string
	for name := range constants() {
		in := false
		for _, p := range patterns {
			if struck, ok := strings.CutPrefix(p, "-"); ok {
				in = in && !matches(struck, name)
			} else {
				in = in || matches(p, name)
			}
		}
		if in {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// Names tells how the values of a call's argument are written on this ABI.
func (a *Arch) Names(call string, arg Arg) Names {
	f, ok := familyOf(call, arg.Name)
	if !ok {
		return Names{}
	}
	n := Names{Flags: f.flags, byValue: map[uint64]string{}}
	if code, ok := a.Const(f.code); ok {
		n.Code, n.mask = code.Bits, f.code
	}
	for _, name := range f.matching() {
		v, ok := a.Const(name)
		cut := v.Bits << (64 - arg.Bits) >> (64 - arg.Bits)
		if !ok || cut != v.Bits && !v.Negative {
			continue
		}
		if old, taken := n.byValue[cut]; !taken || len(name) < len(old) {
			n.byValue[cut] = name
		}
	}
	return n
}

// Value writes a value; false if no constant is in it.
func (n Names) Value(v uint64) (string, bool) {
	if name, ok := n.byValue[v]; ok {
		return name, true
	}
	if !n.Flags || v == 0 {
		return "", false
	}
	if code, ok := n.byValue[v&n.Code]; ok && v&n.Code != 0 {
		return n.join(code, v&^n.Code, 0)
	}
	return n.join("", v&^n.Code, v&n.Code)
}

// Mask writes bits to look at; false if no constant is in them.
func (n Names) Mask(v uint64) (string, bool) {
	switch code := v & n.Code; {
	case !n.Flags:
		return "", false
	case code != 0 && code == n.Code:
		return n.join(n.mask, v&^code, 0)
	default:
		return n.join("", v&^code, code)
	}
}

// join writes flags as constants, those with the most bits first taken, behind one
// that is known already and before what has no name. It is false if the names
// would say less than the number.
func (n Names) join(first string, flags, rest uint64) (string, bool) {
	values := slices.SortedFunc(maps.Keys(n.byValue), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(bits.OnesCount64(b), bits.OnesCount64(a)), cmp.Compare(a, b))
	})
	left := flags
	var taken []uint64
	for _, w := range values {
		if w != 0 && w&^left == 0 && w&n.Code == 0 {
			taken = append(taken, w)
			left &^= w
		}
	}
	if named := bits.OnesCount64(flags &^ left); named < bits.OnesCount64(left) || named == 0 && first == "" {
		return "", false
	}
	var texts []string
	if first != "" {
		texts = append(texts, first)
	}
	slices.Sort(taken)
	for _, w := range taken {
		texts = append(texts, n.byValue[w])
	}
	if rest |= left; rest != 0 {
		texts = append(texts, fmt.Sprintf("%#x", rest))
	}
	return strings.Join(texts, "|"), true
}
