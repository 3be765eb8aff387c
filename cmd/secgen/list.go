package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/group"
	"github.com/secgen-dev/secgen/dsl/group/systemd"
	"github.com/secgen-dev/secgen/gen"
)

type listCmd struct {
	Arch   string `default:"amd64" placeholder:"ARCH" help:"Architecture whose numbers, arguments and values are shown. (amd64)"`
	Format string `enum:"text,json" default:"text" help:"text or json."`

	What string   `arg:"" optional:"" default:"calls" help:"calls, constants, errnos or groups."`
	Name []string `arg:"" optional:"" help:"Names, patterns as O_*, or numbers; all, if there is none."`
}

// Help is what kong shows below the flags.
func (listCmd) Help() string {
	return `What secgen knows of Linux, on one architecture: calls with their arguments, constants and errnos with their values, and the groups of rules of
package dsl/group with what they mean.

    secgen list calls openat 'clone*'
    secgen list calls --arch s390x mmap
    secgen list constants --arch mips 'O_*'
    secgen list errnos 13

Of an argument it shows the registers that hold it, as args of seccomp_data (the lower half first, where two hold it), the bits of it that the kernel
looks at and conditions compare, its sign, and its C type. What is odd about it stands below.`
}

func (c *listCmd) Run(s *session) error {
	arch := dsl.Arch(c.Arch)
	switch c.What {
	case "calls":
		calls, err := gen.Syscalls(arch, c.Name...)
		return output(c, s.stdout, calls, err, func(w io.Writer) {
			for _, call := range calls {
				printSyscall(w, call)
			}
			if note := gen.ArchNote(arch); note != "" {
				fmt.Fprintln(w, note)
			}
		})
	case "constants":
		found, err := gen.Constants(arch, c.Name...)
		return output(c, s.stdout, found, err, func(w io.Writer) { printNamed(w, found) })
	case "errnos":
		found, err := gen.Errnos(arch, c.Name...)
		return output(c, s.stdout, found, err, func(w io.Writer) { printNamed(w, found) })
	case "groups":
		found, err := c.groups(arch)
		return output(c, s.stdout, found, err, func(w io.Writer) { printGroups(w, found) })
	}
	return fmt.Errorf("there are no %s to list: say calls, constants, errnos or groups before names", c.What)
}

// output writes what was found as JSON, or as text prints it.
func output[T any](c *listCmd, w io.Writer, found []T, err error, text func(io.Writer)) error {
	if err != nil {
		return err
	}
	if c.Format == "json" {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(found)
	}
	text(w)
	return nil
}

func printSyscall(w io.Writer, call gen.Syscall) {
	fmt.Fprintf(w, "%s (%d)\n", call.Name, call.Number)
	for _, note := range call.Notes {
		fmt.Fprintf(w, "    %s\n", note)
	}
	name, place := 0, 0
	for _, a := range call.Args {
		name, place = max(name, len(a.Name)), max(place, len(seen(a)))
	}
	for _, a := range call.Args {
		fmt.Fprintf(w, "  %-*s  %-*s  %-17s  %s\n", name, a.Name, place, seen(a), kind(a), a.Type)
		for _, note := range a.Notes {
			fmt.Fprintf(w, "      %s\n", note)
		}
	}
}

// seen says where a filter sees an argument.
func seen(a gen.Argument) string {
	switch len(a.Slots) {
	case 0:
		return "on the stack, unseen"
	case 1:
		return fmt.Sprintf("args[%d]", a.Slots[0])
	}
	return fmt.Sprintf("args[%d] args[%d]", a.Slots[0], a.Slots[1])
}

func kind(a gen.Argument) string {
	switch {
	case a.Pointer:
		return "pointer"
	case a.Signed:
		return fmt.Sprintf("%d bits, signed", a.Bits)
	}
	return fmt.Sprintf("%d bits, unsigned", a.Bits)
}

func printNamed(w io.Writer, found []gen.Named) {
	name, value := 0, 0
	for _, n := range found {
		name, value = max(name, len(n.Name)), max(value, len(n.Value.String()))
	}
	for _, n := range found {
		fmt.Fprintf(w, "%-*s  %*s  %#x\n", name, n.Name, value, n.Value, n.Value.Bits)
	}
}

