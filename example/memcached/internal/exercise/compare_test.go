//go:build linux

package exercise_test

import (
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
)

func TestDifferencesAreFound(t *testing.T) {
	need(t, "memcached")
	for _, test := range []struct {
		name       string
		other      []string
		step, want string
	}{
		{"nothing", []string{"memcached"}, "", ""},
		{"a reply", []string{"memcached", "-f", "1.5"},
			"text errors", `"STAT growth_factor 1.50"; without a filter: "stats settings" answered "STAT growth_factor 1.25"`},
		{"a step", []string{"memcached", "-F"}, "text errors", `got "CLIENT_ERROR flush_all not allowed"`},
		{"the end", []string{"sh", "-c", `"$@" & sleep 0.5; kill -KILL $!; wait $!`, "sh", "memcached"},
			"alive", "the server has ended (exit status 137)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			differ := map[string]string{}
			for _, setup := range exercise.Setups() {
				if setup.Name != "unix socket" {
					continue
				}
				none := func(s *exercise.Server) error { return s.Filtered(0) }
				if err := setup.Compare(t.Context(), []string{"memcached"}, test.other, none, func(o exercise.Outcome) {
					if o.Difference != "" {
						differ[o.Step] = o.Difference
					}
				}); err != nil {
					t.Error(err)
				}
			}
			if test.want == "" && len(differ) > 0 || !strings.Contains(differ[test.step], test.want) {
				t.Errorf("no %q for %q: %q", test.want, test.step, differ)
			}
		})
	}
}
