package profile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/source"
)

// Learned is what a profile becomes: one policy, or Start and, on top of it, Serve.
type Learned struct {
	Lists    []source.List
	Policies []source.Policy
	Remarks  []string // what an author should know or decide, a sentence each
}

// Policies makes policies that allow what was seen, as narrowly as values of arguments
// tell, and little else. A profile of one phase becomes a policy with a name.
func (p *Profile) Policies(name string) (*Learned, error) {
	if p.Len() == 0 {
		return nil, errors.New("the profile has no calls, so there is nothing to make a policy of")
	}
	m := &maker{arches: p.Arches()}
	for _, a := range m.arches {
		m.abis = append(m.abis, abi.Lookup(string(a)))
	}
	m.twins = slices.ContainsFunc(m.abis, func(a *abi.Arch) bool { return a.Word == 32 })
	policy := dsl.Policy{Arches: m.arches, Default: dsl.KillProcess}
	if than := m.newest(); than != "" {
		policy.Newer = dsl.Newer{Than: dsl.Syscall(than), Action: dsl.Errno(linux.ENOSYS)}
	}
	whole := func(s source.Policy, rules ...source.Rule) source.Policy {
		own := policy
		for _, r := range rules {
			own.Rules = append(own.Rules, r.Meant())
		}
		s.Policy = &own
		return s
	}

	start := p.Select(func(k Key) bool { return k.Phase == Start })
	serve := p.Select(func(k Key) bool { return k.Phase == Serve })
	if start.Len() == 0 || serve.Len() == 0 {
		all := m.calls(p)
		group, base := m.runtime(all)
		rules := slices.Concat(m.beyond(all, base, ""), m.unseen(all, base), m.fallback(all, all))
		m.remark(all)
		return &Learned{nil, []source.Policy{whole(source.Policy{Name: name, Group: group, Rules: rules}, slices.Concat(base, rules)...)}, m.remarks}, nil
	}
	// Calls of no phase may belong to either.
	start = p.Select(func(k Key) bool { return k.Phase != Serve })
	serve = p.Select(func(k Key) bool { return k.Phase != Start })
	later := m.calls(serve)
	earlier, all := m.calls(start), m.calls(p)
	group, base := m.runtime(all)
	m.serves = true
	own := slices.Concat(m.beyond(later, base, ""), m.unseen(later, base))
	m.serves = false
	if group != "" {
		own = append(own, m.fallback(all, later)...) // the group makes threads
	} else {
		own = append(own, m.fallback(later, later)...)
	}
	common := slices.Concat(base, own)
	first := m.beyond(earlier, common, "at the start")
	if !names(common, "clone3") {
		first = append(first, m.fallback(earlier, all)...)
	}
	first = append(first, m.installer(common, earlier, later)...)
	m.remark(all)
	l := &Learned{Remarks: m.remarks}
	l.Lists = []source.List{{Name: "serve", Group: group, Rules: own}}
	l.Policies = []source.Policy{
		whole(source.Policy{Name: "Serve", After: "Start", List: "serve"}, common...),
		whole(source.Policy{Name: "Start", List: "serve", Rules: first}, slices.Concat(common, first)...),
	}
	l.Policies[0].Policy.After = l.Policies[1].Policy
	return l, nil
}

// names reports whether rules name a call.
func names(rules []source.Rule, call string) bool {
	return slices.ContainsFunc(rules, func(r source.Rule) bool { return slices.Contains(r.Calls, dsl.Target{Name: call}) })
}

// maker makes a policy.
type maker struct {
	arches  []dsl.Arch
	abis    []*abi.Arch
	twins   bool // other forms of calls belong to it
	serves  bool // what is being made is for programs that have begun
	remarks []string
}

// newest is the last call that came to Linux and is on all the ABIs.
func (m *maker) newest() string {
	name, last := "", uint32(0)
	for _, call := range abi.Calls() {
		nr, ok := m.abis[0].Number(call)
		everywhere := !slices.ContainsFunc(m.abis, func(a *abi.Arch) bool {
			n, ok := a.Number(call)
			return !ok || !slices.ContainsFunc(a.Generic, func(r abi.Range) bool { return r.Lo <= n && n <= r.Hi })
		})
		if ok && everywhere && nr >= last {
			name, last = call, nr
		}
	}
	return name
}

// calls are what was seen, the most frequent first. What clone3 was asked for counts
// as clone's, which it is to be done with.
func (m *maker) calls(p *Profile) []*seen {
	sum := p.Sum()
	for _, arch := range m.abis {
		from, ok := arch.Number("clone3")
		to, ok2 := arch.Number("clone")
		c := sum.Call(Key{Arch: dsl.Arch(arch.Name), Number: from})
		if !ok || !ok2 || c == nil {
			continue
		}
		clone := sum.call(Key{Arch: dsl.Arch(arch.Name), Number: to})
		clone.Count += c.Count
		flags := Values{Seen: map[uint64]uint64{}}
		for v, n := range c.Args["flags"].Seen {
			flags.Seen[v&0xffffffff] += n // what is above, clone cannot do
		}
		clone.merge("flags", flags)
	}
	byName := map[string]*seen{}
	for _, k := range sum.Keys() {
		name := k.Name()
		if name == "" {
			name = fmt.Sprintf("%s %d", k.Arch, k.Number) // no call is called so
		}
		s := byName[name]
		if s == nil {
			s = &seen{name: name}
			byName[name] = s
		}
		c := sum.Call(k)
		s.count += c.Count
		s.uses = append(s.uses, use{abi.Lookup(string(k.Arch)), c})
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *seen) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name))
	})
}

func find(calls []*seen, name string) *seen {
	for _, s := range calls {
		if s.name == name {
			return s
		}
	}
	return nil
}

// exists reports whether some of the ABIs have a call.
func (m *maker) exists(name string) bool {
	return slices.ContainsFunc(m.abis, func(a *abi.Arch) bool {
		_, ok := a.Number(name)
		return ok
	})
}
