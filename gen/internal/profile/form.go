package profile

import (
	"reflect"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// form is what is allowed of a call on one ABI: a rule's conditions.
type form struct {
	conds []dsl.Cond
	count uint64
}

// forms are the ways in which a call was made on an ABI; nil if there is nothing to
// tell them by.
func (s *seen) forms(arch *abi.Arch) []form {
	divided, by := s.divided(arch)
	rest := s.conds(arch, by...)
	if divided == nil {
		divided = []form{{count: s.on([]dsl.Arch{dsl.Arch(arch.Name)})}}
	}
	var list []form
	for _, f := range divided {
		f.conds = append(f.conds, slices.DeleteFunc(slices.Clone(rest), func(c dsl.Cond) bool {
			return slices.ContainsFunc(f.conds, func(own dsl.Cond) bool { return own.Arg == c.Arg })
		})...)
		list = append(list, f)
	}
	if len(list) == 1 && len(list[0].conds) == 0 {
		return nil
	}
	return list
}

// conds are those on each argument for itself, but for some.
func (s *seen) conds(arch *abi.Arch, but ...string) []dsl.Cond {
	var conds []dsl.Cond
	for _, arg := range arch.Args(s.name) {
		if !limits(s.name, arg) || slices.Contains(but, arg.Name) {
			continue
		}
		if a, ok := s.argument(arch, arg, arg.Name, made); ok {
			conds = append(conds, a.cond()...)
		}
	}
	return conds
}

// divided are forms by the values of one argument, which is named, where that says
// more; nil if it does not.
func (s *seen) divided(arch *abi.Arch) (forms []form, by []string) {
	name := "flags"
	switch {
	case s.name == "open" || s.name == "openat" || s.name == "clone":
	case hasDomain(s.name):
		name = "domain"
	default:
		name = "prot"
	}
	arg, ok := argOf(arch, s.name, name)
	if !ok {
		return nil, nil
	}
	a, ok := s.argument(arch, arg, name, made)
	if !ok || a.times == nil {
		return nil, nil
	}
	switch s.name {
	case "open", "openat":
		return a.byMode(), []string{name}
	case "clone":
		return a.each(), []string{name}
	case "socket", "socketpair":
		return s.byDomain(a), []string{name}
	}
	return s.byExec(a), []string{name}
}

// byMode are opens to read, to write and for both.
func (a argument) byMode() []form {
	const mode = 3 // O_ACCMODE, on all ABIs
	var forms []form
	for code := range uint64(mode + 1) {
		own := a.only(func(v uint64) bool { return v&mode == code })
		if len(own.times) == 0 {
			continue
		}
		f := form{count: own.count()}
		if rest := own.rest(mode); rest == nil {
			f.conds = []dsl.Cond{own.Eq(own.name(code))}
		} else {
			mask := dsl.Const("O_ACCMODE")
			f.conds = []dsl.Cond{own.Masked(mask).Eq(own.name(code)), own.Only(append([]dsl.Value{mask}, rest...)...)}
		}
		forms = append(forms, f)
	}
	return forms
}

// each is every value for itself, if they are few.
func (a argument) each() []form {
	if len(a.times) > fewValues {
		return []form{{conds: a.flags(), count: a.count()}}
	}
	var forms []form
	for _, v := range a.values() {
		forms = append(forms, form{conds: a.exactly(v), count: a.times[v]})
	}
	return forms
}

// byExec are those without PROT_EXEC and those with, and with the flags of the latter.
func (s *seen) byExec(a argument) []form {
	var forms []form
	data := a.only(func(v uint64) bool { return v&protExec == 0 })
	switch f := (form{count: data.count()}); {
	case len(data.times) == 0:
	case len(data.times) == 1 && data.single():
		f.conds = data.flags()
		forms = append(forms, f)
	default: // what can be read and written may as well be neither
		f.conds = []dsl.Cond{data.Only(data.union(0)...)}
		forms = append(forms, f)
	}
	code := a.only(func(v uint64) bool { return v&protExec != 0 })
	if len(code.times) == 0 {
		return forms
	}
	f := form{conds: code.flags(), count: code.count()}
	if arg, ok := argOf(a.arch, s.name, "flags"); ok && limits(s.name, arg) {
		executed := func(c *Call) (n uint64) {
			for v, times := range c.Args["prot"].Seen {
				if v&protExec != 0 {
					n += times
				}
			}
			return n
		}
		if flags, ok := s.argument(a.arch, arg, with("flags", "PROT_EXEC"), executed); ok {
			f.conds = append(f.conds, flags.cond()...)
		}
	}
	return append(forms, f)
}

// byDomain are sockets of one address family after another, with their types and
// protocols; families with the same go together.
func (s *seen) byDomain(a argument) []form {
	type family struct {
		domains []dsl.Value
		form
	}
	var families []family
	for _, domain := range a.values() {
		of := domainName(a.arch, domain)
		rest := form{count: a.times[domain]}
		for _, name := range []string{"type", "protocol"} {
			arg, ok := argOf(a.arch, s.name, name)
			if !ok {
				continue
			}
			often := func(c *Call) uint64 { return c.Args["domain"].Seen[domain] }
			if one, ok := s.argument(a.arch, arg, with(name, of), often); ok {
				if name == "protocol" {
					rest.conds = append(rest.conds, one.protocol(of)...)
				} else {
					rest.conds = append(rest.conds, one.cond()...)
				}
			}
		}
		i := slices.IndexFunc(families, func(f family) bool { return reflect.DeepEqual(f.conds, rest.conds) })
		if i < 0 {
			families = append(families, family{form: rest})
			i = len(families) - 1
		} else {
			families[i].count += rest.count
		}
		families[i].domains = append(families[i].domains, a.name(domain))
	}
	var forms []form
	for _, f := range families {
		f.conds = append([]dsl.Cond{a.In(f.domains...)}, f.conds...)
		forms = append(forms, f.form)
	}
	return forms
}

// protocol is the condition on a socket's protocol, whose names depend on the family.
func (a argument) protocol(domain string) []dsl.Cond {
	if a.times == nil {
		return nil
	}
	var names []string
	switch domain {
	case "AF_INET", "AF_INET6":
		names = []string{"IPPROTO_TCP", "IPPROTO_UDP", "IPPROTO_ICMP", "IPPROTO_ICMPV6", "IPPROTO_RAW", "IPPROTO_SCTP", "IPPROTO_MPTCP"}
	case "AF_NETLINK":
		names = []string{"NETLINK_ROUTE", "NETLINK_SOCK_DIAG", "NETLINK_AUDIT", "NETLINK_NETFILTER", "NETLINK_KOBJECT_UEVENT", "NETLINK_GENERIC"}
	}
	var list []dsl.Value
	for _, v := range a.values() {
		value := dsl.Int(v)
		for _, name := range names {
			if c, ok := a.arch.Const(name); ok && c.Bits == v {
				value = dsl.Const(name)
			}
		}
		list = append(list, value)
	}
	return []dsl.Cond{a.In(list...)}
}
