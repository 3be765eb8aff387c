package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// use is a call as it was seen on one ABI.
type use struct {
	arch *abi.Arch
	call *Call
}

// seen is a call as it was seen on some ABIs.
type seen struct {
	name  string
	count uint64
	uses  []use
}

// argument is what was seen of a call's on one ABI.
type argument struct {
	dsl.Arg
	arch     *abi.Arch
	names    abi.Names
	times    map[uint64]uint64 // of each value; nil: they are too many
	all, any uint64
}

// argument collects the values that an argument has had on an ABI, as noted under a
// key; false if not all are known, or there are none. Of which calls is known, often
// tells.
func (s *seen) argument(arch *abi.Arch, arg abi.Arg, key string, often func(*Call) uint64) (argument, bool) {
	i := slices.IndexFunc(s.uses, func(u use) bool { return u.arch == arch })
	if i < 0 {
		return argument{}, false
	}
	v := s.uses[i].call.Args[key]
	return argument{
		Arg: dsl.Arg{Call: s.name, Name: arg.Name}, arch: arch, names: arch.Names(s.name, arg),
		times: v.Seen, all: v.All, any: v.Any,
	}, v.Noted() > 0 && v.Noted() >= often(s.uses[i].call)
}

func made(c *Call) uint64 { return c.Count }

// argOf finds an argument of a call that is in registers.
func argOf(arch *abi.Arch, call, name string) (abi.Arg, bool) {
	for _, a := range arch.Args(call) {
		if a.Name == name && matters(call, a) {
			return a, true
		}
	}
	return abi.Arg{}, false
}

// values are those that were seen, sorted.
func (a argument) values() []uint64 { return slices.Sorted(maps.Keys(a.times)) }

// only is the argument where it has some of the values.
func (a argument) only(keep func(uint64) bool) argument {
	all := a.times
	a.times = map[uint64]uint64{}
	a.all, a.any = ^uint64(0), 0
	for v, n := range all {
		if keep(v) {
			a.times[v] = n
			a.all, a.any = a.all&v, a.any|v
		}
	}
	return a
}

// count is how often one of the values was there.
func (a argument) count() (n uint64) {
	for _, times := range a.times {
		n += times
	}
	return n
}

// name writes one value: a constant, or the number.
func (a argument) name(v uint64) dsl.Value {
	if text, ok := a.names.Value(v); ok && !strings.Contains(text, "|") {
		return dsl.Const(text)
	}
	return dsl.Int(v)
}

// bits writes a value as flags.
func (a argument) bits(v uint64) []dsl.Value {
	text, ok := a.names.Value(v)
	if !ok {
		return []dsl.Value{dsl.Int(v)}
	}
	var list []dsl.Value
	for term := range strings.SplitSeq(text, "|") {
		if n, ok := termOf(a.arch, term); ok && strings.HasPrefix(term, "0x") {
			list = append(list, dsl.Int(n))
			continue
		}
		list = append(list, dsl.Const(term))
	}
	return list
}

func (a argument) list() []dsl.Value {
	var list []dsl.Value
	for _, v := range a.values() {
		list = append(list, a.name(v))
	}
	return list
}

// single reports whether every value has a name or is zero.
func (a argument) single() bool {
	for v := range a.times {
		if text, ok := a.names.Value(v); v != 0 && (!ok || strings.Contains(text, "|")) {
			return false
		}
	}
	return a.times != nil
}

// union are the flags that any value has, without the bits of a mask.
func (a argument) union(mask uint64) []dsl.Value {
	if a.times == nil {
		return a.bits(a.any &^ mask)
	}
	numbers := map[dsl.Value]uint64{}
	for v := range a.times {
		if v&^mask == 0 {
			continue
		}
		for _, term := range a.bits(v &^ mask) {
			numbers[term] = 0
			if c, ok := term.(dsl.Const); ok {
				n, _ := a.arch.Const(string(c))
				numbers[term] = n.Bits
			}
		}
	}
	return slices.SortedFunc(maps.Keys(numbers), func(x, y dsl.Value) int {
		return cmp.Or(cmp.Compare(numbers[x], numbers[y]), cmp.Compare(fmt.Sprint(x), fmt.Sprint(y)))
	})
}

// rest are the flags beside a number.
func (a argument) rest(mask uint64) []dsl.Value {
	left := a.any &^ mask
	if left == 0 {
		return nil
	}
	if a.Name != "futex_op" {
		return a.union(mask)
	}
	var list []dsl.Value
	for _, name := range []string{"FUTEX_PRIVATE_FLAG", "FUTEX_CLOCK_REALTIME"} {
		if v, ok := a.arch.Const(name); ok && left&v.Bits != 0 {
			list = append(list, dsl.Const(name))
			left &^= v.Bits
		}
	}
	if left != 0 {
		list = append(list, dsl.Int(left))
	}
	return list
}
