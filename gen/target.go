package gen

import (
	"bytes"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/secgen-dev/secgen/dsl"
)

// Target says which files to write.
type Target struct {
	File    string // path of the Linux file
	Other   string // path of its stand-in for other systems; empty: none
	Package string // name of the package they belong to; empty: found out from File's directory
	From    string // import path of the policy package, for the headers
}

// output is a file as it should be.
type output struct {
	path string
	text []byte
}

func (t Target) outputs(policies []dsl.Named) ([]output, error) {
	o := FileOptions{Package: t.Package, From: t.From}
	if o.Package == "" {
		name, err := packageName(t.File)
		if err != nil {
			return nil, err
		}
		o.Package = name
	}
	if !token.IsIdentifier(o.Package) {
		return nil, fmt.Errorf("%q is no package name; say which with -pkg", o.Package)
	}
	text, err := File(o, policies...)
	if err != nil {
		return nil, err
	}
	outs := []output{{t.File, text}}
	if t.Other != "" {
		if text, err = OtherFile(o, policies...); err != nil {
			return nil, err
		}
		outs = append(outs, output{t.Other, text})
	}
	return outs, nil
}

// Write writes the target's files, all or none: each is written beside its
// place and then renamed. A file that is right already is left alone.
func (t Target) Write(policies ...dsl.Named) (err error) {
	outs, err := t.outputs(policies)
	if err != nil {
		return err
	}
	var renames [][2]string
	defer func() {
		for _, r := range renames {
			os.Remove(r[0]) // is gone if all went well
		}
	}()
	for _, o := range outs {
		if old, err := os.ReadFile(o.path); err == nil && bytes.Equal(old, o.text) {
			continue
		}
		tmp, err := beside(o)
		if tmp != "" {
			renames = append(renames, [2]string{tmp, o.path})
		}
		if err != nil {
			return err
		}
	}
	for _, r := range renames {
		if err := os.Rename(r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}

// beside writes the text to a temporary file in the directory of its path.
func beside(o output) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(o.path), ".secgen-*")
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return "", fmt.Errorf("cannot write %s: %w", o.path, pathErr.Err)
	} else if err != nil {
		return "", err
	}
	mode := fs.FileMode(0o644)
	if old, err := os.Stat(o.path); err == nil {
		mode = old.Mode().Perm()
	}
	_, err = f.Write(o.text)
	return f.Name(), errors.Join(err, f.Chmod(mode), f.Close())
}

// Stale compares the target's files with what they should be: the result is a
// unified diff, empty if all are up to date. A missing file is like an empty one.
func (t Target) Stale(policies ...dsl.Named) ([]byte, error) {
	outs, err := t.outputs(policies)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, o := range outs {
		old, err := os.ReadFile(o.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all = append(all, diff.Diff(o.path, old, o.path+" (generated now)", o.text)...)
	}
	return all, nil
}

// packageName finds the package that a file in this place belongs to: that of
// the Go files there, or what go generate says if it runs there, or the
// directory's own name.
func packageName(path string) (string, error) {
	dir := filepath.Dir(path)
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || filepath.Clean(f) == filepath.Clean(path) {
			continue
		}
		src, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.PackageClauseOnly)
		if err == nil && src.Name.Name != "documentation" {
			return src.Name.Name, nil
		}
	}
	if name := os.Getenv("GOPACKAGE"); name != "" && dir == "." {
		return name, nil
	}
	if src, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly); err == nil {
		return src.Name.Name, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return strings.ReplaceAll(filepath.Base(abs), "-", "_"), nil
}
