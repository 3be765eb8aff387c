package load

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// goMod is a module file that takes secgen from the tree under test.
const goMod = `
-- go.mod --
module example.com/m

go 1.26.0

require github.com/secgen-dev/secgen v0.0.0

replace github.com/secgen-dev/secgen => SECGEN
`

// tree writes a txtar archive to a new directory and makes the environment that
// of a user who has set nothing and has no network. SECGEN in the archive
// stands for the root of this repository.
func tree(t testing.TB, archives ...string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse([]byte(strings.ReplaceAll(strings.Join(archives, "\n"), "SECGEN", root))).Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, unset := range []string{"GOFLAGS", "GOWORK", "GOOS", "GOARCH", "CGO_ENABLED", "GOTMPDIR", "GOROOT"} {
		t.Setenv(unset, "")
	}
	t.Setenv("GOENV", "off")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOTOOLCHAIN", "local")
	t.Setenv("TMPDIR", t.TempDir())
	return dir
}

// load calls Policies and checks that nothing is left behind, neither in the
// tree nor in the directory for temporary files.
func load(t testing.TB, ctx context.Context, dir, pattern string) (p *Package, stderr string, err error) {
	t.Helper()
	root, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := listing(t, root)
	var said bytes.Buffer
	p, err = Policies(ctx, Options{Dir: dir, Stderr: &said}, pattern)
	if after := listing(t, root); after != before {
		t.Errorf("loading changed the tree:\n%s\nwas\n%s", after, before)
	}
	if left := listing(t, os.Getenv("TMPDIR")); strings.Count(left, "\n") != 1 {
		t.Errorf("loading left files behind:\n%s", left)
	}
	return p, said.String(), err
}

