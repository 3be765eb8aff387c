package exam

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseCache(t *testing.T) {
	got, err := ParseCache("x86_64 0 ALLOW\nx86_64 1 FILTER\nx86_64 2 ALLOW\nia32 0 FILTER\nia32 1 ALLOW\n")
	want := map[string]Kept{"x86_64": {3, []uint32{0, 2}}, "ia32": {2, []uint32{1}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := ParseCache(""); err != nil || len(got) != 0 { // of a process without a filter
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{
		"x86_64 0\n", "x86_64 0 ALLOW ALLOW\n", "x86_64 0 allow\n", "x86_64 zero ALLOW\n", "x86_64 1 ALLOW\n",
		"x86_64 0 ALLOW\nx86_64 0 ALLOW\n", "x86_64 0 ALLOW\nx86_64 2 ALLOW\n", "\n",
	} {
		if got, err := ParseCache(text); err == nil || !strings.Contains(err.Error(), "the line") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
