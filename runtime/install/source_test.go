package install

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSourceCanBeCopied copies install.go as secgen does, with every top-level
// name prefixed, and has the copy checked where nothing else is.
func TestSourceCanBeCopied(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "install.go", Source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == "init" || d.Recv != nil {
				t.Errorf("%s: only plain functions can be copied", fset.Position(d.Pos()))
			}
			names[d.Name.Name] = ""
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.ImportSpec:
					if strings.Contains(s.Path.Value, ".") || s.Name != nil {
						t.Errorf("%s: only the standard library can be imported, by its own names", fset.Position(s.Pos()))
					}
				case *ast.TypeSpec:
					names[s.Name.Name] = ""
				case *ast.ValueSpec:
					if d.Tok == token.VAR {
						t.Errorf("%s: a package-level variable", fset.Position(s.Pos()))
					}
					for _, n := range s.Names {
						names[n.Name] = ""
					}
				}
			}
		}
	}
	taken := map[string]bool{}
	for n := range names {
		names[n] = "seccomp" + strings.ToUpper(n[:1]) + n[1:]
		if taken[names[n]] {
			t.Errorf("two names become %s", names[n])
		}
		taken[names[n]] = true
	}
	file.Name.Name = "copied"
	ast.Inspect(file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && names[id.Name] != "" {
			id.Name = names[id.Name]
		}
		return true
	})
	var text bytes.Buffer
	if err := format.Node(&text, fset, file); err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	for name, content := range map[string]string{"copied.go": text.String(), "go.mod": "module copied\n\ngo 1.25\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "vet", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the copy: %v\n%s\n%s", err, out, text.String())
	}
}
