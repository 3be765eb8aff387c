package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"
)

// list groups knows every group of rules that package group exports.
func TestListKnowsEveryGroup(t *testing.T) {
	files, err := filepath.Glob("../../dsl/group/*.go")
	if err != nil || files == nil {
		t.Fatal(files, err)
	}
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name, obj := range f.Scope.Objects {
			if obj.Kind == ast.Var && ast.IsExported(name) && !slices.ContainsFunc(ruleGroups, func(g ruleGroup) bool { return g.Name == "group."+name }) {
				t.Errorf("ruleGroups lacks group.%s", name)
			}
		}
	}
}
