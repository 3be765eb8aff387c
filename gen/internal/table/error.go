package table

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
)

// Error is what is wrong with a policy, and where its author finds it.
type Error struct {
	Policy string
	Made   []dsl.Frame // innermost first; may be empty
	Arches []string    // the ABIs it concerns; empty: all
	Text   string
}

// Error gives the place, the policy and the text in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if len(e.Made) > 0 {
		fmt.Fprintf(&b, "%s:%d: ", e.Made[0].File, e.Made[0].Line)
	}
	if e.Policy != "" {
		b.WriteString(e.Policy + ": ")
	}
	b.WriteString(e.Text)
	if len(e.Arches) > 0 {
		b.WriteString(" (on " + strings.Join(e.Arches, ", ") + ")")
	}
	for _, f := range e.Made[min(1, len(e.Made)):] {
		fmt.Fprintf(&b, "\n\tcalled from %s:%d", f.File, f.Line)
	}
	return b.String()
}

// Errors are all the errors of a policy, in the order of its source.
type Errors []*Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find each.
func (es Errors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

// errorList gathers errors; one that several ABIs share becomes one error.
type errorList struct {
	policy string
	list   Errors
	order  []int // the rule each came from, to sort by
}

func (l *errorList) add(rule int, made []dsl.Frame, arch, format string, args ...any) {
	e := &Error{Policy: l.policy, Made: made, Text: fmt.Sprintf(format, args...)}
	for i, old := range l.list {
		if l.order[i] == rule && old.Text == e.Text {
			if arch != "" && !slices.Contains(old.Arches, arch) {
				old.Arches = append(old.Arches, arch)
			}
			return
		}
	}
	if arch != "" {
		e.Arches = []string{arch}
	}
	l.list = append(l.list, e)
	l.order = append(l.order, rule)
}

func (l *errorList) err() error {
	if len(l.list) == 0 {
		return nil
	}
	at := make([]int, len(l.list))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(l.order[a], l.order[b]) })
	sorted := make(Errors, len(at))
	for i, j := range at {
		sorted[i] = l.list[j]
	}
	return sorted
}
