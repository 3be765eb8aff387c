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

// TestSourceCanBeCopied copies the files as secgen does, with every top-level name
// prefixed, and has the copies checked where nothing else is.
func TestSourceCanBeCopied(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	fset := token.NewFileSet()
	files := map[string]*ast.File{}
	names := map[string]string{}
	for name, text := range map[string]string{"install.go": Source, "notify.go": NotifySource} {
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
		for _, d := range file.Decls {
			for _, n := range declared(t, fset, d) {
				if names[n] != "" {
					t.Errorf("%s is declared twice", n)
				}
				names[n] = "seccomp" + strings.ToUpper(n[:1]) + n[1:]
			}
		}
	}
	taken := map[string]bool{}
	for _, n := range names {
		if taken[n] {
			t.Errorf("two names become %s", n)
		}
		taken[n] = true
	}

	copies := map[string]string{"go.mod": "module copied\n\ngo 1.25\n"}
	for name, file := range files {
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
		copies[name] = text.String()
	}
	dir := t.TempDir()
	for name, content := range copies {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "vet", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the copies: %v\n%s", err, out)
	}
}

// declared names what is declared, and refuses what cannot be copied.
func declared(t *testing.T, fset *token.FileSet, d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.Name == "init" || d.Recv != nil {
			t.Errorf("%s: only plain functions can be copied", fset.Position(d.Pos()))
		}
		names = append(names, d.Name.Name)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ImportSpec:
				if strings.Contains(s.Path.Value, ".") || s.Name != nil {
					t.Errorf("%s: only the standard library can be imported, by its own names", fset.Position(s.Pos()))
				}
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				if d.Tok == token.VAR {
					t.Errorf("%s: a package-level variable", fset.Position(s.Pos()))
				}
				for _, n := range s.Names {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names
}
