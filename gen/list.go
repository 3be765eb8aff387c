package gen

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// Syscall is a system call as an architecture has it.
type Syscall struct {
	Name   string     `json:"name"`
	Number uint32     `json:"number"`
	Args   []Argument `json:"args,omitempty"`
	Notes  []string   `json:"notes,omitempty"`
}

// Argument is an argument of a call.
type Argument struct {
	Name    string   `json:"name"`              // as in the manual page
	Type    string   `json:"type"`              // C type
	Slots   []int    `json:"slots,omitempty"`   // where a filter sees it, in args of seccomp_data: its lower half first, if two slots hold it
	Bits    int      `json:"bits"`              // what the kernel looks at
	Signed  bool     `json:"signed,omitempty"`  // as the kernel compares it
	Pointer bool     `json:"pointer,omitempty"` // a filter cannot follow it
	Notes   []string `json:"notes,omitempty"`
}

// Named is a constant or an errno as an architecture has it.
type Named struct {
	Name  string  `json:"name"`
	Value Integer `json:"value"`
}

// Integer is an integer of 64 bits with its sign.
type Integer struct {
	Bits     uint64
	Negative bool
}

func (i Integer) String() string {
	if i.Negative {
		return strconv.FormatInt(int64(i.Bits), 10)
	}
	return strconv.FormatUint(i.Bits, 10)
}

// MarshalJSON writes a JSON number.
func (i Integer) MarshalJSON() ([]byte, error) { return []byte(i.String()), nil }

// Syscalls lists the calls that an architecture has, by number. Patterns are those
// of path.Match, for names, or numbers; none means all calls. One that matches
// nothing is an error.
func Syscalls(arch dsl.Arch, patterns ...string) ([]Syscall, error) {
	number := func(a *abi.Arch, name string) (Integer, bool) {
		n, ok := a.Number(name)
		return Integer{Bits: uint64(n)}, ok
	}
	a, found, err := list(arch, "call", patterns, abi.Calls(), number)
	var calls []Syscall
	for _, f := range found {
		c := Syscall{Name: f.Name, Number: uint32(f.Value.Bits), Notes: append(a.Notes(f.Name, ""), elsewise(a, f.Name)...)}
		for _, arg := range a.Args(f.Name) {
			c.Args = append(c.Args, argument(a, f.Name, arg))
		}
		calls = append(calls, c)
	}
	slices.SortFunc(calls, func(x, y Syscall) int { return int(x.Number) - int(y.Number) })
	return calls, err
}

func argument(a *abi.Arch, call string, arg abi.Arg) Argument {
	return Argument{
		Name: arg.Name, Type: arg.Type, Slots: slots(arg), Bits: arg.Bits, Signed: arg.Signed, Pointer: arg.Pointer,
		Notes: a.Notes(call, arg.Name),
	}
}

// elsewise says which other calls of an ABI do what a call does.
func elsewise(a *abi.Arch, call string) []string {
	var notes []string
	for _, twin := range (dsl.Target{Name: call}).Twins() {
		if _, ok := a.Number(twin.Name); ok {
			notes = append(notes, twin.Name+" is another form of it (dsl.Twins)")
		}
	}
	for _, m := range abi.Multiplexers {
		_, here := a.Number(m.Name)
		if code, ok := m.Calls[call]; ok && here {
			notes = append(notes, fmt.Sprintf("%s makes it too, if its first argument is %d", m.Name, code))
		}
	}
	return notes
}

func slots(arg abi.Arg) []int {
	return slices.DeleteFunc([]int{arg.Slot, arg.HiSlot}, func(slot int) bool { return slot < 0 })
}

// Constants lists the constants that an architecture has, by name, as Syscalls
// lists calls.
func Constants(arch dsl.Arch, patterns ...string) ([]Named, error) {
	_, found, err := list(arch, "constant", patterns, abi.Consts(), func(a *abi.Arch, name string) (Integer, bool) {
		v, ok := a.Const(name)
		return Integer(v), ok
	})
	return found, err
}

// Errnos lists the errnos that an architecture has, by name, as Syscalls lists
// calls.
func Errnos(arch dsl.Arch, patterns ...string) ([]Named, error) {
	_, found, err := list(arch, "errno", patterns, abi.Errnos(), func(a *abi.Arch, name string) (Integer, bool) {
		n, ok := a.Errno(name)
		return Integer{Bits: uint64(n)}, ok
	})
	return found, err
}

// ArchNote is what has to be known about an architecture besides, if anything.
func ArchNote(arch dsl.Arch) string {
	if a := abi.Lookup(string(arch)); a != nil {
		return a.Note
	}
	return ""
}

// list finds the names that an architecture has and that match a pattern.
func list(arch dsl.Arch, what string, patterns, names []string, value func(*abi.Arch, string) (Integer, bool)) (*abi.Arch, []Named, error) {
	a := abi.Lookup(string(arch))
	if a == nil {
		return nil, nil, fmt.Errorf("unknown architecture %q: there are %s", string(arch), strings.Join(archNames(), " "))
	}
	var found []Named
	matched := map[string]bool{}
	for _, name := range names {
		v, ok := value(a, name)
		if !ok {
			continue
		}
		in := len(patterns) == 0
		for _, p := range patterns {
			match, err := path.Match(p, name)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", p, err)
			}
			if match || p == v.String() {
				in, matched[p] = true, true
			}
		}
		if in {
			found = append(found, Named{name, v})
		}
	}
	for _, p := range patterns {
		if !matched[p] {
			return nil, nil, fmt.Errorf("no %s matches %s on %s%s", what, p, arch, elsewhere(p, value))
		}
	}
	return a, found, nil
}

// elsewhere says which architectures have a name that one lacks.
func elsewhere(name string, value func(*abi.Arch, string) (Integer, bool)) string {
	var have []string
	for _, a := range abi.Arches() {
		if _, ok := value(a, name); ok {
			have = append(have, a.Name)
		}
	}
	if have == nil {
		return ""
	}
	return "; these have it: " + strings.Join(have, " ")
}

func archNames() []string {
	var names []string
	for _, a := range abi.Arches() {
		names = append(names, a.Name)
	}
	return names
}
