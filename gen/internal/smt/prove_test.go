package smt_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/smt"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/internal/load"
	"github.com/secgen-dev/secgen/internal/prove"
)

const root = "../../../"

type named struct {
	gen.Filter
	name string
}

// filters are those of every golden policy and of the example's.
var filters = sync.OnceValues(func() (list []named, err error) {
	dirs, err := filepath.Glob(root + "golden/*/policy")
	if err != nil || len(dirs) < 12 {
		return nil, fmt.Errorf("found %d policies: %w", len(dirs), err)
	}
	dirs = append(dirs, root+"example/memcached/policy", root+"example/memcached/goserver/policy")
	for _, dir := range dirs {
		dir = filepath.ToSlash(dir)
		pkg, err := load.Policies(context.Background(), load.Options{Stderr: os.Stderr}, dir)
		if err != nil {
			return nil, err
		}
		for _, p := range pkg.Policies {
			fs, err := gen.Compile(p)
			if err != nil {
				return nil, err
			}
			for _, f := range fs {
				name := fmt.Sprintf("%s:%s %v", strings.TrimSuffix(strings.TrimPrefix(dir, root), "/policy"), p.Name, f.Arches)
				list = append(list, named{f, name})
			}
		}
	}
	return list, nil
})

func needZ3(t *testing.T) {
	t.Helper()
	if !prove.Found() {
		t.Skip("there is no z3 here: install it (Debian's package is z3) to have filters proved by it too")
	}
}

func problem(t *testing.T, f gen.Filter) []byte {
	t.Helper()
	text, err := f.SMT()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestZ3FindsNoCallOnWhichAFilterAndItsPolicyDiffer(t *testing.T) {
	needZ3(t)
	list, err := filters()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var total time.Duration
	for _, f := range list {
		text := problem(t, f.Filter)
		start := time.Now()
		verdicts, err := prove.Verdicts(t.Context(), text)
		took := time.Since(start)
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		if verdicts[0] != prove.Unsat {
			t.Errorf("%s: z3 answers %s", f.name, verdicts[0])
		}
		total += took
		fmt.Fprintf(&b, "%-48s %5d instructions %8s %6d ms\n", f.name, len(f.Program), verdicts[0], took.Milliseconds())
	}
	t.Logf("%d filters in %v\n%s", len(list), total.Round(time.Millisecond), b.String())
}

// A return that refuses is made to allow in every program: z3 must name a call
// that gets through, and it does get through.
func TestZ3NamesACallThatASabotagedFilterLetsThrough(t *testing.T) {
	needZ3(t)
	const allow = 0x7fff0000
	list, err := filters()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range list {
		good := f.Program
		at := slices.IndexFunc(good, func(r bpf.RawInstruction) bool {
			return r.Op == kernel.Return && r.K != allow
		})
		f.Program = slices.Clone(good)
		f.Program[at].K = allow
		words := smt.Words(abi.Lookup(string(f.Arches[0])))
		values, err := prove.Solution(t.Context(), problem(t, f.Filter), words[:]...)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		var call [16]uint32
		for j, w := range words {
			call[j] = values[w]
		}
		want, _ := kernel.Run(good, call)
		got, _ := kernel.Run(f.Program, call)
		if got != allow || want == allow {
			t.Errorf("%s: z3 names %x, for which the sabotaged program answers %#x and the good one %#x", f.name, call, got, want)
			continue
		}
		found++
		t.Logf("%s: instruction %d allows: arch %#x, number %d, arguments %x: %#x instead of %#x", f.name, at, call[table.Arch], call[table.Nr], call[4:], got, want)
	}
	if found < 12 {
		t.Errorf("only %d programs were sabotaged", found)
	}
}
