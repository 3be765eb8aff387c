package main

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
)

type treeCmd struct {
	weighedFlags
	To string `enum:"text,dot,svg" default:"text" help:"text, dot for Graphviz, or svg, a drawing."`

	Filter string `arg:"" help:"The filter."`
}

// Help is what kong shows below the flags.
func (treeCmd) Help() string {
	return `The tests that a call goes through, from what the program does, whoever made it, and the calls that come to each end. It is the tree of one
architecture's calls: what all of them answer the same way, as the test of the architecture, is left out. What several tests lead to is shown once.

    secgen tree -to svg filter_linux.go:Serve >serve.svg

In drawings an edge is as wide as its calls weigh: 8 for a call that runs the filter, 1 for one that the kernel's cache of verdicts answers, 0.3 for
one that ends the process or gets what calls without a name get. A test of arguments divides a call evenly. What the cache answers is pale (dashed in
Graphviz, marked with [cache] in the text).

` + filterHelp
}

func (c *treeCmd) Run(s *session) error {
	filters, err := c.filters(s, c.Filter)
	if err != nil {
		return err
	}
	text, err := gen.Tree(filters, dsl.Arch(c.Arch), gen.Picture(c.To))
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(text)
	return err
}
