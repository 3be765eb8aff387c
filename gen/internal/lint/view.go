package lint

import (
	"math"
	"slices"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// view is a filter as the calls of one ABI meet it.
type view struct {
	subject *Subject
	filter  Filter
	arch    *abi.Arch
	part    *table.Part // of the filter's table; nil if that is not known
	space   *meaning.Space
	f       meaning.Function
	known   map[uint32][]meaning.Region
	err     error // the first trouble that a question met
}

// asks reports whether the answer is left to a tracer or a supervisor.
func asks(ret uint32) bool {
	return kernel.Action(ret) == kernel.RetTrace || kernel.Action(ret) == kernel.RetNotify
}

// at is what calls with a number of the ABI are answered, by their arguments.
func (v *view) at(nr uint32) []meaning.Region {
	if r, ok := v.known[nr]; ok {
		return r
	}
	r, err := v.space.Regions(v.space.At(v.f, v.arch.Audit, nr))
	if err != nil && v.err == nil {
		v.err = err
	}
	v.known[nr] = r
	return r
}

// has reports whether the ABI has the call.
func (v *view) has(call string) bool {
	_, ok := v.arch.Number(call)
	return ok
}

// regions is at for a call by name; nil if the ABI lacks it.
func (v *view) regions(call string) []meaning.Region {
	nr, ok := v.arch.Number(call)
	if !ok {
		return nil
	}
	return v.at(nr)
}

// The arguments that a call happens with: any, all, some but not all, none. A call
// that the ABI lacks is none of them, nor is never one that a supervisor may let
// happen.
func (v *view) may(call string) bool {
	return slices.ContainsFunc(v.regions(call), func(r meaning.Region) bool { return kernel.Happens(r.Answers[0]) })
}

func (v *view) always(call string) bool { return v.may(call) && !v.some(call, isDenied) }

func (v *view) limited(call string) bool { return v.may(call) && v.some(call, isDenied) }

func (v *view) never(call string) bool {
	return v.has(call) && !v.some(call, func(ret uint32) bool { return kernel.Happens(ret) || asks(ret) })
}

func isDenied(ret uint32) bool { return !kernel.Happens(ret) }

// some reports whether the call gets such an answer for some arguments.
func (v *view) some(call string, is func(ret uint32) bool) bool {
	return slices.ContainsFunc(v.regions(call), func(r meaning.Region) bool { return is(r.Answers[0]) })
}

// want is the value of an argument.
type want struct {
	slot  int
	value uint64
}

// mayWith reports whether the call happens with these arguments and some others.
func (v *view) mayWith(call string, wants ...want) bool {
	return slices.ContainsFunc(v.regions(call), func(r meaning.Region) bool {
		return kernel.Happens(r.Answers[0]) && slices.ContainsFunc(r.When, func(c meaning.Clause) bool {
			return !slices.ContainsFunc(c, func(p meaning.Part) bool { return v.excludes(p, wants) })
		})
	})
}

func (v *view) excludes(p meaning.Part, wants []want) bool {
	for _, w := range wants {
		lo, hi := v.words(w.slot)
		if p.Word == lo && !p.Set.Has(uint32(w.value)) || p.Word == hi && !p.Set.Has(uint32(w.value>>32)) {
			return true
		}
	}
	return false
}

// words are where seccomp_data has the halves of an argument.
func (v *view) words(slot int) (lo, hi table.Word) {
	first := table.Word(4 + 2*slot)
	if v.arch.BigEndian {
		return first + 1, first
	}
	return first, first + 1
}

// constant is the value of a constant that all ABIs have.
func (v *view) constant(name string) uint64 {
	c, ok := v.arch.Const(name)
	if !ok {
		panic("no constant " + name + " on " + v.arch.Name)
	}
	return c.Bits
}

// denies reports whether calls that no rule names happen: a deny list. It looks at
// the number behind the newest call.
func (v *view) denies() bool {
	newest := v.newest()
	return newest > 0 && slices.ContainsFunc(v.at(newest+1), func(r meaning.Region) bool { return kernel.Happens(r.Answers[0]) })
}

// newest is the greatest number of a call from those that new calls get theirs from.
func (v *view) newest() uint32 {
	newest := uint32(0)
	for _, call := range abi.Calls() {
		nr, ok := v.arch.Number(call)
		if ok && nr > newest && slices.ContainsFunc(v.arch.Generic, func(r abi.Range) bool { return r.Lo <= nr && nr < r.Hi }) {
			newest = nr
		}
	}
	return newest
}

// granter is the first rule that lets the call happen with these arguments, if that
// is known.
func (v *view) granter(call string, wants ...want) int {
	return v.ruleOn(call, kernel.Happens, wants...)
}

// ruleOn is the first rule with such an action that names the call and can match
// these arguments.
func (v *view) ruleOn(call string, is func(ret uint32) bool, wants ...want) int {
	nr, ok := v.arch.Number(call)
	if !ok || v.part == nil {
		return noRule
	}
	for _, r := range v.part.Rules {
		if r.Source >= 0 && is(r.Action) && covers(r, nr) && v.matches(nr, r.Cond, wants) {
			return r.Source
		}
	}
	return noRule
}

// matches reports whether the condition can hold for the arguments.
func (v *view) matches(nr uint32, cond table.Cond, wants []want) bool {
	if cond == nil {
		return true
	}
	all := table.All{cond}
	for _, w := range wants {
		lo, hi := v.words(w.slot)
		all = append(all, table.Test{Lo: lo, Hi: hi, Bits: 64, Mask: math.MaxUint64, Op: table.In, Values: []uint64{w.value}})
	}
	_, none := v.truth(judged{nr: nr}, all)
	return !none
}

// fix is the remedy in a policy, or in a profile if it is one.
func (v *view) fix(policy, profile string) string {
	if v.subject.Profile {
		return profile
	}
	return policy
}

func covers(r table.Rule, nr uint32) bool {
	return slices.ContainsFunc(r.Numbers, func(n abi.Range) bool { return n.Lo <= nr && nr <= n.Hi })
}