// listing has a line for each file and directory, with the time of its last
// change, which for a directory is when a name in it came or went.
func listing(t testing.TB, dir string) string {
	t.Helper()
	var lines strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&lines, path, info.Mode(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines.String()
}

// loaded loads a package that must load without a word and checks its policies' names.
func loaded(t testing.TB, dir, pattern string, want ...string) *Package {
	t.Helper()
	p, stderr, err := load(t, t.Context(), dir, pattern)
	if err != nil {
		t.Fatal(err)
	}
	if stderr != "" {
		t.Errorf("stderr has %q", stderr)
	}
	var names []string
	for _, n := range p.Policies {
		names = append(names, n.Name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("policies are %q, want %q", names, want)
	}
	return p
}

// onePolicy is the smallest policy package.
const onePolicy = `
package policy

import "github.com/secgen-dev/secgen/dsl"

var Serve = dsl.Policy{Default: dsl.KillProcess}
`

func TestThePoliciesOfAPackageAreItsExportedVariables(t *testing.T) {
	dir := tree(t, goMod, `
-- policy/a.go --
// Package policy has every way to declare one.
package policy

import "github.com/secgen-dev/secgen/dsl"

// Serve serves.
//
// It may read.
var Serve = dsl.Policy{
	Default: dsl.KillProcess,
	After:   &start,
	Rules: []dsl.Rule{
		dsl.Allow.For(dsl.Syscall("read")),
		ends(),
	},
}

var start = dsl.Policy{Default: dsl.Log}

func ends() dsl.Rule {
	return dsl.Allow.For(dsl.Syscall("exit_group"))
}

// Not documentation of any of them.
var (
	// Built is built.
	Built = build(dsl.KillThread)
	One, Two = build(dsl.Log), build(dsl.Allow) // Not this either.
)

func build(a dsl.Action) dsl.Policy {
	Local := dsl.Policy{Default: a}
	return Local
}

const Constant = 1

var Other, another, Function = 1, Built, build
var Slice = []dsl.Policy{Built}
var Any any = Built
var _ = Built

-- policy/B.go --
package policy

import language "github.com/secgen-dev/secgen/dsl"

type Alias = language.Policy
type Different language.Policy

var (
	Pointer  = &Alias{Default: language.Notify, After: &Serve}
	NoPolicy Different
	Declared language.Policy
)

func init() { Declared.Default = language.Trap(7) }
-- policy/a_test.go --
package policy

var Tested = Built
`)
	p := loaded(t, dir, "./policy", "Pointer", "Declared", "Serve", "Built", "One", "Two")
	if p.ImportPath != "example.com/m/policy" || p.Name != "policy" || p.Dir != filepath.Join(dir, "policy") {
		t.Errorf("package is %+v", p)
	}
	if t.Failed() {
		return
	}
	var declared strings.Builder
	for _, n := range p.Policies {
		fmt.Fprintf(&declared, "%s:%d %s %v %q\n", filepath.Base(n.Made.File), n.Made.Line, n.Name, n.Policy.Default, n.Doc)
	}
	want := `B.go:9 Pointer {notify  0} ""
B.go:11 Declared {trap  7} ""
a.go:9 Serve {kill process  0} "Serve serves.\n\nIt may read.\n"
a.go:27 Built {kill thread  0} "Built is built.\n"
a.go:28 One {log  0} ""
a.go:28 Two {allow  0} ""
`
	if declared.String() != want {
		t.Errorf("declared are\n%swant\n%s", declared.String(), want)
	}
	pointer, serve := p.Policies[0].Policy, p.Policies[2].Policy
	if pointer.After != serve || serve.After == nil || serve.After.Default.Kind != "log" {
		t.Error("After does not point to the policies it pointed to")
	}
	a := filepath.Join(dir, "policy", "a.go")
	if got, want := fmt.Sprint(serve.Rules[1].Made), fmt.Sprintf("[{%s 21} {%s 14}]", a, a); got != want {
		t.Errorf("the second rule was made at %s, want %s", got, want)
	}
	if p.Policies[2].Made.File != a {
		t.Errorf("Serve was declared in %s, want %s", p.Policies[2].Made.File, a)
	}
}

func TestPackagesAreFoundAsTheGoCommandFindsThem(t *testing.T) {
	dir := tree(t, goMod, `
-- internal/policy/policy.go --`+onePolicy+`
-- testdata/policy.go --`+onePolicy+`
-- internal/deep/deep.go --
package deep

import "example.com/m/internal/policy"

// Serve comes from a package that imports dsl, this one does not.
var Serve = policy.Serve
-- policy.go --`+onePolicy)
	for _, test := range []struct{ dir, pattern, path string }{
		{".", "./internal/policy", "example.com/m/internal/policy"},
		{".", "./internal/deep", "example.com/m/internal/deep"},
		{".", "example.com/m/internal/policy", "example.com/m/internal/policy"},
		{".", ".", "example.com/m"},
		{".", "./testdata", "example.com/m/testdata"},
		{"internal/policy", ".", "example.com/m/internal/policy"},
		{"internal/policy", "../deep", "example.com/m/internal/deep"},
		{".", filepath.Join(dir, "internal", "policy"), "example.com/m/internal/policy"},
	} {
		t.Run(test.pattern+" from "+test.dir, func(t *testing.T) {
			if p := loaded(t, filepath.Join(dir, test.dir), test.pattern, "Serve"); p.ImportPath != test.path {
				t.Errorf("import path is %s, want %s", p.ImportPath, test.path)
			}
		})
	}
	t.Run("no directory given", func(t *testing.T) {
		t.Chdir(filepath.Join(dir, "internal", "policy"))
		loaded(t, "", ".", "Serve")
	})
}

func TestWorkspaces(t *testing.T) {
	dir := tree(t, `
-- go.work --
go 1.26.0

use (
	./a
	./b
)

replace github.com/secgen-dev/secgen => SECGEN
-- a/go.mod --
module example.com/a

go 1.26.0

require github.com/secgen-dev/secgen v0.0.0
-- a/internal/policy/policy.go --
package policy

import "example.com/b"

var Serve = b.Serve
-- b/go.mod --
module example.com/b

go 1.26.0

require github.com/secgen-dev/secgen v0.0.0
-- b/b.go --`+strings.Replace(onePolicy, "package policy", "package b", 1))
	loaded(t, filepath.Join(dir, "a"), "./internal/policy", "Serve")
	loaded(t, filepath.Join(dir, "a"), "example.com/b", "Serve")
	loaded(t, dir, "./b", "Serve")
}

func TestVendoredModules(t *testing.T) {
	dir := tree(t, goMod, `
-- policy/policy.go --`+onePolicy)
	goCommand(t, dir, "mod", "vendor")
	if err := os.Rename(filepath.Join(dir, "vendor", "github.com", "secgen-dev", "secgen", "dsl"), filepath.Join(dir, "dsl")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-mod=vendor")
	if _, _, err := load(t, t.Context(), dir, "./policy"); err == nil {
		t.Fatal("without the vendored dsl, the package loads: this test does not test vendoring")
	}
	if err := os.Rename(filepath.Join(dir, "dsl"), filepath.Join(dir, "vendor", "github.com", "secgen-dev", "secgen", "dsl")); err != nil {
		t.Fatal(err)
	}
	loaded(t, dir, "./policy", "Serve")
}

// As a user has it: dsl and a library of policies come from a module proxy
// and lie in the module cache, into which no overlay may reach.
func TestModulesFromAProxy(t *testing.T) {
	const secgen = "github.com/secgen-dev/secgen@v1.0.0"
	dir := tree(t, `
-- m/go.mod --
module example.com/m

go 1.26.0

require (
	example.com/lib v1.0.0
	github.com/secgen-dev/secgen v1.0.0
)
-- m/policy/policy.go --
package policy

import "example.com/lib/policy"

var Serve = &policy.Serve
-- lib/go.mod --
module example.com/lib

go 1.26.0

require github.com/secgen-dev/secgen v1.0.0
-- lib/policy/policy.go --`+onePolicy+`
-- secgen/go.mod --
module github.com/secgen-dev/secgen

go 1.26.0
`)
	copyDSL(t, filepath.Join(dir, "secgen"), "", "")
	proxy := t.TempDir()
	publish(t, proxy, filepath.Join(dir, "secgen"), "github.com/secgen-dev/secgen", "v1.0.0")
	publish(t, proxy, filepath.Join(dir, "lib"), "example.com/lib", "v1.0.0")
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(proxy))
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw")
	m := filepath.Join(dir, "m")
	goCommand(t, m, "mod", "tidy")
	t.Setenv("GOPROXY", "off")

	p := loaded(t, m, "./policy", "Serve")
	if p.Policies[0].Policy.Default.Kind != "kill process" {
		t.Errorf("Serve is %+v", p.Policies[0].Policy)
	}
	p = loaded(t, m, "example.com/lib/policy", "Serve")
	if want := filepath.Join(os.Getenv("GOMODCACHE"), "example.com", "lib@v1.0.0", "policy"); p.Dir != want {
		t.Errorf("the library lies in %s, want %s", p.Dir, want)
	}
	if _, err := os.Stat(filepath.Join(os.Getenv("GOMODCACHE"), filepath.FromSlash(secgen))); err != nil {
		t.Error(err)
	}
}

// The policy's file has the tag x, so that GOFLAGS must reach the build, and
// tells whether the race detector and its like did.
func TestFlagsFromTheEnvironment(t *testing.T) {
	dir := tree(t, goMod, `
-- policy/policy.go --
//go:build x && !race && !msan && !asan && !cgo

package policy

import "github.com/secgen-dev/secgen/dsl"

var Version string

var Serve = dsl.Policy{Rules: []dsl.Rule{dsl.Allow.For(dsl.Syscall("read"))}}

func init() {
	if Version != "" {
		Serve.Default = dsl.KillProcess
	}
}
`)
	settings := filepath.Join(t.TempDir(), "env")
	for _, flags := range []string{
		"-race", "-msan", "-asan", "-cover", "-race -covermode=atomic -coverpkg=./...", "-trimpath",
		"-mod=mod", "-buildmode=pie -trimpath -mod=readonly -modcacherw -ldflags=-linkmode=external", // as distributions' packagers have it
		"-buildmode=c-shared", "'-gcflags=-N -l'", "-v -x",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Setenv("GOFLAGS", flags+" -tags=x")
			p := loaded(t, dir, "./policy", "Serve")
			if made, want := p.Policies[0].Policy.Rules[0].Made[0].File, filepath.Join(dir, "policy", "policy.go"); made != want {
				t.Errorf("the rule was made in %s, want %s", made, want)
			}
		})
	}
	t.Run("linker flags are kept", func(t *testing.T) {
		t.Setenv("GOFLAGS", "-tags=x '-ldflags=-linkmode=external -X example.com/m/policy.Version=1'")
		if p := loaded(t, dir, "./policy", "Serve"); p.Policies[0].Policy.Default.Kind != "kill process" {
			t.Error("Version is not set")
		}
	})
	t.Run("from go env -w", func(t *testing.T) {
		t.Setenv("GOENV", settings)
		goCommand(t, dir, "env", "-w", "GOFLAGS=-tags=x -race")
		loaded(t, dir, "./policy", "Serve")
	})
	t.Run("cross build", func(t *testing.T) {
		t.Setenv("GOFLAGS", "-tags=x")
		t.Setenv("GOOS", "plan9")
		t.Setenv("GOARCH", "arm")
		t.Setenv("CGO_ENABLED", "1")
		loaded(t, dir, "./policy", "Serve")
	})
}

