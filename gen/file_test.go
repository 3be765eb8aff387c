package gen_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
)

func TestFilesThatAreRefused(t *testing.T) {
	good := policy(dsl.Allow.For(sys.Read))
	x32 := on(policy(dsl.Allow.For(sys.Read)), dsl.X32)
	for name, c := range map[string]struct {
		pkg      string
		policies []dsl.Named
		want     string
	}{
		"no policy":       {"p", nil, "there is no policy"},
		"one name twice":  {"p", []dsl.Named{{Name: "A", Policy: &good}, {Name: "A", Policy: &good}}, "two policies are called A"},
		"unexported":      {"p", []dsl.Named{{Name: "a", Policy: &good}}, "must be an exported Go identifier"},
		"no port of Go":   {"p", []dsl.Named{{Name: "A", Policy: &x32}}, "Go programs are built for none of x32"},
		"no package name": {"a b", []dsl.Named{{Name: "A", Policy: &good}}, "no name of a package"},
		"a nil policy":    {"p", []dsl.Named{{Name: "A"}}, "the pointer is nil"},
	} {
		if text, err := gen.File(gen.FileOptions{Package: c.pkg}, c.policies...); err == nil || !strings.Contains(err.Error(), c.want) || text != nil {
			t.Errorf("%s: %v, and %d bytes", name, err, len(text))
		}
	}
}

func TestNamesNeedNotBeASCII(t *testing.T) {
	good := policy(dsl.Allow.For(sys.Read))
	if _, err := gen.File(gen.FileOptions{Package: "p"}, dsl.Named{Name: "Ärger", Policy: &good}); err != nil {
		t.Error(err)
	}
}

// Whatever goes wrong, no file is left half-written or beside its place, and
// what was there stays.
func TestWriteLeavesNothingBehind(t *testing.T) {
	good := dsl.Named{Name: "A", Policy: &dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess}}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	file := filepath.Join(dir, "filter_linux.go")
	target := gen.Target{File: file, Package: "p"}
	if err := target.Write(canceled, good); err == nil {
		t.Error("written although the context had ended")
	}
	target.Other = filepath.Join(dir, "missing", "filter_other.go")
	if err := target.Write(t.Context(), good); err == nil {
		t.Error("written although the second file has no directory")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	target.Other = ""
	if err := target.Write(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	good.Policy.Default = dsl.Allow
	if err := target.Write(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is not kept: %v %v", info, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}
