package oci

import (
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// Notes are what a policy does not say of the profile that it was read from.
type Notes struct {
	Comments []string // the profile's own, for each rule of the policy
	Left     []string // what was left out, a line each
}

func (p *profile) notes(o Options, policy *dsl.Policy) Notes {
	comments := map[int]string{} // by line
	for _, r := range p.Syscalls {
		comments[r.made[0].Line] = strings.TrimSpace(r.Comment)
	}
	var n Notes
	for _, r := range policy.Rules {
		n.Comments = append(n.Comments, comments[r.Made[0].Line])
	}
	left := left{words: map[string][]string{}}
	for i := range p.Syscalls {
		left.rule(&p.Syscalls[i], o, policy)
	}
	for _, name := range p.Architectures {
		left.arch(name)
	}
	for _, m := range p.ArchMap {
		if o.Arch == "" || arches[m.Architecture] == o.Arch {
			left.arch(m.Architecture)
			for _, name := range m.SubArchitectures {
				left.arch(name)
			}
		}
	}
	if p.ListenerPath != "" {
		left.add("the listener, which is for whoever installs the filter", p.ListenerPath)
	}
	for _, why := range left.order {
		n.Left = append(n.Left, why+": "+strings.Join(left.words[why], ", "))
	}
	return n
}

// left collects what is left out by the reason for it.
type left struct {
	order []string
	words map[string][]string
}

func (l *left) add(why string, words ...string) {
	for _, w := range words {
		if l.words[why] == nil {
			l.order = append(l.order, why)
		}
		if !slices.Contains(l.words[why], w) {
			l.words[why] = append(l.words[why], w)
		}
	}
}

func (l *left) arch(name string) {
	if slices.Contains(noTable, name) {
		l.add("architectures that secgen has no tables for", name)
	}
}

func (l *left) rule(r *rule, o Options, policy *dsl.Policy) {
	names := r.Names
	if r.Name != "" {
		names = append(slices.Clone(names), r.Name)
	}
	for _, c := range r.Includes.Caps {
		if !slices.Contains(o.Caps, c) {
			l.add("rules for containers with these capabilities", c)
			return
		}
	}
	for _, c := range r.Excludes.Caps {
		if slices.Contains(o.Caps, c) {
			l.add("rules for containers without these capabilities", c)
			return
		}
	}
	if old, _ := older(o.Kernel, r.Includes.MinKernel); old {
		l.add("rules for kernels from these on", r.Includes.MinKernel)
		return
	}
	if old, err := older(o.Kernel, r.Excludes.MinKernel); r.Excludes.MinKernel != "" && err == nil && !old {
		l.add("rules for kernels before these", r.Excludes.MinKernel)
		return
	}
	if a, err := action(r.Action, r.ErrnoRet, r.Errno); err == nil && a == policy.Default {
		l.add("rules with the default action, which container runtimes drop", names...)
		return
	}
	for _, name := range names {
		if !slices.ContainsFunc(policy.Arches, func(a dsl.Arch) bool { return abi.Lookup(string(a)).Makes(name) }) {
			l.add("calls that no architecture of the policy has", name)
		}
	}
}
