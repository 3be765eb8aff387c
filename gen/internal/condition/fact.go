package condition

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/meaning"
)

// fact says that the argument has one of the values, in parentheses where it is
// inner and its own words would run into its neighbours'.
func (a argument) fact(v meaning.Values, inner bool) string {
	if len(v.Halves) > 0 {
		var pairs []string
		for _, p := range v.Halves {
			var texts []string
			for i := range p { // the lower half comes first
				if half := p[1-i]; half.Bits > 0 {
					texts = append(texts, a.fact(half, true))
				}
			}
			pairs = append(pairs, strings.Join(texts, " and "))
		}
		return parens(strings.Join(pairs, " or "), inner && len(pairs) > 1)
	}
	if len(v.Cubes) > 0 {
		return a.cubes(v, inner)
	}
	return a.spans(v)
}

func parens(s string, needed bool) string {
	if needed {
		return "(" + s + ")"
	}
	return s
}

// part names the bits that count.
func (a argument) part(v meaning.Values) string {
	name := a.name
	if v.Upper || a.further {
		name += " (upper half)"
	}
	switch {
	case v.Bits == a.Bits && !v.Upper, v.Bits == 32 && v.Upper:
		return name
	case v.Bits == 32 && a.Bits == 64:
		return name + " (lower half)"
	case v.Bits == 32 || v.Bits == 64:
		return fmt.Sprintf("%s (%d bits)", name, v.Bits)
	}
	return name + " & " + a.mask(v, 1<<v.Bits-1)
}

// spans says that a number is in a set.
func (a argument) spans(v meaning.Values) string {
	name := a.part(v)
	least, most := uint64(0), uint64(1)<<v.Bits-1
	if a.signed(v) {
		least, most = 1<<(v.Bits-1), 1<<(v.Bits-1)-1
	}
	var pieces []string
	for _, s := range v.Spans {
		switch {
		case s.Hi-s.Lo < listed && a.named(v, s):
			for n := s.Lo; n != s.Hi+1; n++ {
				pieces = append(pieces, a.value(v, n))
			}
		case s.Lo == s.Hi:
			pieces = append(pieces, a.value(v, s.Lo))
		case s.Lo == s.Hi-1:
			pieces = append(pieces, a.value(v, s.Lo), a.value(v, s.Hi))
		case s.Lo == 1 && s.Hi == most && a.null && v.Bits == a.Bits:
			return name + " is not null"
		case s.Lo == 1 && s.Hi == most && a.signed(v):
			pieces = append(pieces, "> 0")
		case s.Hi == most:
			pieces = append(pieces, ">= "+a.number(v, s.Lo))
		case s.Lo == least && s.Hi == 1<<v.Bits-1:
			pieces = append(pieces, "< 0")
		case s.Lo == least:
			pieces = append(pieces, "<= "+a.number(v, s.Hi))
		default:
			pieces = append(pieces, a.number(v, s.Lo)+" to "+a.number(v, s.Hi))
		}
	}
	not := ""
	if v.Not {
		not = " not"
	}
	switch {
	case len(pieces) > 1:
		return name + not + " in {" + strings.Join(pieces, ", ") + "}"
	case !v.Not && strings.ContainsAny(pieces[0][:1], "<>"):
		return name + " " + pieces[0]
	}
	return name + " is" + not + " " + pieces[0]
}

// listed is how many values a range may have to be listed, if all have names.
const listed = 16

func (a argument) named(v meaning.Values, s meaning.Span) bool {
	for n := s.Lo; n != s.Hi+1; n++ {
		if a.value(v, n) == a.number(v, n) {
			return false
		}
	}
	return true
}

// value is a number, by its name if it has one.
func (a argument) value(v meaning.Values, n uint64) string {
	// Only of an argument that is looked at as the kernel does, a negative number
	// has a name, and only of flags a part.
	most := uint64(1)<<a.Bits - 1
	if a.Signed {
		most >>= 1
	}
	whole := v.Bits == a.Bits || (v.Bits > a.Bits || v.Bits == 32 || a.Flags) && n <= most
	if v.Upper || a.further || !whole {
		return a.number(v, n)
	}
	if a.null && n == 0 {
		return "null"
	}
	if name, ok := a.names.Value(n); ok {
		return name
	}
	return a.number(v, n)
}

