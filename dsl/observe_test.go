package dsl_test

import (
	"reflect"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

func TestObservedPoliciesDenyNothing(t *testing.T) {
	rules := func(denial dsl.Action) []dsl.Rule {
		return []dsl.Rule{
			dsl.Allow.For(sys.Read), dsl.Log.For(sys.Open), dsl.Notify.For(sys.Socket), dsl.Trace(1).For(sys.Bind),
			denial.For(sys.Write).When(sys.Write.Fd.Eq(linux.Stderr)),
		}
	}
	before := dsl.Policy{}
	for _, denial := range []dsl.Action{dsl.KillProcess, dsl.KillThread, dsl.Trap(1), dsl.Errno(linux.EPERM), dsl.ErrnoNumber(0)} {
		p := dsl.Policy{
			Arches: []dsl.Arch{dsl.AMD64}, Default: denial, BadArch: denial, After: &before, Flags: dsl.SpecAllow,
			Newer: dsl.Newer{Than: sys.Listns, Action: denial}, Rules: rules(denial),
		}
		o := dsl.Observe(p)
		if o.Default != dsl.Log || o.BadArch != dsl.Log || o.Newer.Action != dsl.Log {
			t.Errorf("%v: %v, %v, %v", denial, o.Default, o.BadArch, o.Newer.Action)
		}
		if o.After != &before || o.Flags != dsl.SpecAllow || o.Newer.Than != p.Newer.Than || !reflect.DeepEqual(o.Arches, p.Arches) {
			t.Errorf("%v: something else has changed: %+v", denial, o)
		}
		for i, want := range []dsl.Action{dsl.Allow, dsl.Log, dsl.Notify, dsl.Trace(1), dsl.Log} {
			if o.Rules[i].Action != want || !reflect.DeepEqual(o.Rules[i].Conds, p.Rules[i].Conds) || !reflect.DeepEqual(o.Rules[i].Made, p.Rules[i].Made) {
				t.Errorf("%v: rule %d: %+v", denial, i+1, o.Rules[i])
			}
		}
		if p.Rules[4].Action != denial {
			t.Error("the policy itself was changed")
		}
	}
	// What is not set is not set, but for BadArch, which has a denial for its default.
	if o := dsl.Observe(dsl.Policy{}); o.Default != (dsl.Action{}) || o.Newer.Action != (dsl.Action{}) || o.BadArch != dsl.Log {
		t.Errorf("%+v", o)
	}
}
