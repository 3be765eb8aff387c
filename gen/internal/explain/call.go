package explain

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Call is a call of which some is known.
type Call struct {
	Arch   *abi.Arch
	Name   string // empty if the number has none
	Nr     uint32
	Logged *uint32 // the action of the audit record that the call was read from

	words meaning.Call // zero where not known
	known [16]bool
}

// Unknown is a call of whose arguments nothing is known.
func Unknown(arch *abi.Arch, nr uint32) Call {
	c := Call{Arch: arch, Name: arch.CallName(nr), Nr: nr}
	c.set(table.Nr, nr)
	c.set(table.Arch, arch.Audit)
	if arch.Word == 32 { // the kernel widens the registers with zeros
		for slot := range slots {
			_, hi := c.slotWords(slot)
			c.set(hi, 0)
		}
	}
	return c
}

// Made is a call of which everything is known. The ABI may be nil, if none has the
// audit value; words are in the order of little-endian machines then.
func Made(arch *abi.Arch, audit, nr uint32, instruction uint64, registers [6]uint64) Call {
	c := Call{Arch: arch, Nr: nr}
	big := false
	if arch != nil {
		c.Name, big = arch.CallName(nr), arch.BigEndian
	}
	c.set(table.Nr, nr)
	c.set(table.Arch, audit)
	for i, v := range append([]uint64{instruction}, registers[:]...) {
		lo, hi := table.Word(2+2*i), table.Word(3+2*i)
		if big {
			lo, hi = hi, lo
		}
		c.set(lo, uint32(v))
		c.set(hi, uint32(v>>32))
	}
	return c
}

// Data is struct seccomp_data, in words.
func (c Call) Data() [16]uint32 { return c.words }

// slots is how many arguments a filter sees.
const slots = 6

// Title names the call and its ABI.
func (c Call) Title() string {
	if c.Name == "" {
		return fmt.Sprintf("%s: number %d", c.Arch.Name, int32(c.Nr))
	}
	return fmt.Sprintf("%s: %s (%d)", c.Arch.Name, c.Name, c.Nr)
}

func (c *Call) set(w table.Word, v uint32) { c.words[w], c.known[w] = v, true }

// slotWords are the words of an argument slot.
func (c *Call) slotWords(slot int) (lo, hi table.Word) {
	first := argumentWords + table.Word(2*slot)
	if c.Arch.BigEndian {
		return first + 1, first
	}
	return first, first + 1
}

// Parse reads a call as a person writes it: a name or a number, then arguments as
// name=value, or values in the order of the manual page. Arguments that are not
// given are not known. args[i] is a whole register.
func Parse(arch *abi.Arch, text []string) (Call, error) {
	nr, err := number(arch, text[0])
	if err != nil {
		return Call{}, err
	}
	c := Unknown(arch, nr)
	args := arch.Args(c.Name)
	if c.Name == "" {
		for slot := range slots {
			args = append(args, register(arch, slot))
		}
	}
	given := map[string]bool{}
	for i, word := range text[1:] {
		name, value, ok := strings.Cut(word, "=")
		name = strings.TrimSpace(name)
		var arg abi.Arg
		switch {
		case ok:
			if arg, err = c.argument(args, name); err != nil {
				return Call{}, err
			}
		case i >= len(args):
			return Call{}, fmt.Errorf("%s: %q is one argument too many: %s", c.Title(), word, list(args))
		default:
			arg, value = args[i], word
		}
		if given[arg.Name] {
			return Call{}, fmt.Errorf("%s: %s is given twice", c.Title(), arg.Name)
		}
		given[arg.Name] = true
		if err := c.give(arg, value); err != nil {
			return Call{}, fmt.Errorf("%s: %s: %w", c.Title(), arg.Name, err)
		}
	}
	return c, nil
}

