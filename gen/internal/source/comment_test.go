package source

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
)

// No text that is said about rules is more than a comment.
func FuzzTextsAreComments(f *testing.F) {
	for _, text := range []string{
		"x\n\n\ty\nfunc init() { println(1) }\n\nz", "a\r\nvar x int", "a\rvar x int", "*/ var x int /*", "\u2028var x int\ufeff", "\xff\x00\x1b[2J",
		"+build ignore", "//go:build ignore", "\n//go:build ignore", "go:build ignore", "line x.go:1", "\n\t// +build ignore\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules := func() []Rule {
			r := Rule{Rule: dsl.Rule{Action: dsl.Allow, Calls: []dsl.Target{{Name: "read"}, {Name: "write"}}}}
			r.Comments, r.Remark, r.Remarks = []string{text, "x" + text}, text, []string{text, text}
			return []Rule{r}
		}
		policy := Policy{Name: "Policy", Doc: []string{text, "", "\t" + text}, Policy: &dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess}, List: "list", Rules: rules()}
		out, err := Write("policy", text, []List{{Name: "list", Doc: []string{text}, Rules: rules()}}, policy)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), "policy.go", out, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !declares(file, "list", "Policy") {
			t.Fatalf("something else is declared:\n%s", out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "//go:") || strings.HasPrefix(line, "//line ") || constraint.IsPlusBuild(strings.TrimSpace(line)) {
				t.Fatalf("a directive, %s, in\n%s", line, out)
			}
		}
	})
}

// declares reports whether a file has imports and variables of these names, in this
// order, and nothing else.
func declares(file *ast.File, names ...string) bool {
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		switch {
		case ok && g.Tok == token.IMPORT:
		case ok && g.Tok == token.VAR && len(g.Specs) == 1 && len(names) > 0 && g.Specs[0].(*ast.ValueSpec).Names[0].Name == names[0]:
			names = names[1:]
		default:
			return false
		}
	}
	return len(names) == 0
}
