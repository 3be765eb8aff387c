package main

import (
	"fmt"
	"slices"

	"github.com/secgen-dev/secgen/dsl"
)

type exportCmd struct {
	filterFlags
	To string `enum:"bpf" default:"bpf" help:"bpf: struct sock_filter after struct sock_filter, in the architecture's byte order."`

	Filter string `arg:"" help:"The filter."`
}

// Help is what kong shows below the flags.
func (exportCmd) Help() string { return "One program, to standard output.\n\n" + filterHelp }

func (c *exportCmd) Run(s *session) error {
	filters, err := c.filters(s, c.Filter)
	if err != nil {
		return err
	}
	for _, f := range filters {
		if c.Arch == "" && len(filters) == 1 || slices.Contains(f.Arches, dsl.Arch(c.Arch)) {
			_, err := s.stdout.Write(f.Raw())
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
