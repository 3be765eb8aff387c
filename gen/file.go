package gen

import (
	"errors"
	"fmt"
	"go/token"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/file"
)

// FileOptions are what a generated file is besides its policies.
type FileOptions struct {
	Package string // name of the package that the file belongs to
	From    string // import path of the policy package, for the header
	Weights Weights
}

// File compiles the policies and returns the Go source that carries their
// filters. The same policies give the same bytes on every machine.
func File(o FileOptions, policies ...dsl.Named) ([]byte, error) {
	if !token.IsIdentifier(o.Package) || o.Package == "_" {
		return nil, fmt.Errorf("%q is no name of a package; say which the file belongs to", o.Package)
	}
	compiled, err := o.Weights.compileAll(policies)
	if err != nil {
		return nil, err
	}
	return file.Write(o.file(), compiled)
}

// OtherFile returns the Go source to stand in for File's on systems other than
// Linux: there, every installation fails.
func OtherFile(o FileOptions, policies ...dsl.Named) ([]byte, error) {
	var named []file.Policy
	for _, p := range policies {
		named = append(named, file.Policy{Name: p.Name, Source: p.Policy})
	}
	return file.Other(o.file(), named)
}

func (o FileOptions) file() file.Options { return file.Options{Package: o.Package, From: o.From} }

func (w Weights) compileAll(policies []dsl.Named) ([]file.Policy, error) {
	if len(policies) == 0 {
		return nil, errors.New("there is no policy to write a filter of")
	}
	names := map[string]bool{}
	for _, p := range policies {
		if names[p.Name] {
			return nil, fmt.Errorf("two policies are called %s", p.Name)
		}
		names[p.Name] = true
	}
	var compiled []file.Policy
	var errs []error
	for _, p := range policies {
		filters, err := w.Compile(p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c := file.Policy{Name: p.Name, Doc: p.Doc, Source: p.Policy, After: before(p, policies)}
		for _, f := range filters {
			c.Filters = append(c.Filters, file.Filter{Table: f.table, Program: f.Program})
		}
		compiled = append(compiled, c)
	}
	return compiled, errors.Join(errs...)
}

// before names the stage that a policy comes after; empty if it is a first one.
func before(p dsl.Named, policies []dsl.Named) string {
	if p.Policy.After == nil {
		return ""
	}
	for _, other := range policies {
		if other.Policy == p.Policy.After {
			return other.Name
		}
	}
	return "a stage that this file has no filter of"
}
