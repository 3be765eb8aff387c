package diff

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Call names the calls of a change.
func (c Change) Call() string {
	switch {
	case c.Arch == nil:
		return "calls through other architectures"
	case c.Name != "":
		return c.Name
	case c.Nr == math.MaxUint32:
		return "calls that a tracer skipped"
	}
	return fmt.Sprintf("calls without a name, such as number %d", int32(c.Nr))
}

// Condition says in words for which arguments a change holds; it is empty if it
// does for all.
func (c Change) Condition() string {
	var texts []string
	for _, clause := range c.When {
		text := c.clause(clause)
		if text == "" {
			return ""
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", or ")
}

// Witness is a call that shows the change, with its arguments by name.
func (c Change) Witness() string {
	if c.Arch == nil {
		return fmt.Sprintf("number %d with the audit architecture %#x", int32(c.Nr), c.Example[table.Arch])
	}
	var texts []string
	for slot := range 6 {
		lo, hi := words(c.Arch, slot)
		v := uint64(c.Example[lo]) | uint64(c.Example[hi])<<32
		name := fmt.Sprintf("args[%d]", slot)
		if a, ok := argument(c.Arch, c.Name, slot); ok {
			name = a.Name
		} else if v == 0 {
			continue
		}
		texts = append(texts, fmt.Sprintf("%s=%#x", name, v))
	}
	name := c.Name
	if name == "" {
		name = fmt.Sprintf("number %d", int32(c.Nr))
	}
	return name + "(" + strings.Join(texts, ", ") + ")"
}

// words are the words of an argument slot.
func words(arch *abi.Arch, slot int) (lo, hi table.Word) {
	first := table.Word(4 + 2*slot)
	if arch.BigEndian {
		return first + 1, first
	}
	return first, first + 1
}

func argument(arch *abi.Arch, call string, slot int) (abi.Arg, bool) {
	args := arch.Args(call)
	i := slices.IndexFunc(args, func(a abi.Arg) bool { return a.Slot == slot && a.HiSlot < 0 })
	if i < 0 {
		return abi.Arg{}, false
	}
	return args[i], true
}

func (c Change) clause(parts meaning.Clause) string {
	var texts []string
	done := map[table.Word]bool{}
	for _, p := range parts {
		if done[p.Word] {
			continue
		}
		done[p.Word] = true
		slot := int(p.Word-4) / 2
		if p.Word < 4 {
			texts = append(texts, describe("the instruction pointer's word", p.Set, false))
			continue
		}
		lo, hi := words(c.Arch, slot)
		arg, named := argument(c.Arch, c.Name, slot)
		name := fmt.Sprintf("args[%d]", slot)
		if named {
			name = arg.Name
		}
		other := lo
		if p.Word == lo {
			other = hi
		}
		if i := slices.IndexFunc(parts, func(q meaning.Part) bool { return q.Word == other }); i >= 0 {
			loSet, hiSet := p.Set, parts[i].Set
			if p.Word == hi {
				loSet, hiSet = hiSet, loSet
			}
			if text, ok := whole(name, loSet, hiSet); ok {
				done[other] = true
				texts = append(texts, text)
				continue
			}
		}
		switch {
		case p.Word == hi:
			name += " (upper half)"
		case !named || arg.Bits > 32:
			name += " (lower half)"
		}
		texts = append(texts, describe(name, p.Set, named && arg.Signed && p.Word == lo && arg.Bits == 32))
	}
	return strings.Join(texts, " and ")
}

// whole describes both halves of an argument as one number, where the upper half
// has one value.
func whole(name string, lo, hi meaning.Set) (string, bool) {
	if hi.Not || len(hi.Spans) != 1 || hi.Spans[0].Lo != hi.Spans[0].Hi || lo.Not || len(lo.Spans) == 0 {
		return "", false
	}
	base := uint64(hi.Spans[0].Lo) << 32
	var pieces []string
	for _, s := range lo.Spans {
		pieces = append(pieces, span(base|uint64(s.Lo), base|uint64(s.Hi), func(v uint64) string { return figure(v) }))
	}
	return name + oneOf(pieces), true
}

func figure(v uint64) string {
	if v < 10 {
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%#x", v)
}

func span(lo, hi uint64, text func(uint64) string) string {
	if lo == hi {
		return text(lo)
	}
	return text(lo) + " to " + text(hi)
}

func oneOf(pieces []string) string {
	if len(pieces) == 1 {
		return " is " + pieces[0]
	}
	return " in {" + strings.Join(pieces, ", ") + "}"
}

// describe says that the word of that name is in a set.
func describe(name string, s meaning.Set, signed bool) string {
	text := func(v uint64) string {
		if signed && v > math.MaxInt32 {
			return fmt.Sprint(int32(v))
		}
		return figure(v)
	}
	if len(s.Cubes) > 1 && !slices.ContainsFunc(s.Cubes, func(c meaning.Cube) bool { return c.Mask != s.Cubes[0].Mask }) {
		var values []string
		for _, c := range s.Cubes {
			values = append(values, figure(uint64(c.Value)))
		}
		in := " in"
		if s.Not {
			in = " not in"
		}
		return fmt.Sprintf("%s & %#x%s {%s}", name, s.Cubes[0].Mask, in, strings.Join(values, ", "))
	}
	if len(s.Cubes) > 0 {
		var texts []string
		for _, c := range s.Cubes {
			texts = append(texts, cube(name, c, s.Not && len(s.Cubes) == 1))
		}
		if len(texts) == 1 {
			return texts[0]
		}
		all := "(" + strings.Join(texts, " or ") + ")"
		if s.Not {
			return "not " + all
		}
		return all
	}
	if !s.Not && len(s.Spans) == 1 && !signed {
		switch only := s.Spans[0]; {
		case only.Lo == only.Hi:
		case only.Lo == 0:
			return name + " <= " + figure(uint64(only.Hi))
		case only.Hi == math.MaxUint32:
			return name + " >= " + figure(uint64(only.Lo))
		}
	}
	var pieces []string
	for _, p := range s.Spans {
		pieces = append(pieces, span(uint64(p.Lo), uint64(p.Hi), text))
	}
	if s.Not {
		if len(pieces) == 1 {
			return name + " is not " + pieces[0]
		}
		return name + " not in {" + strings.Join(pieces, ", ") + "}"
	}
	return name + oneOf(pieces)
}

// cube says that some bits of a word have a value, or that they do not.
func cube(name string, c meaning.Cube, not bool) string {
	one := c.Mask&(c.Mask-1) == 0
	switch {
	case one && (c.Value != 0) != not, c.Value == c.Mask && !not:
		return fmt.Sprintf("%s has %#x", name, c.Mask)
	case one:
		return fmt.Sprintf("%s lacks %#x", name, c.Mask)
	case c.Value == 0 && !not:
		return fmt.Sprintf("%s has none of %#x", name, c.Mask)
	case not:
		return fmt.Sprintf("%s & %#x is not %#x", name, c.Mask, c.Value)
	}
	return fmt.Sprintf("%s & %#x is %#x", name, c.Mask, c.Value)
}
