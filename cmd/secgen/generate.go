package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/load"
)

// source is a policy package and the files to make of it.
type source struct {
	Output string `short:"o" name:"output" placeholder:"FILE" help:"The Go file; its package is that of its directory. For generate, - or none is standard output."`
	Other  string `placeholder:"FILE" help:"A second file, for systems other than Linux, with the same names, whose Install returns an error."`
	Pkg    string `placeholder:"NAME" help:"The package that the files belong to, if their directory does not tell."`
	weightFlags

	Package string `arg:"" help:"The policy package: a directory or an import path. Generating runs its initialisation."`
}

type generateCmd struct{ source }

type checkCmd struct{ source }

// Help is what kong shows below the flags.
func (generateCmd) Help() string {
	return `Each exported dsl.Policy variable of the package becomes a variable of the file with Install and InstallThread.
In a program that uses secgen as a tool:

    //go:generate env GOOS= GOARCH= go tool secgen generate -o filter_linux.go ./policy

(env, so that go generate works in a cross build too, where it would build secgen for the target.)

Exit codes: 0 if all went well, else 2, and then nothing was written.`
}

func (c *generateCmd) Run(s *session) error {
	policies, t, err := c.load(s)
	if err != nil {
		return err
	}
	if c.Output != "" && c.Output != "-" {
		return t.Write(s.ctx, policies...)
	}
	if c.Other != "" {
		return errors.New("--other needs -o: say where the Linux file goes too")
	}
	text, err := gen.File(gen.FileOptions{Package: orElse(c.Pkg, "filter"), From: t.From, Weights: t.Weights}, policies...)
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(text)
	return err
}

func (c *checkCmd) Run(s *session) error {
	if c.Output == "" {
		return errors.New("say which file to check, with -o")
	}
	policies, t, err := c.load(s)
	if err != nil {
		return err
	}
	diff, err := t.Stale(policies...)
	if err != nil {
		return err
	}
	if len(diff) == 0 {
		return nil
	}
	if _, err := s.stdout.Write(diff); err != nil {
		return err
	}
	state := "is stale"
	if _, err := os.Stat(c.Output); err != nil {
		state = "does not exist"
	}
	fmt.Fprintf(s.stderr, "secgen: %s %s: run secgen generate with the same arguments\n", c.Output, state)
	return errors.Join(c.means(s, policies), errDifferent)
}

// means tells what the difference means: which calls the policies answer
// otherwise than the file does. A file that cannot be read tells nothing.
func (c *checkCmd) means(s *session, policies []dsl.Named) error {
	text, err := os.ReadFile(c.Output)
	if err != nil {
		return nil
	}
	written, err := gen.Read(c.Output, text, gen.ReadOptions{})
	if err != nil {
		return nil
	}
	for _, p := range policies {
		own, err := named(c.Output, p.Name)(written, nil)
		if err != nil {
			fmt.Fprintf(s.stderr, "%s is not in the file.\n", p.Name)
			continue
		}
		now, err := gen.Compile(p)
		if err != nil {
			return err
		}
		changes, err := gen.Diff(own, now)
		switch {
		case err != nil:
			fmt.Fprintf(s.stderr, "%s: %v\n", p.Name, err)
		case len(changes) == 0:
			fmt.Fprintf(s.stderr, "%s means the same in both.\n", p.Name)
		default:
			fmt.Fprintf(s.stderr, "%s answers otherwise than the file:\n", p.Name)
			if err := printChanges(s.stderr, changes); err != nil {
				return err
			}
		}
	}
	return nil
}

// Help is what kong shows below the flags.
func (checkCmd) Help() string {
	return "Exit codes: 0 if the file is as generate would write it, 1 if not, 2 if that could not be found out."
}

func (c *source) load(s *session) ([]dsl.Named, gen.Target, error) {
	weights, err := c.chosen()
	if err != nil {
		return nil, gen.Target{}, err
	}
	pkg, err := load.Policies(s.ctx, load.Options{Stderr: s.stderr}, c.Package)
	if err != nil && strings.Contains(c.Package, ",") {
		return nil, gen.Target{}, fmt.Errorf("filters of one process together cannot be generated: name one policy package: %w", err)
	}
	if err != nil {
		return nil, gen.Target{}, err
	}
	for i := range pkg.Policies {
		shorten(&pkg.Policies[i])
	}
	for _, out := range []string{c.Output, c.Other} {
		if out != "" && out != "-" && sameDir(filepath.Dir(out), pkg.Dir) {
			return nil, gen.Target{}, fmt.Errorf("%s would be part of the policy package itself and declare its names again: give the policies a package of their own, as in ./policy", out)
		}
	}
	return pkg.Policies, gen.Target{File: c.Output, Other: c.Other, Package: c.Pkg, From: pkg.ImportPath, Weights: weights}, nil
}

func sameDir(a, b string) bool {
	ia, errA := os.Stat(a)
	ib, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(ia, ib)
}

// shorten makes the places of a policy relative to the working directory where
// they lie below it, as compilers do.
func shorten(p *dsl.Named) {
	wd, err := os.Getwd()
	if err != nil {
		return
	}
	short := func(f *dsl.Frame) {
		if rel, err := filepath.Rel(wd, f.File); err == nil && f.File != "" && !strings.HasPrefix(rel, "..") {
			f.File = rel
		}
	}
	short(&p.Made)
	for i := range p.Policy.Rules {
		for j := range p.Policy.Rules[i].Made {
			short(&p.Policy.Rules[i].Made[j])
		}
	}
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
