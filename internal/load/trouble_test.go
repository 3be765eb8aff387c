package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secgen-dev/secgen/dsl"
)

// header begins a policy package that uses dsl.
const header = `
-- policy/policy.go --
package policy

import "github.com/secgen-dev/secgen/dsl"

var Serve = dsl.Policy{Default: dsl.KillProcess}
`

// In want, DIR stands for the tree.
func TestTrouble(t *testing.T) {
	for _, test := range []struct {
		name    string
		archive string
		pattern string // "" is ./policy
		want    string // how the error begins
		end     string // how it ends
	}{
		{
			name: "it does not compile",
			archive: header + `
var Wrong dsl.Policy = 1
var Other = undefined
`,
			want: `example.com/m/policy does not build:
# example.com/m/policy
policy/policy.go:7:24: cannot use 1 (untyped int constant) as dsl.Policy value in variable declaration
policy/policy.go:8:13: undefined: undefined`,
		}, {
			name: "a file is not Go",
			archive: header + `
-- policy/wrong.go --
package policy

var = dsl
`,
			want: `example.com/m/policy does not build:
# example.com/m/policy
policy/wrong.go:3:5: syntax error: unexpected =, expected name`,
		}, {
			name: "no file is Go",
			archive: `
-- policy/policy.go --
package policy

func
`,
			want: `example.com/m/policy does not build:
# example.com/m/policy
policy/policy.go:4:1: syntax error: unexpected EOF, expected name or (`,
		}, {
			name: "an import is missing",
			archive: header + `
-- policy/more.go --
package policy

import "example.net/missing"

var _ = missing.It
`,
			want: `example.com/m/policy does not build:
policy/more.go:3:8: `,
		}, {
			name: "what it imports does not compile",
			archive: `
-- policy/policy.go --
package policy

import (
	"example.com/m/rules"
	"github.com/secgen-dev/secgen/dsl"
)

var Serve = dsl.Policy{Rules: rules.All}
-- rules/rules.go --
package rules

var All = dsl.Rule{}
`,
			want: `example.com/m/policy does not build:
# example.com/m/rules
rules/rules.go:3:11: undefined: dsl`,
		}, {
			name: "it panics",
			archive: header + `
func init() {
	println("so far so good")
	var m map[string]int
	m["a"] = 1
}
`,
			want: "example.com/m/policy panics while it is initialised at policy/policy.go:10: assignment to entry in nil map",
		}, {
			name: "what it calls panics",
			archive: `
-- policy/policy.go --
package policy

import (
	"example.com/m/rules"
	"github.com/secgen-dev/secgen/dsl"
)

var Serve = dsl.Policy{
	Rules: rules.All(),
}
-- rules/rules.go --
package rules

import (
	"errors"

	"github.com/secgen-dev/secgen/dsl"
)

func All() []dsl.Rule {
	panic(errors.New("two\nlines"))
}
`,
			want: "example.com/m/policy panics while it is initialised at rules/rules.go:10, called from policy/policy.go:9: two\n\tlines",
		}, {
			name: "it follows a nil pointer",
			archive: header + `
var nothing *dsl.Policy
var Other = nothing.Default
`,
			want: "example.com/m/policy panics while it is initialised at policy/policy.go:8: runtime error: invalid memory address or nil pointer dereference",
		}, {
			name: "it recurses without end",
			archive: `
-- policy/policy.go --
package policy

import (
	"runtime/debug"

	"github.com/secgen-dev/secgen/dsl"
)

var Serve = dsl.Policy{Default: dsl.KillProcess}

func init() {
	debug.SetMaxStack(1 << 20)
	recurse(0)
}

func recurse(n int) int {
	return recurse(n+1) + 1
}
`,
			want: "example.com/m/policy panics while it is initialised at policy/policy.go:17: stack overflow",
		}, {
			name: "it blocks for ever",
			archive: header + `
func init() {
	<-make(chan int)
}
`,
			want: "example.com/m/policy panics while it is initialised at policy/policy.go:8: all goroutines are asleep - deadlock!",
		}, {
			name:    "it exits with 0",
			archive: header + exits("os", "os.Exit(0)"),
			want: "example.com/m/policy ends the program while it is initialised (exit status 0, by os.Exit, log.Fatal or their like): " +
				"a policy package must only declare its policies",
		}, {
			name:    "it exits with the status of a panic",
			archive: header + exits("os", "os.Exit(2)"),
			want:    "example.com/m/policy ends the program while it is initialised (exit status 2, by os.Exit, ",
		}, {
			name:    "it logs and exits",
			archive: header + exits("log", `log.Fatal("enough")`),
			want:    "example.com/m/policy ends the program while it is initialised (exit status 1, by os.Exit, ",
		}, {
			name:    "it is package main",
			archive: strings.Replace(header, "package policy", "package main\n\nfunc main() {}", 1),
			want:    "example.com/m/policy is package main, which cannot be imported: move its policies to a package of their own, as in ./policy",
		}, {
			name:    "it is behind a tag",
			archive: strings.Replace(header, "package policy", "//go:build never\n\npackage policy", 1),
			want:    "example.com/m/policy: build constraints exclude all its Go files (policy.go) on this host, ",
		}, {
			name:    "it uses cgo",
			archive: strings.Replace(header, "package policy\n", "package policy\n\nimport \"C\"\n", 1),
			want:    "example.com/m/policy: build constraints exclude all its Go files (policy.go) on this host, ",
		}, {
			name:    "there is no such directory",
			archive: header,
			pattern: "./polcy",
			want:    "./polcy: no such policy package: stat DIR/polcy: directory not found",
		}, {
			name:    "there is no such import path",
			archive: header,
			pattern: "example.net/policy",
			want:    "example.net/policy: no such policy package: no required module provides package example.net/policy",
		}, {
			name:    "the directory lacks its dot",
			archive: header,
			pattern: "policy",
			want:    "policy: no such policy package: package policy is not in std (",
			end:     "\nfor the directory policy, write ./policy",
		}, {
			name:    "the directory has no Go files",
			archive: header + "-- empty/README --\n",
			pattern: "./empty",
			want:    "./empty: no such policy package: no Go files in DIR/empty",
		}, {
			name:    "there are but tests",
			archive: header + "-- tests/policy_test.go --" + onePolicy,
			pattern: "./tests",
			want:    "./tests: there are no Go files in it but tests",
		}, {
			name:    "a file is named",
			archive: header,
			pattern: "policy/policy.go",
			want:    "policy/policy.go: this names files: name the directory of the policy package, as in ./policy",
		}, {
			name:    "several packages match",
			archive: header + "-- a/a.go --\npackage a\n-- b/b.go --\npackage b\n-- c/c.go --\npackage c\n",
			pattern: "./...",
			want:    "./...: 4 packages match (example.com/m/a, example.com/m/b, example.com/m/c, …): name the one that holds the policies",
		}, {
			name:    "no package matches",
			archive: header,
			pattern: "./none/...",
			want:    "./none/...: no such policy package: pattern ./none/...: ",
		}, {
			name:    "the module file is wrong",
			archive: "-- go.mod --\nmodul example.com/m\n" + header,
			want:    "./policy: the go command cannot look for this package:\ngo: errors parsing go.mod:\ngo.mod:1: unknown directive: modul",
		}, {
			name:    "no variable is exported",
			archive: strings.Replace(header, "Serve", "serve", 1),
			want:    "example.com/m/policy: no policies: there is no exported package-level variable of type dsl.Policy or *dsl.Policy (github.com/secgen-dev/secgen/dsl) in it: declare one, ",
		}, {
			name:    "the exported variables are something else",
			archive: header[:strings.Index(header, "var")] + "var Rules []dsl.Rule\n",
			want:    "example.com/m/policy: no policies: there is no exported package-level variable of type dsl.Policy ",
		}, {
			name:    "a policy is nil",
			archive: header + "\nvar Unset *dsl.Policy\n",
			want:    "policy/policy.go:7: Unset is a nil *dsl.Policy: give it a policy where it is declared, or do not export it",
		}, {
			name:    "it does not use dsl",
			archive: "-- policy/policy.go --\npackage policy\n\nvar Serve = 1\n",
			want:    "example.com/m/policy: no policies: ",
		}, {
			name: "its module does not require secgen",
			archive: `
-- go.mod --
module example.com/m

go 1.26.0
-- policy/policy.go --
package policy

var Serve = 1
`,
			end: "unexported ones, local ones and those of other packages are not taken (it does not import dsl at all)",
		}, {
			name: "its module uses secgen and does not require it",
			archive: `
-- go.mod --
module zz.example/m

go 1.26.0
` + header,
			want: "zz.example/m/policy does not build:\npolicy/policy.go:3:8: no required module provides package github.com/secgen-dev/secgen/dsl; to add it:\n\tgo get ",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			archives := []string{goMod, test.archive}
			if strings.Contains(test.archive, "-- go.mod --") {
				archives = archives[1:]
			}
			dir := tree(t, archives...)
			pattern := test.pattern
			if pattern == "" {
				pattern = "./policy"
			}
			_, _, err := load(t, t.Context(), dir, pattern)
			if err == nil {
				t.Fatal("it loads")
			}
			got := strings.ReplaceAll(err.Error(), dir, "DIR")
			if !strings.HasPrefix(got, test.want) || !strings.HasSuffix(got, test.end) {
				t.Errorf("error is\n%s\nwant\n%s … %s", got, test.want, test.end)
			}
			if strings.Contains(got, mainDir) {
				t.Errorf("the error speaks of a file that the author does not have:\n%s", got)
			}
		})
	}
}