// number reads a call's name or number.
func number(arch *abi.Arch, text string) (uint32, error) {
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		if n < math.MinInt32 || n > math.MaxUint32 {
			return 0, fmt.Errorf("%s is no number that a call can have", text)
		}
		return uint32(n), nil
	}
	if nr, ok := arch.Number(text); ok {
		return nr, nil
	}
	if strings.Contains(text, "=") {
		return 0, fmt.Errorf("%s is an argument: name the call before it", text)
	}
	var on []string
	for _, a := range abi.Arches() {
		if _, ok := a.Number(text); ok {
			on = append(on, a.Name)
		}
	}
	if len(on) > 0 {
		return 0, fmt.Errorf("%s has no call %s; these have: %s", arch.Name, text, strings.Join(on, ", "))
	}
	var calls []string
	for _, nr := range numbers(arch) {
		calls = append(calls, arch.CallName(nr))
	}
	hint := ""
	if close := near(text, calls); len(close) > 0 {
		hint = "; did you mean " + strings.Join(close, " or ") + "?"
	}
	return 0, fmt.Errorf("no call %s on %s%s", text, arch.Name, hint)
}

// register is an argument slot as it is, whatever it means.
func register(arch *abi.Arch, slot int) abi.Arg {
	return abi.Arg{Name: fmt.Sprintf("args[%d]", slot), Bits: arch.Word, Slot: slot, HiSlot: -1}
}

// argument finds an argument by its name or as args[i].
func (c *Call) argument(args []abi.Arg, name string) (abi.Arg, error) {
	for slot := range slots {
		if r := register(c.Arch, slot); r.Name == name {
			return r, nil
		}
	}
	i := slices.IndexFunc(args, func(a abi.Arg) bool { return a.Name == name })
	if i < 0 {
		return abi.Arg{}, fmt.Errorf("%s has no argument %s: %s", c.Title(), name, list(args))
	}
	return args[i], nil
}

// list says which arguments there are.
func list(args []abi.Arg) string {
	if len(args) == 0 {
		return "it has none by name; args[0] to args[5] are the registers"
	}
	var names []string
	for _, a := range args {
		names = append(names, a.Name)
	}
	return "it has " + strings.Join(names, ", ")
}

// give makes an argument known. Of a register that is wider than the argument,
// the rest stays unknown: the kernel does not look at it, and callers leave
// there what they like.
func (c *Call) give(arg abi.Arg, text string) error {
	width := arg.Bits
	if arg.Pointer {
		width = c.Arch.Word
	}
	if arg.HiSlot >= 0 {
		width = 64
	}
	v, err := value(c.Arch, text, width)
	if err != nil {
		return err
	}
	if arg.Slot < 0 {
		return fmt.Errorf("no filter can see it on %s", c.Arch.Name)
	}
	lo, hi := c.slotWords(arg.Slot)
	c.set(lo, uint32(v))
	if arg.HiSlot >= 0 {
		lo, _ := c.slotWords(arg.HiSlot)
		c.set(lo, uint32(v>>32))
	} else if width > 32 {
		c.set(hi, uint32(v>>32))
	}
	return nil
}

// value reads numbers and constants joined by |, cut to the width.
func value(arch *abi.Arch, text string, width int) (uint64, error) {
	var sum uint64
	for piece := range strings.SplitSeq(text, "|") {
		v, err := term(arch, strings.TrimSpace(piece))
		if err != nil {
			return 0, err
		}
		cut := v.Bits << (64 - width) >> (64 - width)
		extended := uint64(int64(v.Bits) << (64 - width) >> (64 - width))
		if cut != v.Bits && (!v.Negative || extended != v.Bits) {
			return 0, fmt.Errorf("%s does not fit its %d bits", piece, width)
		}
		sum |= cut
	}
	return sum, nil
}

func term(arch *abi.Arch, text string) (abi.Value, error) {
	if n, err := strconv.ParseUint(text, 0, 64); err == nil {
		return abi.Value{Bits: n}, nil
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return abi.Value{Bits: uint64(n), Negative: n < 0}, nil
	}
	if text == "NULL" {
		return abi.Value{}, nil
	}
	if v, ok := arch.Const(text); ok {
		return v, nil
	}
	if abi.ConstKnown(text) {
		return abi.Value{}, fmt.Errorf("%s has no constant %s", arch.Name, text)
	}
	return abi.Value{}, fmt.Errorf("%q is no number and no constant of package dsl/linux", text)
}
