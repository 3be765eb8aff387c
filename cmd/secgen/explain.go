package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
)

type explainCmd struct {
	weighedFlags
	Format string `enum:"text,json" default:"text" help:"text or json."`

	Filter string   `arg:"" help:"The filter."`
	Call   []string `arg:"" optional:"" passthrough:"" help:"A call and its arguments, or an audit record. Flags come before it."`
}

// Help is what kong shows below the flags.
func (explainCmd) Help() string {
	return `Without a call: what the filter answers to every call, for each architecture, read off the meaning of its program, and how many calls the kernel's
cache decides. With one: the verdict, the rule that gives it, the instructions executed, and whether the cache answers without running the filter.

    secgen explain ./policy openat dirfd=AT_FDCWD 'flags=O_WRONLY|O_CREAT'
    secgen explain --arch arm64 ./policy write 1 0 3
    secgen explain ./policy 'type=1326 audit(…): … arch=c000003e syscall=435 compat=0 ip=… code=0x80000000'

Of filters of one process together (see below), it is what they answer together, and with a call also what each answers, and which decides.

Arguments have the names of the manual page, or args[0] to args[5] for whole registers; values are numbers and constants, joined by |. What is not
given is not known, and the verdict says if it depends on it. --arch chooses the architecture of the call (amd64, if the filter has it).

` + filterHelp
}

func (c *explainCmd) Run(s *session) error {
	filters, err := c.filters(s, c.Filter)
	if err != nil {
		return err
	}
	call := c.Call
	if len(call) > 0 && call[0] == "--" {
		call = call[1:]
	}
	if len(call) == 0 {
		tables, err := gen.Decide(filters, dsl.Arch(c.Arch))
		if err != nil {
			return err
		}
		if c.Format == "json" {
			return c.json(s.stdout, tables)
		}
		for i, t := range tables {
			if i > 0 {
				fmt.Fprintln(s.stdout)
			}
			printDecisions(s.stdout, t)
		}
		return nil
	}
	e, err := gen.Explain(filters, dsl.Arch(c.Arch), call...)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		return c.json(s.stdout, e)
	}
	printExplanation(s.stdout, e)
	return nil
}

func (*explainCmd) json(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// callsWidth is about how wide a row of names gets.
const callsWidth = 80

func printDecisions(w io.Writer, d gen.Decisions) {
	fmt.Fprintf(w, "%s\n", d.Arch)
	printRows(w, d.Rows)
	fmt.Fprintf(w, "  %d calls have a name here. %d are allowed whatever their arguments, %d of them by the kernel's cache without running the filter.\n",
		d.Calls, d.Allowed, d.Cached)
	if len(d.Filters) > 0 {
		fmt.Fprintf(w, "  %d filters, the newest first; all of them run where the cache does not decide:\n", len(d.Filters))
	}
	for _, f := range d.Filters {
		fmt.Fprintf(w, "    %s: %d instructions (eBPF: %d), at most %d executed.\n", f.Policy, f.Length, f.EBPF, f.Longest)
	}
	fmt.Fprintf(w, "  %d instructions (eBPF: %d), at most %d executed.\n", d.Length, d.EBPF, d.Longest)
}

func printRows(w io.Writer, rows []gen.Decision) {
	actions, calls := 0, 0
	for _, r := range rows {
		actions = max(actions, len(r.Action))
		if lines := subject(r); r.When != "" {
			calls = max(calls, len(lines[len(lines)-1]))
		}
	}
	for _, r := range rows {
		lines := subject(r)
		for i, line := range lines {
			text := fmt.Sprintf("  %-*s  %s", actions, r.Action, line)
			if i == len(lines)-1 && r.When != "" {
				text = fmt.Sprintf("  %-*s  %-*s  %s", actions, r.Action, calls, line, condition(r.When))
			}
			fmt.Fprintln(w, text)
		}
	}
}

// subject is what a row is about, in lines: names before a condition take less room.
func subject(r gen.Decision) []string {
	if r.Else != "" {
		return []string{r.Else}
	}
	width := callsWidth
	if r.When != "" {
		width /= 3
	}
	var lines []string
	line := ""
	for _, name := range r.Calls {
		if line != "" && len(line)+1+len(name) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + name)
	}
	return append(lines, line)
}

