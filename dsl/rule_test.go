package dsl_test

import (
	"slices"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// Two rules made from one base do not share what they add.
func TestRulesAreCopies(t *testing.T) {
	base := dsl.Allow.For(sys.Write)
	for n := range 3 { // leave room behind the base's conditions, which an append would share
		base = base.When(sys.Write.Fd.Ne(dsl.Int(n)))
	}
	base.Conds = slices.Grow(base.Conds, 8)
	a, b := base.When(sys.Write.Fd.Eq(dsl.Int(10))), base.When(sys.Write.Fd.Eq(dsl.Int(20)))
	if a.Conds[3].Values[0].Int != "10" || b.Conds[3].Values[0].Int != "20" {
		t.Errorf("the conditions are %v and %v", a.Conds[3], b.Conds[3])
	}
	conds := []dsl.Cond{sys.Write.Fd.Eq(dsl.Int(1))}
	all, any := dsl.All(conds...), dsl.Any(conds...)
	conds[0] = sys.Write.Fd.Eq(dsl.Int(9))
	if all.Conds[0].Values[0].Int != "1" || any.Conds[0].Values[0].Int != "1" {
		t.Error("All or Any holds the author's own slice")
	}
}

func TestOnNarrows(t *testing.T) {
	base := dsl.Allow.For(sys.Write).On(dsl.AMD64, dsl.ARM64)
	if a := base.On(dsl.ARM64, dsl.I386); !slices.Equal(a.Arches, []dsl.Arch{dsl.ARM64}) {
		t.Errorf("on %v", a.Arches)
	}
	if !slices.Equal(base.Arches, []dsl.Arch{dsl.AMD64, dsl.ARM64}) {
		t.Errorf("the base is on %v now", base.Arches)
	}
}
