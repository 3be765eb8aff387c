package table

import (
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// Resolve looks up everything a policy names, for each ABI it lists, and
// returns a table for each kernel family those belong to, in the order of the
// policy. The error is an Errors with all that is wrong.
func Resolve(p dsl.Named) ([]Table, error) {
	errs := &errorList{policy: p.Name}
	if p.Policy == nil {
		errs.add(head, nil, "", "there is no policy: the pointer is nil")
		return nil, errs.err()
	}
	r := resolver{errs: errs, policy: p.Policy}
	if p.Made.File != "" {
		r.made = []dsl.Frame{p.Made}
	}
	r.policy = placed(p.Policy, r.made)
	tables := r.tables()
	r.unmatched()
	if err := errs.err(); err != nil {
		return nil, err
	}
	return tables, nil
}

// placed gives rules that were made by hand the policy's place.
func placed(p *dsl.Policy, made []dsl.Frame) *dsl.Policy {
	copied := *p
	copied.Rules = slices.Clone(p.Rules)
	for i := range copied.Rules {
		if len(copied.Rules[i].Made) == 0 {
			copied.Rules[i].Made = made
		}
	}
	return &copied
}

// head is the order of errors about the policy as a whole: before any rule's.
const head = -1

type resolver struct {
	errs    *errorList
	policy  *dsl.Policy
	made    []dsl.Frame
	matched []bool // per rule: it names a call that some ABI has
	claimed map[target]bool
}

// target is a call that a rule gives by number.
type target struct {
	rule   int
	number string
}

func (r *resolver) tables() []Table {
	p := r.policy
	r.matched = make([]bool, len(p.Rules))
	r.claimed = map[target]bool{}
	if len(p.Arches) == 0 {
		r.errs.add(head, r.made, "", "Arches is empty: name the architectures the policy is for, such as dsl.AMD64")
	}
	if p.Default.Kind == "" {
		r.errs.add(head, r.made, "", "Default is not set: say what happens to calls that no rule matches, such as dsl.KillProcess")
	}
	if p.Flags&^(dsl.LogDenied|dsl.SpecAllow|dsl.WaitKillable) != 0 {
		r.errs.add(head, r.made, "", "Flags has bits that are no flag of package dsl: %#x", uint32(p.Flags))
	}
	if p.Flags&dsl.WaitKillable != 0 && !Notifies(p) {
		r.errs.add(head, r.made, "", "WaitKillable is for calls that wait for a supervisor, and no action is Notify: the kernel would refuse the filter")
	}
	r.checkAfter()
	r.checkRules()

	var tables []Table
	families := map[string]int{}
	for i, name := range p.Arches {
		arch := abi.Lookup(string(name))
		switch {
		case arch == nil:
			r.errs.add(head, r.made, "", "unknown architecture %q in Arches", string(name))
			continue
		case slices.Contains(p.Arches[:i], name):
			r.errs.add(head, r.made, "", "Arches lists %s twice", name)
			continue
		}
		at, ok := families[arch.Family]
		if !ok {
			at = len(tables)
			families[arch.Family] = at
			tables = append(tables, Table{BadArch: r.action(head, r.made, arch, r.badArch())})
		}
		t := &tables[at]
		t.Parts = append(t.Parts, r.part(arch, r.ownsSkipped(arch)))
	}
	return tables
}

func (r *resolver) badArch() dsl.Action {
	if r.policy.BadArch.Kind == "" {
		return dsl.KillProcess
	}
	return r.policy.BadArch
}

// ownsSkipped reports whether the number 0xffffffff, a call that a tracer
// skipped, belongs to arch: of the policy's ABIs with one audit value it does to
// the one with the lowest numbers, amd64 before x32.
func (r *resolver) ownsSkipped(arch *abi.Arch) bool {
	for _, name := range r.policy.Arches {
		other := abi.Lookup(string(name))
		if other != nil && other.Audit == arch.Audit && other.Numbers[0].Lo < arch.Numbers[0].Lo {
			return false
		}
	}
	return true
}

func (r *resolver) part(arch *abi.Arch, skipped bool) Part {
	part := Part{Arch: arch, Numbers: slices.Clone(arch.Numbers)}
	if skipped {
		part.Numbers = join(append(part.Numbers, abi.Range{Lo: math.MaxUint32, Hi: math.MaxUint32}))
	}
	part.Default = r.action(head, r.made, arch, r.policy.Default)
	if part.Default >= returns[dsl.KindLog] && part.Default <= returns[dsl.KindAllow] {
		part.Numbers = subtract(part.Numbers, arch.Foreign)
	}
	missing := map[string]bool{}
	for i, rule := range r.policy.Rules {
		if len(rule.Arches) > 0 && !slices.Contains(rule.Arches, dsl.Arch(arch.Name)) {
			continue
		}
		part.Rules = append(part.Rules, r.rule(i, rule, arch, part.Numbers, missing)...)
	}
	for name := range missing {
		part.Missing = append(part.Missing, name)
	}
	slices.Sort(part.Missing)
	part.Rules = append(part.Rules, r.multiplexers(arch)...)
	if newer := r.newer(arch, &part); newer != nil {
		part.Rules = append(part.Rules, *newer)
	}
	return part
}

// rule resolves one rule of the policy; calls whose arguments lie elsewhere, or
// have other widths, become rules of their own.
func (r *resolver) rule(i int, rule dsl.Rule, arch *abi.Arch, numbers []abi.Range, missing map[string]bool) []Rule {
	action := r.action(i, rule.Made, arch, rule.Action)
	var rules []Rule
	for _, t := range rule.Calls {
		nr, ok := number(arch, t)
		if !ok || !contains(numbers, nr) {
			if t.Name != "" && abi.Known(t.Name) && !HasTwin(arch, rule, t) {
				missing[t.Name] = true
			}
			continue
		}
		r.matched[i] = true
		if t.Number != "" {
			r.claimed[target{i, t.Number}] = true
			if name := arch.CallName(nr); name != "" {
				r.errs.add(i, rule.Made, arch.Name, "number %s is %s here: write its name, so that every rule on it can be seen to be", t.Number, name)
			}
		}
		c := conditions{r: r, index: i, rule: rule, arch: arch, target: t}
		cond := c.resolve()
		one := abi.Range{Lo: nr, Hi: nr}
		if n := len(rules); n > 0 && reflect.DeepEqual(rules[n-1].Cond, cond) {
			rules[n-1].Numbers = append(rules[n-1].Numbers, one)
			continue
		}
		rules = append(rules, Rule{Numbers: []abi.Range{one}, Cond: cond, Action: action, Source: i})
	}
	for j := range rules {
		rules[j].Numbers = join(rules[j].Numbers)
	}
	return rules
}

// HasTwin reports whether the ABI has another form of a call, as dsl.Twins adds
// them, that the rule names too.
func HasTwin(arch *abi.Arch, rule dsl.Rule, t dsl.Target) bool {
	return slices.ContainsFunc(t.Twins(), func(twin dsl.Target) bool {
		_, ok := arch.Number(twin.Name)
		return ok && slices.Contains(rule.Calls, twin)
	})
}

func number(arch *abi.Arch, t dsl.Target) (uint32, bool) {
	if t.Name != "" {
		return arch.Number(t.Name)
	}
	n, err := strconv.ParseInt(t.Number, 10, 64)
	return uint32(n), err == nil && n >= -1 && n <= math.MaxUint32
}

// newer turns Policy.Newer into a rule behind all others.
func (r *resolver) newer(arch *abi.Arch, part *Part) *Rule {
	n := r.policy.Newer
	if n.Than == nil && n.Action.Kind == "" {
		return nil
	}
	if n.Than == nil || n.Action.Kind == "" {
		r.errs.add(head, r.made, "", "Newer needs both: Than, the newest call reviewed, and Action, the answer to newer ones")
		return nil
	}
	ts := dsl.Allow.For(n.Than).Calls
	if len(ts) != 1 {
		r.errs.add(head, r.made, "", "Newer.Than must be one call, not %d", len(ts))
		return nil
	}
	than, ok := number(arch, ts[0])
	if !ok || !contains(part.Numbers, than) {
		r.errs.add(head, r.made, arch.Name, "Newer.Than is %s, which this architecture lacks; name a call that all of the policy's architectures have", ts[0])
		return nil
	}
	if !contains(arch.Generic, than) {
		r.errs.add(head, r.made, arch.Name, "Newer.Than is %s, whose number is none of those from which new calls get theirs", ts[0])
		return nil
	}
	var named []abi.Range
	for _, rule := range part.Rules {
		named = append(named, rule.Numbers...)
	}
	named = join(append(named, abi.Range{Lo: 0, Hi: than}))
	numbers := subtract(arch.Generic, named)
	return &Rule{Numbers: numbers, Action: r.action(head, r.made, arch, n.Action), Source: FromNewer}
}
