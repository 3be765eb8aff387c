package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
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

The rules: unreachable, redundant, condition, not-equal-twice (about single rules of the policy); wide-compare, multiplexed, clone3, twin, time64,
tiocsti, tioclinux (ways round a limit, or a libc that trips over it); dangerous, writable-code, listener, deny-list, foreign-abi (open doors); vital,
kill-thread, trap, errno, stage (what breaks programs).

A comment //secgen:ignore RULE REASON on the line of a rule (or of its caller, or of the policy), or right above, keeps what is meant.

` + filterHelp + `

Exit codes: 0 if there is nothing but notes, 1 if there are errors or warnings, 2 if that could not be found out.`
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
	var all []gen.Finding
	for _, p := range policies {
		found, err := gen.Lint(p)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// isFile reports whether the filter is given by a file and not by a policy package.
func (c *lintCmd) isFile() bool {
	path, _, _ := strings.Cut(c.Filter, ":")
	info, err := os.Stat(path)
	return strings.HasPrefix(c.Filter, "git:") || err == nil && !info.IsDir()
}

// policies are the package's, or the one that is named.
func (c *lintCmd) policies(s *session) ([]dsl.Named, error) {
	path, name, _ := strings.Cut(c.Filter, ":")
	pkg, err := load.Policies(s.ctx, load.Options{Stderr: s.stderr}, path)
	if err != nil {
		return nil, err
	}
	var policies []dsl.Named
	for _, p := range pkg.Policies {
		if name == "" || name == p.Name {
			shorten(&p)
			policies = append(policies, p)
		}
	}
	if len(policies) == 0 {
		return nil, fmt.Errorf("%s: there is no policy %s", c.Filter, name)
	}
	return policies, nil
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
		what := strings.Join(arches, ", ")
		if len(f.Calls) > 0 {
			what += " " + strings.Join(f.Calls, ", ")
		}
		where := f.Policy
		if f.Where != "" {
			where = f.Where + ": " + f.Policy
		}
		fmt.Fprintf(w, "%s: %s: %s: %s: %s\n\tto fix it: %s\n", where, f.Severity, f.Rule, what, f.Why, f.Fix)
		for _, from := range f.From {
			fmt.Fprintf(w, "\tcalled from %s\n", from)
		}
	}
	return nil
}
