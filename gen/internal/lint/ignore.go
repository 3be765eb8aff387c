package lint

import (
	"os"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
)

// directive begins the comment by which an author keeps what a check complains of:
// the check's name and the reason follow.
const directive = "//secgen:ignore"

// heed drops the findings that a comment ignores: on the line of the rule, its
// helper's caller or the policy, or right above it. A comment without a reason
// drops nothing and is a finding itself.
func (s *Subject) heed(all []Finding) []Finding {
	files := map[string][]string{}
	var left []Finding
	for _, f := range all {
		places := slices.Clone(f.Made)
		if s.Made.File != "" {
			places = union(places, []dsl.Frame{s.Made})
		}
		ignored := false
		for _, at := range places {
			for _, c := range comments(lines(files, at.File), at.Line) {
				id, reason, _ := strings.Cut(c, " ")
				switch {
				case id != f.Rule:
				case strings.TrimSpace(reason) != "":
					ignored = true
				default:
					left = joinArches(left, Finding{Severity: Warning, Rule: "ignore", Made: []dsl.Frame{at}, Arches: f.Arches, rule: f.rule,
						Why: directive + " " + id + " gives no reason, so it ignores nothing",
						Fix: "say why: " + directive + " " + id + " REASON"})
				}
			}
		}
		if !ignored {
			left = append(left, f)
		}
	}
	return left
}

// lines are the lines of a file; none if it cannot be read: the places of a policy
// may be another machine's.
func lines(files map[string][]string, name string) []string {
	if l, ok := files[name]; ok {
		return l
	}
	var l []string
	if text, err := os.ReadFile(name); err == nil {
		l = strings.Split(string(text), "\n")
	}
	files[name] = l
	return l
}

// comments are what follows the directives on line n, counted from 1, and on the
// lines right above it that are nothing else.
func comments(lines []string, n int) []string {
	if n < 1 || n > len(lines) {
		return nil
	}
	var list []string
	if _, c, ok := strings.Cut(lines[n-1], directive+" "); ok {
		list = append(list, strings.TrimSpace(c))
	}
	for i := n - 2; i >= 0; i-- {
		c, ok := strings.CutPrefix(strings.TrimSpace(lines[i]), directive+" ")
		if !ok {
			break
		}
		list = append(list, strings.TrimSpace(c))
	}
	return list
}