// exits is a file that imports pkg and calls call when it is initialised.
func exits(pkg, call string) string {
	return fmt.Sprintf("-- policy/exits.go --\npackage policy\n\nimport %q\n\nfunc init() { %s }\n", pkg, call)
}

func TestWhatWasPrintedBeforeAPanicIsPassedOn(t *testing.T) {
	dir := tree(t, goMod, header+"\nfunc init() {\n\tprintln(`panic: no`)\n\tpanic(`yes`)\n}\n")
	_, stderr, err := load(t, t.Context(), dir, "./policy")
	if want := "example.com/m/policy panics while it is initialised at policy/policy.go:9: yes"; err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
	if want := "secgen: example.com/m/policy prints while it is initialised:\npanic: no\n"; stderr != want {
		t.Errorf("stderr has\n%swant\n%s", stderr, want)
	}
}

// The dsl of another secgen may write another format, or not know Dump, or
// know another one.
func TestTheDSLIsOfAnotherVersion(t *testing.T) {
	for name, change := range map[string][2]string{
		"another format":      {"const format = 1", "const format = 99"},
		"no Dump":             {"Dump", "Spill"},
		"another Dump":        {"func Dump(w io.Writer, names", "func Dump(w io.Writer, more int, names"},
		"a Dump of no result": {"vars []any) error {", "vars []any) {\n\tpanic(1)\n}\n\nfunc spill(w io.Writer, names []string, vars []any) error {"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, strings.ReplaceAll(goMod, "SECGEN", "./secgen"), header+`
-- secgen/go.mod --
module github.com/secgen-dev/secgen

go 1.26.0
`)
			copyDSL(t, filepath.Join(dir, "secgen"), change[0], change[1])
			_, _, err := load(t, t.Context(), dir, "./policy")
			if err == nil || !strings.HasPrefix(err.Error(), "example.com/m/policy: ") || !strings.Contains(err.Error(), dsl.SameVersion) {
				t.Errorf("error is %v", err)
			}
			if format := (*dsl.FormatError)(nil); errors.As(err, &format) != (name == "another format") {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

func TestWithoutTheGoCommand(t *testing.T) {
	dir := tree(t, goMod, header)
	t.Setenv("PATH", t.TempDir())
	if _, _, err := load(t, t.Context(), dir, "./policy"); err == nil || !strings.Contains(err.Error(), "install Go and have it on PATH") {
		t.Errorf("error is %v", err)
	}
}

func TestAProgramDiesOfASignal(t *testing.T) {
	dir := tree(t, goMod, header+`
-- policy/dies.go --
//go:build unix

package policy

import (
	"os"
	"syscall"
)

func init() {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
`)
	_, _, err := load(t, t.Context(), dir, "./policy")
	if want := "example.com/m/policy: the program that initialises it was ended by a signal: killed"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// A package that does not end, with a child, is ended by the context, and so
// is a build.
func TestLoadingEndsWithItsContext(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("whether a process lives is read in /proc, which this system lacks")
	}
	marks := filepath.Join(t.TempDir(), "marks")
	dir := tree(t, goMod, `
-- policy/policy.go --
package policy

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/secgen-dev/secgen/dsl"
)

var Serve = dsl.Policy{Default: dsl.KillProcess}

func init() {
	child := exec.Command("sleep", "1000")
	child.Stdout = os.Stdout
	if err := child.Start(); err != nil {
		panic(err)
	}
	os.WriteFile(os.Getenv("MARKS"), fmt.Appendln(nil, os.Getpid(), child.Process.Pid), 0o600)
	child.Wait()
}
-- tool.sh --
#!/bin/sh
sleep 1000 &
echo $$ $! >"$MARKS"
wait
`)
	tool := filepath.Join(dir, "tool.sh")
	if err := os.Chmod(tool, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ flags, want string }{
		"while the package is initialised": {"", "example.com/m/policy: stopped while it was being initialised: context canceled"},
		"while it is built":                {"-toolexec=" + tool, "example.com/m/policy: stopped while it was being built: context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			os.Remove(marks)
			t.Setenv("MARKS", marks)
			t.Setenv("GOFLAGS", test.flags)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var pids [2]int
			go func() {
				defer cancel()
				for ctx.Err() == nil {
					if text, err := os.ReadFile(marks); err == nil && strings.HasSuffix(string(text), "\n") {
						fmt.Sscan(string(text), &pids[0], &pids[1])
						return
					}
					time.Sleep(time.Millisecond)
				}
			}()
			_, _, err := load(t, ctx, dir, "./policy")
			<-ctx.Done()
			if err == nil || err.Error() != test.want || !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v, want %s", err, test.want)
			}
			for _, pid := range pids {
				if pid == 0 {
					t.Fatal("what was to be stopped did not start")
				}
				for end := time.Now().Add(5 * time.Second); lives(pid); time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("process %d still runs", pid)
					}
				}
			}
		})
	}
}

// lives says whether a process is there and more than a zombie (proc_pid_stat(5)).
func lives(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}
