package load

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/secgen-dev/secgen/dsl"
)

// dslPath is the import path of package dsl.
const dslPath = "github.com/secgen-dev/secgen/dsl"

// Options say where and how a package is loaded.
type Options struct {
	Dir    string    // the directory to which patterns are relative; "" is the current one
	Stderr io.Writer // gets what the package prints when it is initialised, and remarks; nil discards them
}

// A Package is a policy package with its policies.
type Package struct {
	ImportPath string
	Dir        string
	Name       string
	Policies   []dsl.Named // in the order of their declaration: by file name, then by line
}

// Policies loads the package that pattern names, as the go command understands
// it: "./policy", ".", "example.com/m/policy". It must be one package, with at
// least one exported variable of type dsl.Policy or *dsl.Policy.
//
// The package is built and its initialisation runs, in the package's own
// directory. When ctx ends, that is stopped, with all processes it has started.
func Policies(ctx context.Context, opts Options, pattern string) (*Package, error) {
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, err
	}
	if opts.Stderr == nil {
		opts.Stderr = io.Discard
	}
	// GOTMPDIR is where the go command puts what is to be executed, for
	// systems where /tmp is mounted noexec.
	temp, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "secgen-")
	if err != nil {
		return nil, err
	}
	defer remove(temp)

	g := &toolchain{dir: dir, temp: temp}
	if err := g.configure(ctx); err != nil {
		return nil, stopped(ctx, pattern, "looked for", err)
	}
	found, err := find(ctx, g, pattern)
	if err != nil {
		return nil, stopped(ctx, pattern, "looked for", err)
	}
	found.tellLeftOut(g, opts.Stderr)
	program, err := build(ctx, g, found)
	if err != nil {
		return nil, stopped(ctx, found.ImportPath, "built", err)
	}
	policies, err := run(ctx, g, program, found, opts.Stderr)
	if err != nil {
		return nil, stopped(ctx, found.ImportPath, "initialised", err)
	}

	p := &Package{ImportPath: found.ImportPath, Dir: found.Dir, Name: found.Name}
	for _, v := range found.variables {
		for _, n := range policies {
			if n.Name != v.name {
				continue
			}
			if n.Policy == nil {
				return nil, fmt.Errorf("%s: %s is a nil *dsl.Policy: give it a policy where it is declared, or do not export it", g.position(v.made), v.name)
			}
			n.Doc, n.Made = v.doc, v.made
			p.Policies = append(p.Policies, n)
		}
	}
	if len(p.Policies) == 0 {
		return nil, noPolicies(found)
	}
	return p, nil
}

// remove removes a directory in which processes that were just killed may be
// at work for a moment yet.
func remove(dir string) {
	for range 100 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// stopped returns err, or, if ctx has ended and so caused it, that.
func stopped(ctx context.Context, pkg, stage string, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%s: stopped while it was being %s: %w", pkg, stage, context.Cause(ctx))
}
