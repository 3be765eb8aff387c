package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/load"
)

type lintCmd struct {
	filterFlags
	Format string `enum:"text,json" default:"text" help:"text or json."`

	Filter string `arg:"" help:"The filter to look at; all policies of a package if none is named."`
}

// Help is what kong shows below the flags.
func (lintCmd) Help() string {
	return `What is wrong with a filter although it does what it says, the worst first: holes that others have fallen into, rules that decide nothing, calls
that programs need and no test run shows. Most of it is decided by the meaning of the programs; what concerns single rules needs the policy or profile.

The rules:

` + lintRules() + `
A comment //secgen:ignore RULE REASON on the line of a rule (or of its caller, or of the policy), or right above, keeps what is meant. One that ignores
nothing is a finding itself (ignore, unused-ignore).

` + filterHelp + `

Exit codes: 0 if there is nothing but notes, 1 if there are errors or warnings, 2 if that could not be found out.`
}

func lintRules() string {
	var b strings.Builder
	for _, r := range gen.LintRules() {
		fmt.Fprintf(&b, "    %-16s %s\n", r.Rule, r.Finds)
	}
	return b.String()
}

func (c *lintCmd) Run(s *session) error {
	found, err := c.find(s)
	if err != nil {
		return err
	}
	if err := c.print(s.stdout, found); err != nil {
		return err
	}
	for _, f := range found {
		if f.Severity != "note" {
			return errDifferent
		}
	}
	return nil
}

func (c *lintCmd) find(s *session) ([]gen.Finding, error) {
	if c.isFile() {
		filters, err := c.filters(s, c.Filter)
		if err != nil {
			return nil, err
		}
		return gen.LintFilters(filters)
	}
	policies, err := c.policies(s)
	if err != nil {
		return nil, err
	}
	found, err := gen.Lint(policies...)
	if err != nil {
		return nil, err
	}
	if _, name, ok := strings.Cut(c.Filter, ":"); ok {
		found = slices.DeleteFunc(found, func(f gen.Finding) bool { return f.Policy != name })
	}
	return found, nil
}

// isFile reports whether the filter is given by something else than a policy package.
func (c *lintCmd) isFile() bool {
	path, _, _ := strings.Cut(c.Filter, ":")
	info, err := os.Stat(path)
	return strings.HasPrefix(c.Filter, "git:") || strings.HasPrefix(c.Filter, "pid:") || strings.Contains(c.Filter, ",") || err == nil && !info.IsDir()
}

// policies are all of the package, of which the one that is named has to be one: what
// another needs is not too much.
func (c *lintCmd) policies(s *session) ([]dsl.Named, error) {
	path, name, _ := strings.Cut(c.Filter, ":")
	pkg, err := load.Policies(s.ctx, load.Options{Stderr: s.stderr}, path)
	if err != nil {
		return nil, err
	}
	if name != "" && !slices.ContainsFunc(pkg.Policies, func(p dsl.Named) bool { return p.Name == name }) {
		return nil, fmt.Errorf("%s: there is no policy %s", c.Filter, name)
	}
	for i := range pkg.Policies {
		shorten(&pkg.Policies[i])
	}
	return pkg.Policies, nil
}

func (c *lintCmd) print(w io.Writer, found []gen.Finding) error {
	if c.Format == "json" {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if found == nil {
			found = []gen.Finding{}
		}
		return e.Encode(found)
	}
	for _, f := range found {
		arches := make([]string, len(f.Arches))
		for i, a := range f.Arches {
			arches[i] = string(a)
		}
		about := strings.TrimSpace(strings.Join(arches, ", ") + " " + strings.Join(f.Calls, ", "))
		var parts []string
		for _, part := range []string{f.Where, f.Policy, f.Severity, f.Rule, about, f.Why} {
			// A profile's policy has the name of the file.
			if part != "" && (part != f.Policy || !strings.HasPrefix(f.Where, f.Policy+":")) {
				parts = append(parts, part)
			}
		}
		fmt.Fprintf(w, "%s\n\tto fix it: %s\n", strings.Join(parts, ": "), f.Fix)
		for _, from := range f.From {
			fmt.Fprintf(w, "\tcalled from %s\n", from)
		}
	}
	return nil
}
