package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// Package sys has every call and argument under the name that goName gives it.
func TestNamesAreThoseOfPackageSys(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../../dsl/sys/zcalls.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		has[spec.Names[0].Name] = true
		ast.Inspect(spec, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok && len(f.Names) > 0 {
				has[spec.Names[0].Name+"."+f.Names[0].Name] = true
			}
			return true
		})
		return false
	})
	for _, call := range abi.Calls() {
		if !has[goName(call)] {
			t.Errorf("sys has no %s", goName(call))
		}
		for _, a := range abi.Args(call) {
			if name := goName(call) + "." + goName(a.Name); !has[name] {
				t.Errorf("sys has no %s", name)
			}
		}
	}
}
