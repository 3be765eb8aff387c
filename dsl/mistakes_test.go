package dsl_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// Each line is a mistake that the types of the language catch; the comment is
// what the compiler has to say.
const mistakes = `package mistakes

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

var _ = dsl.Allow.For(sys.Opennat)                                          // undefined: sys.Opennat
var _ = dsl.Allow.For("openat")                                             // does not implement dsl.Call
var _ = dsl.Allow.For(257)                                                  // does not implement dsl.Call
var _ = sys.Write.Fd.Eq(1)                                                  // does not implement dsl.Value
var _ = sys.Write.Fd.Eq("Stdout")                                           // does not implement dsl.Value
var _ = sys.Open.Flags.Has(linux.O_CREAT | linux.O_TRUNC)                   // operator | not defined
var _ = sys.Open.Pathname.Eq(linux.PROT_EXEC)                               // no field or method Eq
var _ = sys.Write.Fd.IsNull()                                               // no field or method IsNull
var _ = sys.Write.Path                                                      // no field or method Path
var _ = dsl.Errno(linux.PROT_EXEC)                                          // as dsl.ErrnoName value
var _ = dsl.Errno(38)                                                       // as dsl.ErrnoName value
var _ = dsl.Int(1.5)                                                        // float64 does not satisfy
var _ = dsl.Allow.For(sys.Write).When(true)                                 // as dsl.Cond value
var _ = dsl.Policy{Default: "allow"}                                        // as dsl.Action value
`

func TestMistakesThatDoNotCompile(t *testing.T) {
	file, err := filepath.Abs("mistakes/mistakes.go")
	if err != nil {
		t.Fatal(err)
	}
	pkgs, err := packages.Load(&packages.Config{
		Mode:    packages.NeedName | packages.NeedTypes | packages.NeedSyntax | packages.NeedImports | packages.NeedDeps,
		Overlay: map[string][]byte{file: []byte(mistakes)},
	}, "./mistakes")
	if err != nil || len(pkgs) != 1 {
		t.Fatal(pkgs, err)
	}
	said := map[string]string{}
	for _, e := range pkgs[0].Errors {
		line := regexp.MustCompile(`:(\d+):\d+$`).FindStringSubmatch(e.Pos)
		if line == nil {
			t.Fatal(e)
		}
		said[line[1]] += e.Msg
	}
	for i, line := range strings.Split(mistakes, "\n") {
		_, want, ok := strings.Cut(line, "// ")
		if got := said[fmt.Sprint(i+1)]; ok && !strings.Contains(got, want) {
			t.Errorf("%s\n\tthe compiler says %q", line, got)
		}
	}
}