// ruleGroup is a group of package dsl/group, or a set of dsl/group/systemd.
type ruleGroup struct {
	Name string         `json:"name"`
	What string         `json:"what"`
	Rows []gen.Decision `json:"rows,omitempty"` // what its rules answer
	Not  string         `json:"not,omitempty"`  // why it cannot be used on the architecture

	rules []dsl.Rule
}

var ruleGroups = append([]ruleGroup{
	{Name: "group.GlibcStart", What: "what a C program with glibc needs besides GlibcThreads until main runs", rules: group.GlibcStart},
	{Name: "group.GlibcThreads", What: "what glibc needs to make threads, synchronise and end them, and to manage memory", rules: group.GlibcThreads},
	{Name: "group.GoCgo", What: "what the runtime of a Go program with cgo needs besides GoRuntime", rules: group.GoCgo},
	{Name: "group.GoCgoStart", What: "what a Go program with cgo needs besides GoRuntime and GoCgo until main runs", rules: group.GoCgoStart},
	{Name: "group.GoConn", What: "what package net needs besides GoRuntime for connections that are there or come in", rules: group.GoConn},
	{Name: "group.GoExec", What: "what os/exec needs besides GoRuntime; the programs need their own", rules: group.GoExec},
	{Name: "group.GoNet", What: "what package net needs besides GoRuntime to listen, to dial and to look names up", rules: group.GoNet},
	{Name: "group.GoRuntime", What: "what the runtime of a Go program without cgo needs once main runs", rules: group.GoRuntime},
	{Name: "group.GoStart", What: "what a Go program without cgo needs besides GoRuntime until main runs", rules: group.GoStart},
	{Name: "group.Install", What: "what the installation of the next stage needs", rules: group.Install},
	{Name: "group.MuslStart", What: "what a C program with musl needs besides MuslThreads until main runs", rules: group.MuslStart},
	{Name: "group.MuslThreads", What: "what musl needs to make threads, synchronise and end them, and to manage memory", rules: group.MuslThreads},
}, systemdSets()...)

// systemdSets are the sets of package systemd as groups that allow their calls.
func systemdSets() []ruleGroup {
	var list []ruleGroup
	for _, s := range systemd.Sets {
		list = append(list, ruleGroup{Name: "systemd." + s.Name, What: "the calls of " + s.Filter, rules: []dsl.Rule{dsl.Allow.For(s.Calls)}})
	}
	return list
}

// groups finds groups, and what a policy of their rules alone answers.
func (c *listCmd) groups(arch dsl.Arch) ([]ruleGroup, error) {
	patterns := c.Name
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	var found []ruleGroup
	for _, p := range patterns {
		before := len(found)
		for _, g := range ruleGroups {
			_, base, _ := strings.Cut(g.Name, ".")
			match, err := path.Match(p, base)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p, err)
			}
			if !match && p != g.Name {
				continue
			}
			if g.Rows, err = answers(g, arch); err != nil {
				_, why, _ := strings.Cut(err.Error(), g.Name+": ")
				g.Not, _, _ = strings.Cut(why, "\n")
			}
			found = append(found, g)
		}
		if len(found) == before {
			return nil, fmt.Errorf("no group matches %s", p)
		}
	}
	return found, nil
}

func answers(g ruleGroup, arch dsl.Arch) ([]gen.Decision, error) {
	filters, err := gen.Compile(dsl.Named{Name: g.Name, Policy: &dsl.Policy{
		Arches: []dsl.Arch{arch}, Default: dsl.KillProcess, Rules: g.rules,
	}})
	if err != nil {
		return nil, err
	}
	decisions, err := gen.Decide(filters, arch)
	if err != nil {
		return nil, err
	}
	var rows []gen.Decision
	for _, r := range decisions[0].Rows {
		if r.Else == "" && !strings.HasPrefix(r.Action, "kill") {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

func printGroups(w io.Writer, found []ruleGroup) {
	for _, g := range found {
		fmt.Fprintf(w, "%s: %s\n", g.Name, g.What)
		printRows(w, g.Rows)
		if g.Not != "" {
			fmt.Fprintf(w, "  not on this architecture: %s\n", g.Not)
		}
	}
}