func (a argument) signed(v meaning.Values) bool { return a.Signed && !v.Upper && v.Bits == a.Bits }

// number writes small numbers in decimal, and others in the base in which they say
// the most.
func (a argument) number(v meaning.Values, n uint64) string {
	switch {
	case a.signed(v) && n>>(v.Bits-1) == 1:
		return fmt.Sprint(int64(n<<(64-v.Bits)) >> (64 - v.Bits))
	case a.signed(v) && !a.Flags && n <= math.MaxUint16:
		return fmt.Sprint(n)
	}
	return a.figure(n)
}

func (a argument) figure(n uint64) string {
	switch {
	case a.octal:
		return fmt.Sprintf("%#o", n)
	case n < 10:
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%#x", n)
}

// mask writes bits that are looked at.
func (a argument) mask(v meaning.Values, bits uint64) string {
	if v.Upper || a.further {
		return fmt.Sprintf("%#x", bits)
	}
	if text, ok := a.names.Mask(bits); ok {
		return text
	}
	if a.octal {
		return fmt.Sprintf("%#o", bits)
	}
	return fmt.Sprintf("%#x", bits)
}

// cubes says that bits of a number have certain values.
func (a argument) cubes(v meaning.Values, inner bool) string {
	name := a.name
	if v.Upper || a.further {
		name += " (upper half)"
	}
	first := v.Cubes[0]
	if len(v.Cubes) == 1 {
		return a.cube(name, v, first)
	}
	if !slices.ContainsFunc(v.Cubes, func(c meaning.Cube) bool { return c.Mask != first.Mask }) {
		var values []string
		for _, c := range v.Cubes {
			values = append(values, a.bits(v, c.Value))
		}
		in := " in {"
		if v.Not {
			in = " not in {"
		}
		return name + " & " + group(a.mask(v, first.Mask)) + in + strings.Join(values, ", ") + "}"
	}
	var texts []string
	for _, c := range v.Cubes {
		texts = append(texts, a.cube(name, meaning.Values{Upper: v.Upper, Bits: v.Bits}, c))
	}
	all := parens(strings.Join(texts, " or "), inner || v.Not)
	if v.Not {
		return "not " + all
	}
	return all
}

// cube says that some bits have a value, or that they have not.
func (a argument) cube(name string, v meaning.Values, c meaning.Cube) string {
	if bare, some, ok := a.only(v, c); ok {
		if v.Not {
			return name + bare + " has bits besides " + some
		}
		return name + bare + " has only bits of " + some
	}
	mask := a.mask(v, c.Mask)
	switch one := c.Mask&(c.Mask-1) == 0; {
	case one && (c.Value == 0) != v.Not:
		return name + " lacks " + mask
	case one, c.Value == c.Mask && !v.Not:
		return name + " has " + mask
	case c.Value == c.Mask:
		return name + " lacks some of " + mask
	case c.Value == 0 && v.Not:
		return name + " has any of " + mask
	case c.Value == 0:
		return name + " has none of " + mask
	case v.Not:
		return name + " & " + group(mask) + " is not " + a.bits(v, c.Value)
	}
	return name + " & " + group(mask) + " is " + a.bits(v, c.Value)
}

// only names the bits that a cube leaves to the number, if those that have to be 0
// are more, up to where the number ends or half of it.
func (a argument) only(v meaning.Values, c meaning.Cube) (half, some string, ok bool) {
	width := a.Bits
	if v.Upper || v.Bits == 32 && width == 64 {
		width = 32
		if !v.Upper {
			half = " (lower half)"
		}
	}
	left := (uint64(1)<<width - 1) &^ c.Mask
	if c.Value != 0 || v.Bits != width || left == 0 || bits.OnesCount64(c.Mask) <= width/2 {
		return "", "", false
	}
	return half, a.mask(v, left), true
}

// bits writes the value of bits that are looked at.
func (a argument) bits(v meaning.Values, n uint64) string {
	if !v.Upper {
		if text, ok := a.names.Value(n); ok {
			return text
		}
	}
	return a.figure(n)
}

// group puts several constants in parentheses.
func group(mask string) string { return parens(mask, strings.Contains(mask, "|")) }
