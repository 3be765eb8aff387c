package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/gen"
)

type diffCmd struct {
	filterFlags
	Format string `enum:"text,json" default:"text" help:"text or json."`
	Subset bool   `help:"Fail only if NEW lets a call happen that OLD denies."`

	OldCaps []string `placeholder:"CAP,…" help:"Capabilities that OLD's container has besides those of --caps."`
	NewCaps []string `placeholder:"CAP,…" help:"Capabilities that NEW's container has besides those of --caps."`

	Old string `arg:"" help:"The filter as it was. If both sides have several policies, each is compared with its namesake."`
	New string `arg:"" help:"The filter as it is."`
}

// Help is what kong shows below the flags.
func (diffCmd) Help() string {
	return `Exactly the calls, under which conditions on their arguments, that the two filters answer differently, from the meaning of the programs: nothing
is sampled. What NEW lets happen and OLD did not comes first.

` + filterHelp + `

Exit codes: 0 if the two mean the same (with --subset: if NEW allows nothing that OLD denies), 1 if not, 2 if that could not be found out.`
}

func (c *diffCmd) Run(s *session) error {
	old, err := c.with(c.OldCaps).read(s, c.Old)
	if err != nil {
		return err
	}
	new, err := c.with(c.NewCaps).read(s, c.New)
	if err != nil {
		return err
	}
	if isRunning(c.Old) || isRunning(c.New) {
		old, new = gen.OnThisMachine(old), gen.OnThisMachine(new)
	}
	changes, err := c.changes(old, new)
	if err != nil {
		return err
	}
	if err := c.print(s.stdout, changes); err != nil {
		return err
	}
	for _, ch := range changes {
		if !c.Subset || ch.Kind == "widened" {
			return errDifferent
		}
	}
	return nil
}

// with are the flags for a container that has more capabilities.
func (f filterFlags) with(caps []string) filterFlags {
	f.Caps = slices.Concat(f.Caps, caps)
	return f
}

// changes compares one policy with one, whatever they are called, or each with
// its namesake.
func (c *diffCmd) changes(old, new []gen.Filter) ([]gen.Change, error) {
	names, others := policies(old), policies(new)
	if len(names) == 1 && len(others) == 1 {
		return gen.Diff(old, new)
	}
	slices.Sort(names)
	slices.Sort(others)
	if !slices.Equal(names, others) {
		return nil, fmt.Errorf("%s has the policies %s, and %s has %s: name one of each, as in %s:%s",
			c.Old, strings.Join(names, ", "), c.New, strings.Join(others, ", "), c.Old, names[0])
	}
	var all []gen.Change
	for _, name := range names {
		a, _ := named(c.Old, name)(old, nil)
		b, _ := named(c.New, name)(new, nil)
		changes, err := gen.Diff(a, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, ch := range changes {
			ch.Policy = name
			all = append(all, ch)
		}
	}
	return all, nil
}

func (c *diffCmd) print(w io.Writer, changes []gen.Change) error {
	if c.Format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if changes == nil {
			changes = []gen.Change{}
		}
		return e.Encode(changes)
	}
	return printChanges(w, changes)
}

func printChanges(w io.Writer, changes []gen.Change) error {
	headings := map[string]string{
		"widened":  "WIDENED: the new filter lets happen what the old one denied",
		"changed":  "changed: another answer, neither more nor less allowed",
		"narrowed": "narrowed: the new filter denies what the old one let happen",
	}
	signs := map[string]string{"widened": "+", "changed": "~", "narrowed": "-"}
	last := ""
	for _, g := range alike(changes) {
		if heading := g.Policy + headings[g.Kind]; heading != last {
			if g.Policy != "" {
				fmt.Fprintf(w, "%s: ", g.Policy)
			}
			fmt.Fprintln(w, headings[g.Kind])
			last = heading
		}
		when := ""
		if g.When != "" {
			when = " if " + g.When
		}
		fmt.Fprintf(w, "  %s %s %s%s: %s, was %s\n      such as %s\n", signs[g.Kind], g.Arch, g.Call, when, g.New, g.Old, g.Witness)
	}
	return nil
}

// alike joins changes that differ in nothing but the call, and the example.
func alike(changes []gen.Change) []gen.Change {
	var groups []gen.Change
	at := map[gen.Change]int{}
	for _, ch := range changes {
		key := ch
		key.Call, key.Witness = "", ""
		if i, ok := at[key]; ok && ch.When == "" {
			groups[i].Call += " " + ch.Call
			continue
		}
		at[key] = len(groups)
		groups = append(groups, ch)
	}
	return groups
}