func condition(when string) string {
	if when == "otherwise" {
		return when
	}
	return "if " + when
}

func printExplanation(w io.Writer, e gen.Explanation) {
	name := fmt.Sprintf("%s (%d)", e.Call, e.Number)
	if e.Call == "" {
		name = fmt.Sprintf("number %d, which no call has", e.Number)
	}
	printVerdicts(w, fmt.Sprintf("%s: %s", e.Arch, name), e.Verdicts)
	if e.Logged != "" {
		fmt.Fprintf(w, "The kernel logged: %s.\n", e.Logged)
		if e.Other {
			fmt.Fprintf(w, "%s that to this call: another one gave it.\n", either(e, "This filter never answers", "These filters never answer"))
		}
	}
	printReasons(w, e)
	if e.Cached {
		fmt.Fprintf(w, "The kernel's cache answers it: %s (since Linux 5.11).\n", either(e, "the filter does not run", "no filter runs"))
	} else {
		fmt.Fprintf(w, "The kernel's cache does not answer it: %s.\n", either(e, "the filter runs", "all filters run"))
	}
	if len(e.Filters) == 0 {
		printExecuted(w, e)
		return
	}
	if !e.Cached {
		fmt.Fprintf(w, "Filter %d of %d, %s, decides%s.\n", e.Decides, len(e.Filters), e.Policy, assumed(e))
	}
	for i, own := range e.Filters {
		fmt.Fprintln(w)
		printVerdicts(w, fmt.Sprintf("Filter %d of %d, %s", i+1, len(e.Filters), own.Policy), own.Verdicts)
		printReasons(w, own)
		printExecuted(w, own)
	}
}

// either chooses the words for one filter or for a stack.
func either(e gen.Explanation, one, stack string) string {
	if len(e.Filters) > 0 {
		return stack
	}
	return one
}

func printVerdicts(w io.Writer, what string, verdicts []gen.Verdict) {
	if len(verdicts) == 1 {
		fmt.Fprintf(w, "%s: %s\n", what, verdicts[0].Action)
		return
	}
	fmt.Fprintf(w, "%s: it depends on arguments that are not given\n", what)
	width := 0
	for _, v := range verdicts {
		width = max(width, len(v.Action))
	}
	for _, v := range verdicts {
		fmt.Fprintf(w, "  %-*s  %s\n", width, v.Action, condition(v.When))
	}
}

// assumed says what a result supposes.
func assumed(e gen.Explanation) string {
	if !e.Assumed {
		return ""
	}
	return fmt.Sprintf(", to %s, with zero for all that is not given", e.Result)
}

func printExecuted(w io.Writer, e gen.Explanation) {
	fmt.Fprintf(w, "%d instructions executed%s:\n", len(e.Executed), assumed(e))
	for _, s := range e.Executed {
		fmt.Fprintf(w, "  %4d  %s\n", s.PC, s.Text)
	}
}

func printReasons(w io.Writer, e gen.Explanation) {
	switch len(e.Rules) {
	case 0:
	case 1:
		fmt.Fprintf(w, "Given by %s.\n", reason(e.Rules[0], e.Policy))
	default:
		fmt.Fprintln(w, "Given by the first of these that matches:")
		for _, r := range e.Rules {
			fmt.Fprintf(w, "  %s: %s\n", reason(r, e.Policy), r.Action)
		}
	}
}

// reason names a rule with the place where its author finds it.
func reason(r gen.Reason, policy string) string {
	text := r.Text + " of " + policy
	if r.Place != "" {
		text += ", " + r.Place
	}
	return text
}
