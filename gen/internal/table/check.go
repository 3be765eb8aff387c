package table

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// Notifies reports whether the policy answers any call with Notify.
func Notifies(p *dsl.Policy) bool {
	return p.Default == dsl.Notify || p.BadArch == dsl.Notify || p.Newer.Action == dsl.Notify ||
		slices.ContainsFunc(p.Rules, func(r dsl.Rule) bool { return r.Action == dsl.Notify })
}

func (r *resolver) checkAfter() {
	seen := map[*dsl.Policy]bool{r.policy: true}
	for p := r.policy.After; p != nil; p = p.After {
		if seen[p] {
			r.errs.add(head, r.made, "", "After leads back to the policy itself: stages must have a first one")
			return
		}
		seen[p] = true
		if Notifies(r.policy) && Notifies(p) {
			r.errs.add(head, r.made, "", "a stage before it has Notify too, and the kernel gives a thread one listener: use Notify in one stage alone")
			return
		}
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
			case !abi.Known(t.Name):
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

// unmatched reports the rules that can never decide anything.
func (r *resolver) unmatched() {
	for i, rule := range r.policy.Rules {
		misnamed := slices.ContainsFunc(rule.Calls, func(t dsl.Target) bool { return t.Number == "" && !abi.Known(t.Name) })
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
