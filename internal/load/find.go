package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
)

// source is a policy package as its files show it.
type source struct {
	listed
	variables []variable // exported, in the order of their declaration
	broken    bool       // whether a file does not parse
}

// listed is what `go list` says of a package (go help list).
type listed struct {
	Dir            string
	ImportPath     string
	Name           string
	GoFiles        []string // without tests and what build constraints exclude
	IgnoredGoFiles []string // what they exclude
	Module         *struct{ Main bool }
	Error          *struct{ Pos, Err string }
}

// variable is an exported package-level variable.
type variable struct {
	name string
	doc  string
	made dsl.Frame
}

// find finds the one package that pattern names. Its files may have errors:
// the compiler words them better.
func find(ctx context.Context, g *toolchain, pattern string) (*source, error) {
	// golang.org/x/tools/go/packages would start the go command twice and
	// leave the same to do.
	args := append([]string{"list", "-e", "-json=Dir,ImportPath,Name,GoFiles,IgnoredGoFiles,Module,Error"}, flags...)
	out, err := g.output(ctx, append(args, "--", pattern)...)
	if e := (*goError)(nil); errors.As(err, &e) {
		return nil, fmt.Errorf("%s: the go command cannot look for this package:\n%s", pattern, e.said)
	} else if err != nil {
		return nil, err
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, l)
	}
	if err := onePolicyPackage(g, pattern, all); err != nil {
		return nil, err
	}
	found := &source{listed: all[0]}
	return found, found.parse(g)
}

// onePolicyPackage says why all is not one package that can hold policies.
func onePolicyPackage(g *toolchain, pattern string, all []listed) error {
	if len(all) != 1 {
		var paths []string
		for _, l := range all[:min(len(all), 3)] {
			paths = append(paths, l.ImportPath)
		}
		if len(all) > 3 {
			paths = append(paths, "…")
		}
		return fmt.Errorf("%s: %d packages match (%s): name the one that holds the policies", pattern, len(all), strings.Join(paths, ", "))
	}
	l := all[0]
	switch {
	case l.ImportPath == "command-line-arguments":
		return fmt.Errorf("%s: this names files: name the directory of the policy package, as in ./policy", pattern)
	case l.Name == "main":
		return fmt.Errorf("%s is package main, which cannot be imported: move its policies to a package of their own, as in ./policy", l.ImportPath)
	case len(l.GoFiles) > 0:
		return nil
	case len(l.IgnoredGoFiles) > 0:
		return fmt.Errorf("%s: build constraints exclude all its Go files (%s) on this host, %s/%s without cgo: "+
			"a policy is data and needs no constraint, so remove it, or set its tag with GOFLAGS=-tags=…",
			l.ImportPath, strings.Join(l.IgnoredGoFiles, ", "), runtime.GOOS, runtime.GOARCH)
	case l.Error != nil:
		err := fmt.Errorf("%s: no such policy package: %s", pattern, strings.TrimSpace(l.Error.Err))
		if info, statErr := os.Stat(filepath.Join(g.dir, pattern)); statErr == nil && info.IsDir() && !strings.HasPrefix(pattern, ".") {
			err = fmt.Errorf("%w\nfor the directory %s, write ./%s", err, pattern, filepath.ToSlash(pattern))
		}
		return err
	}
	return fmt.Errorf("%s: there are no Go files in it but tests", pattern)
}

// parse lists the exported variables of the package. It takes what it gets of
// files with errors.
func (s *source) parse(g *toolchain) error {
	fset := token.NewFileSet()
	for _, name := range s.GoFiles {
		path := filepath.Join(s.Dir, name)
		text, err := g.overlay.read(path)
		if err != nil {
			return fmt.Errorf("%s: %w", s.ImportPath, err)
		}
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		s.broken = s.broken || err != nil
		for _, d := range file.Decls {
			if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.VAR {
				s.variables = append(s.variables, exported(fset, d)...)
			}
		}
	}
	return nil
}

// tellLeftOut says which of the package's files build constraints exclude here:
// their policies are not seen, and would be elsewhere.
func (s *source) tellLeftOut(g *toolchain, stderr io.Writer) {
	for _, name := range s.IgnoredGoFiles {
		path := filepath.Join(s.Dir, name)
		text, err := g.overlay.read(path)
		if err != nil || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.PackageClauseOnly)
		if err == nil && file.Name.Name == s.Name {
			fmt.Fprintf(stderr, "secgen: %s is left out here by its build constraints, with the policies in it\n", g.short(path))
		}
	}
}

// exported lists the exported variables of a declaration. The comment above a
// declaration of one line documents it; above a parenthesised one, it does so
// for those that have no comment of their own only if there is but one.
func exported(fset *token.FileSet, d *ast.GenDecl) []variable {
	var vs []variable
	for _, s := range d.Specs {
		s := s.(*ast.ValueSpec)
		doc := s.Doc
		if doc == nil && len(d.Specs) == 1 {
			doc = d.Doc
		}
		for _, name := range s.Names {
			if name.IsExported() {
				at := fset.PositionFor(name.Pos(), false)
				vs = append(vs, variable{name.Name, doc.Text(), dsl.Frame{File: at.Filename, Line: at.Line}})
			}
		}
	}
	return vs
}
