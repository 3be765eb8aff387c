package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/secgen-dev/secgen/gen"
)

type diffCmd struct {
	filterFlags
	Format string `enum:"text,json" default:"text" help:"text or json."`
	Subset bool   `help:"Fail only if NEW lets a call happen that OLD denies."`

	Old string `arg:"" help:"The filter as it was."`
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
	old, err := c.filters(s, c.Old)
	if err != nil {
		return err
	}
	new, err := c.filters(s, c.New)
	if err != nil {
		return err
	}
	changes, err := gen.Diff(old, new)
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

func (c *diffCmd) print(w io.Writer, changes []gen.Change) error {
	if c.Format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if changes == nil {
			changes = []gen.Change{}
		}
		return e.Encode(changes)
	}
	headings := map[string]string{
		"widened":  "WIDENED: the new filter lets happen what the old one denied",
		"changed":  "changed: another answer, neither more nor less allowed",
		"narrowed": "narrowed: the new filter denies what the old one let happen",
	}
	signs := map[string]string{"widened": "+", "changed": "~", "narrowed": "-"}
	last := ""
	for _, ch := range changes {
		if ch.Kind != last {
			fmt.Fprintln(w, headings[ch.Kind])
			last = ch.Kind
		}
		when := ""
		if ch.When != "" {
			when = " if " + ch.When
		}
		fmt.Fprintf(w, "  %s %s %s%s: %s, was %s\n      such as %s\n", signs[ch.Kind], ch.Arch, ch.Call, when, ch.New, ch.Old, ch.Witness)
	}
	return nil
}
