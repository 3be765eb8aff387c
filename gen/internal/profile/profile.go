// Package profile holds what programs were seen to ask of the kernel, and makes
// policies of it.
package profile

import (
	"cmp"
	"maps"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// Phases of a run, which its marker divides. That of calls from a source that does
// not tell, such as the audit log, is empty.
const (
	Start = "start" // up to the marker, which is in it
	Serve = "serve" // after it
)

// Most is how many different values of an argument are told apart.
const Most = 32

// Profile is a set of calls. The zero value is an empty one.
type Profile struct {
	calls map[Key]*Call
}

// Key is what calls are counted by.
type Key struct {
	Program string   // path of what was executed; empty: not known
	Thread  string   // name of the thread, as in /proc/PID/comm; empty: not known
	Phase   string   // Start or Serve; empty: not known
	Arch    dsl.Arch // ABI by which the call was made
	Number  uint32   // of the call on that ABI, as a filter sees it
}

// Call is what was seen of a call.
type Call struct {
	Count uint64            // how often it was made; 0: often, but nobody counted
	Args  map[string]Values // by the argument's name in package sys; also "flags with PROT_EXEC" and the like

	looked []abi.Arg // the arguments to look at in registers
}

// Values are those of an argument, in the bits that the kernel looks at, without a
// sign.
type Values struct {
	Seen     map[uint64]uint64 // how often each was there; nil: they are more than Most
	All, Any uint64            // bits that all values have, and that any has
	Times    uint64            // if Seen is nil: how often the argument was noted
}

// Noted is how often the argument was. Where that is less often than the call was
// made, nobody knows what else the argument has been.
func (v Values) Noted() uint64 {
	if v.Seen == nil {
		return v.Times
	}
	var n uint64
	for _, times := range v.Seen {
		n += times
	}
	return n
}

// Name is the call's name; empty if the tables have none.
func (k Key) Name() string { return abi.Lookup(string(k.Arch)).CallName(k.Number) }

// Arches is the ABIs that calls were made by, in the order of the tables.
func (p *Profile) Arches() []dsl.Arch {
	var list []dsl.Arch
	for _, a := range abi.Arches() {
		for k := range p.calls {
			if k.Arch == dsl.Arch(a.Name) {
				list = append(list, k.Arch)
				break
			}
		}
	}
	return list
}

// Len is the number of different keys.
func (p *Profile) Len() int { return len(p.calls) }

// Keys lists what was counted, sorted.
func (p *Profile) Keys() []Key {
	return slices.SortedFunc(maps.Keys(p.calls), func(a, b Key) int {
		return cmp.Or(
			cmp.Compare(a.Program, b.Program),
			cmp.Compare(b.Phase, a.Phase), // start comes before serve
			cmp.Compare(a.Thread, b.Thread),
			cmp.Compare(a.Arch, b.Arch),
			cmp.Compare(a.Name(), b.Name()),
			cmp.Compare(a.Number, b.Number))
	})
}

// Call is what was seen of one; nil if there was none.
func (p *Profile) Call(k Key) *Call { return p.calls[k] }

// call is the entry of a key, which it makes if there is none.
func (p *Profile) call(k Key) *Call {
	c := p.calls[k]
	if c == nil {
		c = &Call{}
		for _, arg := range abi.Lookup(string(k.Arch)).Args(k.Name()) {
			if matters(k.Name(), arg) {
				c.looked = append(c.looked, arg)
			}
		}
		if p.calls == nil {
			p.calls = map[Key]*Call{}
		}
		p.calls[k] = c
	}
	return c
}

// matters reports whether a policy could go by the values of an argument. Words of
// 64 bits are addresses, sizes and offsets, unless they have names.
func matters(call string, arg abi.Arg) bool {
	return !arg.Pointer && arg.Slot >= 0 && (arg.Bits <= 32 || abi.HasNames(call, arg.Name))
}

// Counts is how often each call was made, by name.
func (p *Profile) Counts() map[string]float64 {
	counts := map[string]float64{}
	for k, c := range p.calls {
		if name := k.Name(); name != "" {
			counts[name] += float64(c.Count)
		}
	}
	return counts
}

// Add counts a call that was made with these registers.
func (p *Profile) Add(k Key, registers [6]uint64) {
	values := map[string]uint64{}
	for _, arg := range p.call(k).looked {
		values[arg.Name] = arg.In(registers)
	}
	p.AddKnown(k, values)
}

// AddKnown counts a call of which these arguments are known.
func (p *Profile) AddKnown(k Key, values map[string]uint64) {
	c := p.call(k)
	c.Count++
	for arg, v := range values {
		c.note(arg, v, 1)
	}
	c.noteJointly(k, values)
}

// AddValue notes a value of an argument of calls that are counted elsewhere: one in
// memory, such as the flags of clone3, or one that a log names.
func (p *Profile) AddValue(k Key, arg string, value uint64) { p.call(k).note(arg, value, 1) }

// AddCount counts n calls of which no more is known.
func (p *Profile) AddCount(k Key, n uint64) { p.call(k).Count += n }

// note counts a value n times.
func (c *Call) note(arg string, value, n uint64) {
	v, old := c.Args[arg]
	if !old {
		if c.Args == nil {
			c.Args = map[string]Values{}
		}
		v = Values{Seen: map[uint64]uint64{}, All: value, Any: value}
	}
	v.All &= value
	v.Any |= value
	if v.Seen == nil {
		v.Times += n
	} else if v.Seen[value] += n; len(v.Seen) > Most {
		v.Times, v.Seen = v.Noted(), nil
	}
	c.Args[arg] = v
}

// Merge adds what another profile has.
func (p *Profile) Merge(other *Profile) {
	p.MergeAs(other, func(k Key) Key { return k })
}

// MergeAs adds what another profile has, by other keys.
func (p *Profile) MergeAs(other *Profile, as func(Key) Key) {
	for k, o := range other.calls {
		c := p.call(as(k))
		c.Count += o.Count
		for arg, v := range o.Args {
			c.merge(arg, v)
		}
	}
}

func (c *Call) merge(arg string, o Values) {
	for value, n := range o.Seen {
		c.note(arg, value, n)
	}
	if o.Seen != nil {
		return
	}
	v, old := c.Args[arg]
	if !old {
		v = Values{All: o.All, Any: o.Any}
	}
	if c.Args == nil {
		c.Args = map[string]Values{}
	}
	c.Args[arg] = Values{All: v.All & o.All, Any: v.Any | o.Any, Times: v.Noted() + o.Times}
}

// Select is the part of the profile that keep wants.
func (p *Profile) Select(keep func(Key) bool) *Profile {
	out := &Profile{calls: map[Key]*Call{}}
	for k, c := range p.calls {
		if keep(k) {
			out.calls[k] = c
		}
	}
	return out
}

// Sum is the profile without programs, threads and phases.
func (p *Profile) Sum() *Profile {
	sum := &Profile{}
	sum.MergeAs(p, func(k Key) Key { return Key{Arch: k.Arch, Number: k.Number} })
	return sum
}
