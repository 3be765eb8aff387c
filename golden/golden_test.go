// Package golden holds policies that each show one thing, beside the files that
// secgen makes of them.
package golden

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/load"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestFilesAreAsGenerated(t *testing.T) {
	policies, err := filepath.Glob("*/policy")
	if err != nil || len(policies) < 12 {
		t.Fatalf("found %d policies: %v", len(policies), err)
	}
	for _, dir := range policies {
		name := filepath.Dir(dir)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pkg, err := load.Policies(context.Background(), load.Options{Stderr: os.Stderr}, "./"+filepath.ToSlash(dir))
			if err != nil {
				t.Fatal(err)
			}
			target := gen.Target{File: filepath.Join(name, "filter_linux.go"), Package: name, From: pkg.ImportPath}
			if *update {
				if err := target.Write(t.Context(), pkg.Policies...); err != nil {
					t.Fatal(err)
				}
			}
			diff, err := target.Stale(pkg.Policies...)
			if err != nil {
				t.Fatal(err)
			}
			if len(diff) > 0 {
				t.Errorf("the file is not what secgen makes of the policy now (go test ./golden -update rewrites it):\n%s", diff)
			}
		})
	}
}
