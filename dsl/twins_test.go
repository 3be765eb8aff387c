package dsl_test

import (
	"slices"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
)

func TestTwinsNamesEveryFormOnce(t *testing.T) {
	set := dsl.Calls{sys.Read, sys.Futex}
	rule := dsl.Allow.For(dsl.Twins(set, sys.Fadvise64, sys.FutexTime64, dsl.Number(7), nil))
	var names []string
	for _, t := range rule.Calls {
		names = append(names, t.Name+t.Number)
	}
	if want := []string{"read", "futex", "futex_time64", "fadvise64", "fadvise64_64", "arm_fadvise64_64", "7", ""}; !slices.Equal(names, want) {
		t.Errorf("got %q, wanted %q", names, want)
	}
}