func TestTheLevelOfTheArchitectureIsTheHosts(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the test knows only amd64's levels")
	}
	dir := tree(t, goMod, `
-- policy/policy.go --`+onePolicy+`
-- policy/v4.go --
//go:build amd64.v4

package policy

var Level4 = Serve
`)
	t.Setenv("GOAMD64", "v4")
	if slices.Contains(hostEnv(), "GOAMD64=v4") {
		t.Skip("this test was built with GOAMD64=v4 itself")
	}
	p, stderr, err := load(t, t.Context(), dir, "./policy")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Policies) != 1 || !strings.Contains(stderr, "v4.go is left out here") {
		t.Errorf("%d policies; stderr has %q", len(p.Policies), stderr)
	}
}

func TestAUsersOverlayIsMerged(t *testing.T) {
	dir := tree(t, goMod, `
-- policy/policy.go --`+onePolicy+`
-- policy/gone.go --
package policy

var Gone = Serve
-- other/serve.txt --
package policy

import "github.com/secgen-dev/secgen/dsl"

// Serve is replaced.
var Serve = dsl.Policy{Default: dsl.Log}
-- other/more.txt --
package policy

var More = Serve
-- overlay.json --
{"Replace": {"policy/policy.go": "other/serve.txt", "policy/more.go": "other/more.txt", "policy/gone.go": ""}}
`)
	for name, flags := range map[string]string{
		"relative":         "-overlay=overlay.json",
		"absolute, quoted": fmt.Sprintf("-mod=mod '--overlay=%s'", filepath.Join(dir, "overlay.json")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOFLAGS", flags)
			p := loaded(t, dir, "./policy", "More", "Serve")
			if serve := p.Policies[1]; serve.Doc != "Serve is replaced.\n" || serve.Policy.Default.Kind != "log" {
				t.Errorf("Serve is %+v", serve)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		t.Setenv("GOFLAGS", "-overlay=none.json")
		if _, _, err := load(t, t.Context(), dir, "./policy"); err == nil || !strings.Contains(err.Error(), "none.json") {
			t.Errorf("error is %v", err)
		}
	})
}

func TestThePackageRunsInItsDirectoryWithoutInput(t *testing.T) {
	dir := tree(t, goMod, `
-- policy/action.txt --
trap
-- policy/policy.go --
package policy

import (
	"io"
	"os"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
)

var Serve dsl.Policy

func init() {
	text, err := os.ReadFile("action.txt")
	if err != nil {
		panic(err)
	}
	if input, err := io.ReadAll(os.Stdin); err != nil || len(input) > 0 {
		panic("there is input")
	}
	Serve.Default.Kind = dsl.Kind(strings.TrimSpace(string(text)))
}
`)
	if p := loaded(t, dir, "./policy", "Serve"); p.Policies[0].Policy.Default.Kind != "trap" {
		t.Errorf("Serve is %+v", p.Policies[0].Policy)
	}
}

func TestWhatThePackagePrintsIsPassedOn(t *testing.T) {
	dir := tree(t, goMod, `
-- policy/policy.go --
package policy

import (
	"fmt"
	"os"

	"github.com/secgen-dev/secgen/dsl"
)

var Serve = dsl.Policy{Default: dsl.KillProcess}

func init() {
	fmt.Println("panic: not at all")
	fmt.Fprint(os.Stderr, "goroutine 1\n")
	println("debugging")
}
`)
	p, stderr, err := load(t, t.Context(), dir, "./policy")
	if err != nil || len(p.Policies) != 1 {
		t.Fatalf("got %+v, error %v", p, err)
	}
	want := "secgen: example.com/m/policy prints while it is initialised:\npanic: not at all\ngoroutine 1\ndebugging\n"
	if stderr != want {
		t.Errorf("stderr has\n%swant\n%s", stderr, want)
	}
}

// goCommand runs the go command for a test's own preparations.
func goCommand(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// BenchmarkPolicies is the time a user waits: everything is in the build cache
// but the link.
func BenchmarkPolicies(b *testing.B) {
	dir := tree(b, goMod, `
-- policy/policy.go --`+onePolicy)
	loaded(b, dir, "./policy", "Serve")
	for b.Loop() {
		if _, err := Policies(b.Context(), Options{Dir: dir}, "./policy"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestFilesThatConstraintsLeaveOutAreNamed(t *testing.T) {
	dir := tree(t, goMod, `
-- policy/a.go --
package policy

import "github.com/secgen-dev/secgen/dsl"

var A = dsl.Policy{}
-- policy/b_plan9.go --
package policy

import "github.com/secgen-dev/secgen/dsl"

var B = dsl.Policy{}
-- policy/gen.go --
//go:build ignore

package main
`)
	_, stderr, err := load(t, t.Context(), dir, "./policy")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stderr, "b_plan9.go is left out here") || strings.Contains(stderr, "gen.go") {
		t.Errorf("stderr has %q", stderr)
	}
}
