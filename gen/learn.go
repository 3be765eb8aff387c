package gen

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/profile"
	"github.com/secgen-dev/secgen/gen/internal/source"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Profile is what programs were seen to ask of the kernel.
type Profile = profile.Profile

// ProfileKey is what a Profile counts calls by.
type ProfileKey = profile.Key

// The phases of a run, as in ProfileKey.
const (
	PhaseStart = profile.Start
	PhaseServe = profile.Serve
)

// ReadProfile reads a profile as secgen learn wrote it; name is for errors.
func ReadProfile(name string, text []byte) (*Profile, error) { return profile.Read(name, text) }

// StraceOptions are what a log of strace's does not say.
type StraceOptions = profile.StraceOptions

// ReadStrace reads what strace prints, with -f or not, or its tables (-c), into a
// profile. Arguments whose text says no number are not noted.
func ReadStrace(name string, text []byte, o StraceOptions) (*Profile, error) {
	return profile.ReadStrace(name, text, o)
}

// ReadAudit reads the records of calls in the audit log, the journal or what dmesg
// prints into a profile. There are none of arguments but in type=SYSCALL.
func ReadAudit(name string, text []byte) (*Profile, error) { return profile.ReadAudit(name, text) }

// LearnOptions are what a learned policy is besides its rules.
type LearnOptions struct {
	Package string // name of the package; empty: policy
	Name    string // of the variable, where there is one phase; empty: Policy
	Program string // path or base name of the program that it is for; empty: all of the profile
	Command string // what was run, for the documentation; empty: not known
	File    string // the profile's, for the same
}

// Learned turns a profile into the source of a policy package, for its author to go
// on with: one policy, or two if the profile has two phases. They allow all calls of
// the profile with the values of arguments that it has, and are proved by nothing else
// than what was seen: the remarks say what to decide.
func Learned(p *Profile, o LearnOptions) (text []byte, remarks []string, err error) {
	o.Package, o.Name = cmp.Or(o.Package, "policy"), cmp.Or(o.Name, "Policy")
	if err := checkNames(o.Package, o.Name); err != nil {
		return nil, nil, err
	}
	programs := programsOf(p)
	if o.Program != "" {
		name := shown(o.Program)
		p = p.Select(func(k ProfileKey) bool { return k.Program == o.Program || path.Base(k.Program) == o.Program })
		if p.Len() == 0 {
			return nil, nil, fmt.Errorf("the profile has no program %s; it has %s", name, cmp.Or(strings.Join(programs, ", "), "none by name"))
		}
		programs = []string{shown(path.Base(o.Program))}
	}
	l, err := p.Policies(o.Name)
	if err != nil {
		return nil, nil, err
	}
	for _, policy := range slices.Backward(l.Policies) { // Start, then Serve, which is on top of it
		if _, err := table.Resolve(dsl.Named{Name: policy.Name, Policy: policy.Policy}); err != nil {
			return nil, nil, fmt.Errorf("the profile has what no policy can allow: %w", err)
		}
	}
	if len(programs) > 1 {
		l.Remarks = append([]string{fmt.Sprintf("The profile has %d programs (%s), and the policy allows each what any of them did: name one by -program to have it for that alone.",
			len(programs), strings.Join(programs, ", "))}, l.Remarks...)
	}
	subject := "The program"
	if len(programs) > 0 {
		subject = listed(programs)
	}
	o.document(l, p, subject)
	text, err = source.Write(o.Package, o.packageDoc(subject), l.Lists, l.Policies...)
	return text, l.Remarks, err
}

// WriteLearned writes what Learned makes to a path at which nothing is yet. Without a
// name, the package is that of the directory.
func WriteLearned(ctx context.Context, path string, p *Profile, o LearnOptions) (remarks []string, err error) {
	err = writeNew(ctx, path, o.Package, func(pkg string) (text []byte, err error) {
		o.Package = pkg
		text, remarks, err = Learned(p, o)
		return text, err
	})
	return remarks, err
}

