// Package condition says in words for which arguments of a call something holds.
package condition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Text says for which arguments of an ABI's call one of the clauses holds; it is
// empty if one does for all. A call without a name has registers alone.
func Text(arch *abi.Arch, call string, when []meaning.Clause) (string, error) {
	args := arguments(arch, call)
	terms, err := meaning.Terms(when, numbers(args))
	if err != nil {
		return "", err
	}
	var texts []string
	for _, term := range terms {
		var facts []string
		for _, f := range term {
			facts = append(facts, args[f.Arg].fact(f.Values, len(term) > 1))
		}
		texts = append(texts, strings.Join(facts, " and "))
	}
	return strings.Join(texts, ", or "), nil
}

// argument is a number that a condition may be about.
type argument struct {
	meaning.Argument
	name    string
	names   abi.Names
	null    bool // it is a pointer, and 0 is null
	octal   bool // it is a file's mode
	further bool // it is what a slot holds above an argument's part
}

func numbers(args []argument) []meaning.Argument {
	var list []meaning.Argument
	for _, a := range args {
		list = append(list, a.Argument)
	}
	return list
}

// slots is how many arguments a filter sees.
const slots = 6

// arguments are the named arguments of a call, and all else that a filter sees
// besides the number and the architecture.
func arguments(arch *abi.Arch, call string) []argument {
	list := make([]argument, 0, 2*slots)
	taken := map[int]bool{}
	add := func(a abi.Arg) {
		arg := argument{name: a.Name, names: arch.Names(call, a), null: a.Pointer, octal: a.Name == "mode" && a.Bits == 16}
		hi, lo := Words(arch, a.Slot)
		arg.Argument = meaning.Argument{Hi: hi, Lo: lo, Bits: a.Bits, Signed: a.Signed, Flags: arg.names.Flags, Code: arg.names.Code}
		taken[a.Slot] = true
		if a.HiSlot >= 0 {
			taken[a.HiSlot] = true
			over, upper := Words(arch, a.HiSlot)
			arg.Hi = upper
			list = append(list, rest(a.Slot, hi), rest(a.HiSlot, over))
		}
		list = append(list, arg)
	}
	for _, a := range arch.Args(call) {
		if a.Slot >= 0 {
			add(a)
		}
	}
	for slot := range slots {
		if !taken[slot] {
			add(abi.Arg{Name: register(slot), Bits: arch.Word, Slot: slot, HiSlot: -1})
		}
	}
	slices.SortStableFunc(list, func(a, b argument) int { return int(a.Lo) - int(b.Lo) })
	hi, lo := halves(arch, pointer)
	return append(list, argument{name: "the instruction pointer", Argument: meaning.Argument{Hi: hi, Lo: lo, Bits: 64}})
}

func register(slot int) string { return fmt.Sprintf("args[%d]", slot) }

// rest is the upper word of a slot that holds half an argument.
func rest(slot int, w table.Word) argument {
	return argument{name: register(slot), further: true, Argument: meaning.Argument{Hi: meaning.NoWord, Lo: w, Bits: 32}}
}

// pointer is the first word of the instruction pointer.
const pointer table.Word = 2

// Words are the words of an argument slot.
func Words(arch *abi.Arch, slot int) (hi, lo table.Word) {
	return halves(arch, table.Word(4+2*slot))
}

func halves(arch *abi.Arch, first table.Word) (hi, lo table.Word) {
	if arch.BigEndian {
		return first, first + 1
	}
	return first + 1, first
}
