package lint

import (
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
)

// directive begins the comment by which an author keeps what a check complains of:
// the check's name and the reason follow.
const directive = "//secgen:ignore"

// comment is a directive.
type comment struct {
	line       int
	alone      bool // nothing else is on the line
	id, reason string
	heeded     bool
}

// comments are the directives of the files that were looked at.
type comments map[string][]*comment

// heeds reports whether a comment ignores the finding: on the line of the rule, its
// helper's caller or the policy, or right above it. One without a reason ignores
// nothing.
func (all comments) heeds(s *Subject, f Finding) bool {
	places := slices.Clone(f.Made)
	if s.Made.File != "" {
		places = union(places, []dsl.Frame{s.Made})
	}
	ignored := false
	for _, at := range places {
		for _, c := range all.beside(at) {
			if c.id == f.Rule && c.reason != "" {
				c.heeded, ignored = true, true
			}
		}
	}
	return ignored
}

// beside lists the directives on a line, and on those right above that have nothing
// else.
func (all comments) beside(at dsl.Frame) []*comment {
	var list []*comment
	line := at.Line
	for _, c := range slices.Backward(all.of(at.File)) {
		if c.line == at.Line || c.alone && c.line == line-1 {
			list = append(list, c)
			line = c.line
		}
	}
	return list
}

// of lists a file's directives in order; none if it cannot be read: the places of a
// policy may be another machine's.
func (all comments) of(name string) []*comment {
	if list, ok := all[name]; ok {
		return list
	}
	var list []*comment
	if text, err := os.ReadFile(name); err == nil {
		list = scan(text)
	}
	all[name] = list
	return list
}

func scan(text []byte) []*comment {
	file := token.NewFileSet().AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, scanner.ScanComments)
	var list []*comment
	for last := 0; ; { // the line of the last token
		pos, tok, lit := s.Scan()
		line := file.Line(pos)
		switch {
		case tok == token.EOF:
			return list
		case tok == token.COMMENT:
			words := strings.Fields(lit)
			if words[0] == directive {
				words = append(words, "")
				list = append(list, &comment{line: line, alone: line != last, id: words[1], reason: strings.Join(words[2:], " ")})
			}
		case lit != "\n": // a semicolon that stands for the end of the line
			last = line
		}
	}
}

// idle finds the comments of the policies' packages that ignore nothing.
func (all comments) idle(subjects []*Subject) []Finding {
	var dirs []string
	for _, s := range subjects {
		if s.Made.File != "" {
			dirs = union(dirs, []string{filepath.Dir(s.Made.File)})
		}
	}
	var found []Finding
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil { // a pattern in a directory's name
			continue
		}
		for _, file := range files {
			for _, c := range all.of(file) {
				if f := c.idle(); f != nil {
					f.Made = []dsl.Frame{{File: file, Line: c.line}}
					f.policy, f.rule = len(subjects), noRule
					found = append(found, *f)
				}
			}
		}
	}
	return found
}

func (c *comment) idle() *Finding {
	switch {
	case !slices.ContainsFunc(Rules, func(r Rule) bool { return r.ID == c.id }):
		return &Finding{Severity: Error, Rule: "ignore",
			Why: fmt.Sprintf("there is no check %q, so the comment ignores nothing", c.id),
			Fix: "write " + directive + " ID REASON; secgen lint -help lists the checks"}
	case c.reason == "":
		return &Finding{Severity: Warning, Rule: "ignore",
			Why: directive + " " + c.id + " gives no reason, so it ignores nothing",
			Fix: "say why: " + directive + " " + c.id + " REASON"}
	case !c.heeded:
		return &Finding{Severity: Warning, Rule: "unused-ignore",
			Why: "no rule here has the finding " + c.id + ", so the comment ignores nothing but would hide a new one",
			Fix: "remove it, or put it on the line of the rule or right above"}
	}
	return nil
}