// programsOf are the base names of a profile's programs, as they are shown.
func programsOf(p *Profile) []string {
	names := map[string]bool{}
	for _, k := range p.Keys() {
		if k.Program != "" {
			names[shown(path.Base(k.Program))] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// listed joins names, the first few of many.
func listed(names []string) string {
	const most = 4
	if len(names) > most {
		return fmt.Sprintf("%s and %d other programs", strings.Join(names[:most], ", "), len(names)-most)
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func (o LearnOptions) packageDoc(subject string) string {
	doc := fmt.Sprintf("Package %s says what %s may ask of the kernel. It was learned", o.Package, lower(subject))
	if o.Command != "" {
		doc += " by\n\n\t" + shown(oneLine(o.Command)) + "\n\nand"
	} else {
		doc += ", and"
	}
	doc = strings.Join(paragraphs(doc+" allows what was seen, with the arguments that were seen: what the program does in other cases, after an error, say, is for its author to add."), "\n")
	if o.File != "" {
		doc += "\n\nTo make its filters fast for the calls that were counted:\n\n\t//go:generate env GOOS= GOARCH= go tool secgen generate -profile " + shown(oneLine(o.File)) + " -o filter_linux.go ./" + o.Package
	}
	return doc
}

// paragraphs wraps the text between empty lines.
func paragraphs(text string) []string {
	var lines []string
	for i, p := range strings.Split(text, "\n\n") {
		if i > 0 {
			lines = append(lines, "")
		}
		if strings.HasPrefix(p, "\t") {
			lines = append(lines, p)
			continue
		}
		lines = append(lines, wrapped(p, "", "")...)
	}
	return lines
}

// shown is a text that others chose, in quotes if some of it could not be seen.
func shown(text string) string {
	if source.Printable(text) {
		return text
	}
	return strconv.Quote(text)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func lower(text string) string {
	if rest, ok := strings.CutPrefix(text, "The "); ok {
		return "the " + rest
	}
	return text
}

// document says what the policies are.
func (o LearnOptions) document(l *profile.Learned, p *Profile, subject string) {
	const trial = "What it does not name ends the process, since a filter is of little use otherwise. Until you know that all is there, let it log that instead: install dsl.Observe of it, or try programs by secgen run -observe."
	if len(l.Policies) == 1 {
		l.Policies[0].Doc = paragraphs(fmt.Sprintf("%s is what %s was seen to ask of the kernel: %s.\n\n%s", o.Name, lower(subject), amount(p), trial))
		return
	}
	serve := p.Select(func(k ProfileKey) bool { return k.Phase == PhaseServe })
	l.Lists[0].Doc = paragraphs(fmt.Sprintf("%s is what %s does once it serves, which it may do at its start too.", l.Lists[0].Name, lower(subject)))
	l.Policies[0].Doc = paragraphs(fmt.Sprintf("Serve is what %s was seen to ask of the kernel once it served: %s. It is installed on top of Start, which takes away what only Start names.\n\n%s",
		lower(subject), amount(serve), trial))
	l.Policies[1].Doc = paragraphs(fmt.Sprintf("Start is what %s was seen to ask of the kernel from its execve on: %s.", lower(subject), amount(p)))
}

// amount says how many calls a profile has.
func amount(p *Profile) string {
	var sum uint64
	calls := map[string]bool{}
	arches := map[dsl.Arch]bool{}
	for _, k := range p.Keys() {
		sum += p.Call(k).Count
		calls[cmp.Or(k.Name(), fmt.Sprint(k.Number))] = true
		arches[k.Arch] = true
	}
	text := fmt.Sprintf("%s, %d different", profile.Times(sum, "call"), len(calls))
	if len(calls) == 1 {
		text = fmt.Sprintf("%s, all the same", profile.Times(sum, "call"))
	}
	var names []string
	for _, a := range p.Arches() {
		names = append(names, string(a))
	}
	return text + ", on " + listed(names)
}
