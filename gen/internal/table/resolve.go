package table

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

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
	if p.Flags&dsl.WaitKillable != 0 && !notifies(p) {
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

// notifies reports whether the policy answers any call with Notify.
func notifies(p *dsl.Policy) bool {
	return p.Default == dsl.Notify || p.BadArch == dsl.Notify || p.Newer.Action == dsl.Notify ||
		slices.ContainsFunc(p.Rules, func(r dsl.Rule) bool { return r.Action == dsl.Notify })
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

func (r *resolver) checkAfter() {
	seen := map[*dsl.Policy]bool{r.policy: true}
	for p := r.policy.After; p != nil; p = p.After {
		if seen[p] {
			r.errs.add(head, r.made, "", "After leads back to the policy itself: stages must have a first one")
			return
		}
		seen[p] = true
	}
	if a := r.policy.After; a != nil {
		for _, arch := range r.policy.Arches {
			if !slices.Contains(a.Arches, arch) {
				r.errs.add(head, r.made, string(arch), "After is a policy that does not list this architecture, so it cannot have been installed before")
			}
		}
	}
}

// checkRules finds the mistakes that do not depend on an architecture.
func (r *resolver) checkRules() {
	for i, rule := range r.policy.Rules {
		bad := func(format string, args ...any) { r.errs.add(i, rule.Made, "", format, args...) }
		if rule.Action.Kind == "" {
			bad("the rule has no action: begin it with one, such as dsl.Allow.For(…)")
		}
		if len(rule.Calls) == 0 {
			bad("For() names no system call")
		}
		for _, t := range rule.Calls {
			switch {
			case t.Number != "" && t.Name != "":
				bad("a call with both a name, %s, and a number, %s", t.Name, t.Number)
			case t.Number == "4294967295":
				bad("dsl.Number(4294967295) is what a filter sees of a call that a tracer skipped: write dsl.Number(-1)")
			case t.Number != "":
				if n, err := strconv.ParseInt(t.Number, 10, 64); err != nil || n < -1 || n > math.MaxUint32 {
					bad("dsl.Number(%s) is no system call number: they go from 0 to 4294967295, and -1 is a call that a tracer skipped", t.Number)
				}
			case t.Name == "":
				bad("a nil call in For()")
			case !known(t.Name):
				bad("there is no system call %q on any architecture; the values of package sys name them all", t.Name)
			}
		}
		for _, a := range rule.Arches {
			switch {
			case a == "":
				bad("On() leaves the rule no architecture")
			case abi.Lookup(string(a)) == nil:
				bad("On names the unknown architecture %q", string(a))
			}
		}
	}
}

func known(call string) bool {
	_, found := slices.BinarySearch(abi.Calls(), call)
	return found
}

// unmatched reports the rules that can never decide anything.
func (r *resolver) unmatched() {
	for i, rule := range r.policy.Rules {
		misnamed := slices.ContainsFunc(rule.Calls, func(t dsl.Target) bool { return t.Number == "" && !known(t.Name) })
		misplaced := slices.ContainsFunc(rule.Arches, func(a dsl.Arch) bool { return abi.Lookup(string(a)) == nil })
		if !r.matched[i] && len(rule.Calls) > 0 && !misnamed && !misplaced {
			r.errs.add(i, rule.Made, "", "the rule matches nothing: %s", r.why(rule))
		}
	}
	r.unclaimed()
}

// why tells a rule that is for other architectures from one for other calls.
func (r *resolver) why(rule dsl.Rule) string {
	for _, a := range rule.Arches {
		if slices.Contains(r.policy.Arches, a) {
			return fmt.Sprintf("of the policy's architectures, those that On names lack %s", targets(rule.Calls))
		}
	}
	if len(rule.Arches) > 0 {
		return "the policy lists none of the architectures that On names"
	}
	return "none of the policy's architectures has " + targets(rule.Calls)
}

// unclaimed reports numbers that belong to none of the ABIs that their rule is
// for: the review would show a rule that answers no call.
func (r *resolver) unclaimed() {
	for i, rule := range r.policy.Rules {
		for _, t := range rule.Calls {
			if t.Number != "" && r.matched[i] && !r.claimed[target{i, t.Number}] {
				r.errs.add(i, rule.Made, "", "no call of the architectures that the rule is for has the number %s (x32's, from 1073741824 on, need dsl.X32 in Arches)", t.Number)
			}
		}
	}
}

func targets(ts []dsl.Target) string {
	names := make([]string, len(ts))
	for i, t := range ts {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
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
			if t.Name != "" && known(t.Name) {
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

// The SECCOMP_RET_* values of linux/seccomp.h.
var returns = map[dsl.Kind]uint32{
	dsl.KindKillProcess: 0x80000000,
	dsl.KindKillThread:  0x00000000,
	dsl.KindTrap:        0x00030000,
	dsl.KindErrno:       0x00050000,
	dsl.KindErrnoNumber: 0x00050000,
	dsl.KindNotify:      0x7fc00000,
	dsl.KindTrace:       0x7ff00000,
	dsl.KindLog:         0x7ffc0000,
	dsl.KindAllow:       0x7fff0000,
}

// maxErrno is the greatest errno that every Go program takes for one: the kernel
// cuts greater ones to 4095 (MAX_ERRNO of linux/err.h), which Go's system call
// on amd64, 386 and arm takes for success.
const maxErrno = 4094

func (r *resolver) action(rule int, made []dsl.Frame, arch *abi.Arch, a dsl.Action) uint32 {
	if a.Kind == "" {
		return returns[dsl.KindKillProcess] // reported already
	}
	ret, ok := returns[a.Kind]
	if !ok {
		r.errs.add(rule, made, "", "unknown action %q", string(a.Kind))
		return returns[dsl.KindKillProcess]
	}
	switch a.Kind {
	case dsl.KindErrno:
	case dsl.KindErrnoNumber:
		if a.Data > maxErrno {
			r.errs.add(rule, made, "", "errno %d is none: they go up to %d", a.Data, maxErrno)
		}
		return ret | uint32(a.Data)
	case dsl.KindTrap, dsl.KindTrace:
		return ret | uint32(a.Data)
	default:
		if a.Data != 0 {
			r.errs.add(rule, made, "", "the action %s takes no data", a.Kind)
		}
		return ret
	}
	if a.Data != 0 {
		r.errs.add(rule, made, "", "Errno takes a name and no number; see dsl.ErrnoNumber")
	}
	e, ok := arch.Errno(string(a.Errno))
	if !ok {
		r.errs.add(rule, made, arch.Name, "no errno %s here; the names are those of package linux", orEmpty(string(a.Errno)))
		return returns[dsl.KindKillProcess]
	}
	return ret | uint32(e)
}

func orEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

func contains(ranges []abi.Range, n uint32) bool {
	return slices.ContainsFunc(ranges, func(r abi.Range) bool { return r.Lo <= n && n <= r.Hi })
}

// join sorts ranges and merges those that touch.
func join(ranges []abi.Range) []abi.Range {
	slices.SortFunc(ranges, func(a, b abi.Range) int { return cmp.Compare(a.Lo, b.Lo) })
	var out []abi.Range
	for _, r := range ranges {
		if n := len(out); n > 0 && (out[n-1].Hi == math.MaxUint32 || r.Lo <= out[n-1].Hi+1) {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
			continue
		}
		out = append(out, r)
	}
	return out
}

// subtract returns from without the numbers in cut; both are sorted and disjoint.
func subtract(from, cut []abi.Range) []abi.Range {
	var out []abi.Range
	for _, r := range from {
		lo, whole := r.Lo, true
		for _, c := range cut {
			if c.Hi < lo || c.Lo > r.Hi {
				continue
			}
			if c.Lo > lo {
				out = append(out, abi.Range{Lo: lo, Hi: c.Lo - 1})
			}
			if c.Hi >= r.Hi {
				whole = false
				break
			}
			lo = c.Hi + 1
		}
		if whole {
			out = append(out, abi.Range{Lo: lo, Hi: r.Hi})
		}
	}
	return out
}
