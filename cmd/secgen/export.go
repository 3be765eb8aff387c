package main

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
)

type exportCmd struct {
	weighedFlags
	To string `enum:"bpf,smt2" default:"bpf" help:"bpf: struct sock_filter after struct sock_filter, in the architecture's byte order. smt2: an SMT-LIB 2 problem that is unsatisfiable exactly if the program means what its policy says."`

	Filter string `arg:"" help:"The filter."`
}

// Help is what kong shows below the flags.
func (exportCmd) Help() string {
	return "One program, or the question whether it is right, to standard output.\n\n" + filterHelp
}

func (c *exportCmd) Run(s *session) error {
	filters, err := c.filters(s, c.Filter)
	if err != nil {
		return err
	}
	if n := len(filters[0].Older); n > 0 {
		return fmt.Errorf("%s is %d filters together: export writes one program", c.Filter, n+1)
	}
	for _, f := range filters {
		if c.Arch == "" && len(filters) == 1 || slices.Contains(f.Arches, dsl.Arch(c.Arch)) {
			text := f.Raw()
			if c.To == "smt2" {
				if text, err = f.SMT(); err != nil {
					return err
				}
			}
			_, err := s.stdout.Write(text)
			return err
		}
	}
	var arches []dsl.Arch
	for _, f := range filters {
		arches = append(arches, f.Arches...)
	}
	if c.Arch == "" {
		return fmt.Errorf("%s has a program for each of several families: choose with --arch one of %v", c.Filter, arches)
	}
	return fmt.Errorf("%s has no program for %s; it has them for %v", c.Filter, c.Arch, arches)
}
