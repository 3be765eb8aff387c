package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// boundary has the calls around everything that a policy names: each number with
// its neighbours, each value with its neighbours and with bit 32 set, for every
// argument, and the numbers and architectures that are none of amd64's.
func (p Policy) boundary() []Call {
	var calls []Call
	at := func(arch, nr uint32, args [6]uint64) { calls = append(calls, Call{arch, nr, args}) }
	values := p.values()
	for nr := range uint32(512) {
		for _, v := range values {
			at(auditAMD64, nr, [6]uint64{v, v, v, v, v, v})
		}
		at(auditAMD64, x32Bit|nr, [6]uint64{})
		for _, arch := range []uint32{auditI386, auditARM64, auditAMD64 ^ 1, 0, ^uint32(0)} {
			at(arch, nr, [6]uint64{})
		}
	}
	for _, nr := range []uint32{x32Bit - 1, 1<<31 - 1, 1 << 31, 1<<31 + 59, ^uint32(1), ^uint32(0)} {
		at(auditAMD64, nr, [6]uint64{})
	}
	for nr, sets := range p.sets() {
		for _, args := range product(sets) {
			at(auditAMD64, nr, args)
		}
	}
	return calls
}

// values are all that conditions name and what lies around them.
func (p Policy) values() []uint64 {
	list := []uint64{0, ^uint64(0)}
	for _, r := range p.Rules {
		for _, a := range r.Args {
			list = append(list, a.around()...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (a Condition) around() []uint64 {
	list := []uint64{0, ^uint64(0)}
	for _, v := range []uint64{a.Value, a.ValueTwo, ^a.Value} {
		list = append(list, v-1, v, v+1, v^1<<32)
	}
	if a.Op == "SCMP_CMP_MASKED_EQ" {
		for bit := range 64 {
			list = append(list, 1<<bit, a.ValueTwo^1<<bit)
		}
	}
	return list
}

// sets are the values to try for each argument of each call with conditions; an
// argument without conditions has none.
func (p Policy) sets() map[uint32][6][]uint64 {
	sets := map[uint32][6][]uint64{}
	for _, r := range p.Rules {
		for _, a := range r.Args {
			for _, name := range r.Names {
				s := sets[number(name)]
				s[a.Index] = append(s[a.Index], a.around()...)
				slices.Sort(s[a.Index])
				s[a.Index] = slices.Compact(s[a.Index])
				sets[number(name)] = s
			}
		}
	}
	return sets
}

func product(sets [6][]uint64) [][6]uint64 {
	list := [][6]uint64{{}}
	for i, set := range sets {
		if len(set) == 0 {
			continue
		}
		var next [][6]uint64
		for _, args := range list {
			for _, v := range set {
				args[i] = v
				next = append(next, args)
			}
		}
		list = next
	}
	return list
}

// Disagreement is where a peer's program and the text of a policy answer
// differently in one way.
type Disagreement struct {
	Policy, Peer, Kind string
	Got, Want          uint32
	Count              int
	Example            Call
}

// disagreements compares a program with its policy, the first call of each way as
// the example. Killing the thread and the process count the same.
func (p Policy) disagreements(peer string, program Program, calls []Call) []Disagreement {
	type way struct {
		kind      string
		got, want uint32
	}
	found := map[way]*Disagreement{}
	m := p.meaning()
	for _, c := range calls {
		got, _ := run(program, c.data())
		if got == killThread {
			got = killProcess
		}
		want := m.answer(c)
		if got == want {
			continue
		}
		w := way{kind(c), got, want}
		if found[w] == nil {
			found[w] = &Disagreement{p.Name, peer, w.kind, got, want, 0, c}
		}
		found[w].Count++
	}
	var list []Disagreement
	for _, d := range found {
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b Disagreement) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Got, b.Got), cmp.Compare(a.Want, b.Want))
	})
	return list
}

// kind is what sort of call an answer is given to.
func kind(c Call) string {
	switch {
	case c.Arch != auditAMD64:
		return "calls of other architectures"
	case c.Nr == ^uint32(0):
		return "the number -1"
	case c.x32():
		return "x32 numbers"
	}
	return "amd64's calls"
}

// gather joins what a peer does in the same way under several policies: a line
// each, the worst first.
func gather(list []Disagreement) []string {
	type way struct {
		peer, kind string
		got, want  uint32
	}
	var order []way
	under := map[way][]Disagreement{}
	for _, d := range list {
		w := way{d.Peer, d.Kind, d.Got, d.Want}
		if under[w] == nil {
			order = append(order, w)
		}
		under[w] = append(under[w], d)
	}
	slices.SortStableFunc(order, func(a, b way) int { return cmp.Compare(severity(a.got, a.want), severity(b.got, b.want)) })
	var lines []string
	for _, w := range order {
		names, n := map[string]bool{}, 0
		for _, d := range under[w] {
			names[d.Policy] = true
			n += d.Count
		}
		policies := strings.Join(slices.Sorted(maps.Keys(names)), ", ")
		lines = append(lines, fmt.Sprintf("%s: %s, %s: %s instead of %s; %d of them, such as %s; in %s",
			severities[severity(w.got, w.want)], w.peer, w.kind, answerName(w.got), answerName(w.want), n, under[w][0].Example, policies))
	}
	return lines
}

var severities = []string{"**Lets through**", "Denies what is allowed", "Denies otherwise"}

func severity(got, want uint32) int {
	switch {
	case got == allowed:
		return 0
	case want == allowed:
		return 1
	}
	return 2
}

func answerName(v uint32) string {
	switch v {
	case allowed:
		return "allow"
	case killProcess:
		return "kill"
	case errno | 1:
		return "EPERM"
	case errno | 38:
		return "ENOSYS"
	}
	return fmt.Sprintf("%#x", v)
}

func (c Call) String() string {
	arch, name := "", arch.X86_64.SyscallNumbers[int(c.Nr&^x32Bit)]
	switch {
	case c.Arch == auditI386:
		arch, name = "i386's ", ""
	case c.Arch != auditAMD64:
		arch, name = fmt.Sprintf("audit architecture %#x's ", c.Arch), ""
	case c.x32():
		arch = "x32's "
	}
	if name == "" {
		return fmt.Sprintf("%snumber %d", arch, int32(c.Nr))
	}
	last := 0
	for i, a := range c.Args {
		if a != 0 {
			last = i + 1
		}
	}
	var args []string
	for _, a := range c.Args[:last] {
		args = append(args, fmt.Sprintf("%#x", a))
	}
	return fmt.Sprintf("%s%s(%s)", arch, name, strings.Join(args, ", "))
}
