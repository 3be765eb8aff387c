package gen

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/oci"
	"github.com/secgen-dev/secgen/gen/internal/source"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// ImportOptions are what an imported policy is besides its rules.
type ImportOptions struct {
	ReadOptions
	Package string // name of the package; empty: policy
	Name    string // of the variable; empty: Policy
}

// Import turns an OCI, Docker or Podman profile into the source of a policy package
// with one policy, for its author to go on with. The policy has been proved to mean
// what runtimes make of the profile.
func Import(name string, text []byte, o ImportOptions) ([]byte, error) {
	o.Package, o.Name = cmp.Or(o.Package, "policy"), cmp.Or(o.Name, "Policy")
	if err := checkNames(o.Package, o.Name); err != nil {
		return nil, err
	}
	profile, notes, err := oci.ReadWithNotes(name, text, oci.Options{Arch: o.Arch, Caps: o.Caps, Kernel: o.Kernel})
	if err != nil {
		return nil, err
	}
	policy, rules := source.Restate(profile.Policy, notes.Comments)
	if err := equal(profile, dsl.Named{Name: name, Policy: policy}); err != nil {
		return nil, err
	}
	return source.Write(o.Package, o.packageDoc(), nil, source.Policy{Name: o.Name, Doc: o.doc(name, notes, rules), Policy: policy, Rules: rules})
}

// WriteImport writes what Import makes to a path at which nothing is yet, for it is
// the author's from then on. Without a name, the package is that of the directory.
func WriteImport(ctx context.Context, path, name string, text []byte, o ImportOptions) error {
	return writeNew(ctx, path, o.Package, func(pkg string) ([]byte, error) {
		o.Package = pkg
		return Import(name, text, o)
	})
}

// writeNew writes the source of a package to a path at which nothing is yet. An empty
// name of the package is that of the directory.
func writeNew(ctx context.Context, path, pkg string, source func(pkg string) ([]byte, error)) error {
	if !isSource(path) {
		return fmt.Errorf("%s: the file to write must be a Go source file, such as policy.go", path)
	}
	if old, err := os.ReadFile(path); err == nil && len(bytes.TrimSpace(old)) > 0 {
		return fmt.Errorf("%s is there: remove it first, or write elsewhere", path)
	}
	if pkg == "" {
		var err error
		if pkg, err = packageName(path); err != nil {
			return err
		}
	}
	text, err := source(pkg)
	if err != nil {
		return err
	}
	return replace(ctx, []output{{path, text}})
}

// checkNames returns an error unless a policy's package and variable can be called so.
func checkNames(pkg, variable string) error {
	if !token.IsIdentifier(pkg) || pkg == "_" {
		return fmt.Errorf("%q is no name of a package; say which the policy belongs to", pkg)
	}
	if !token.IsIdentifier(variable) || !token.IsExported(variable) {
		return fmt.Errorf("%q is no name of an exported variable, as a policy's must be", variable)
	}
	return nil
}

// equal returns an error unless two policies mean the same.
func equal(a, b dsl.Named) error {
	before, err := table.Resolve(a)
	if err != nil {
		return err
	}
	after, err := table.Resolve(b)
	if err != nil {
		return fmt.Errorf("secgen made a wrong policy and threw it away; please report this: %w", err)
	}
	for i := range before {
		s := meaning.NewSpace(meaning.Budget)
		f, err := s.Table(before[i])
		if err != nil {
			return fmt.Errorf("%s: what the profile means could not be found out: %w", a.Name, err)
		}
		g, err := s.Table(after[i])
		if err != nil {
			return fmt.Errorf("%s: what the policy means could not be found out: %w", a.Name, err)
		}
		if f != g {
			return errors.New(a.Name + ": secgen made a policy that means something else and threw it away; please report this")
		}
	}
	return nil
}

func (o ImportOptions) packageDoc() string {
	return fmt.Sprintf("Package %s says what a container may ask of the kernel.", o.Package)
}

// doc is the documentation of the variable, in lines.
func (o ImportOptions) doc(name string, notes oci.Notes, rules []source.Rule) []string {
	first := fmt.Sprintf("%s means what container runtimes make of %s", o.Name, filepath.Base(name))
	if len(o.Caps) > 0 {
		first += ", for a container with " + strings.Join(o.Caps, ", ")
	}
	if o.Kernel != "" {
		first += ", on Linux " + o.Kernel + " or later"
	}
	lines := wrapped(first+".", "", "")
	raw := func(c dsl.Cond) bool { return c.Call == "" && c.Arg != "" }
	if slices.ContainsFunc(rules, func(r source.Rule) bool { return slices.ContainsFunc(r.Conds, raw) }) {
		lines = append(lines, "")
		lines = append(lines, wrapped("dsl.Raw is a register, all bits of which are compared, as those runtimes do. Of most arguments the kernel looks at 32; conditions on an argument by its name, as sys.Socket.Domain, are about what it looks at.", "", "")...)
	}
	if len(notes.Left) > 0 {
		lines = append(lines, "", "Left out:")
		for _, l := range notes.Left {
			lines = append(lines, wrapped(l, "  - ", "    ")...)
		}
	}
	return lines
}

// wrapped breaks a text into lines.
func wrapped(text, first, rest string) []string {
	const width = 100
	var lines []string
	line := first
	for i, word := range strings.Fields(text) {
		if i > 0 && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = rest
		} else if i > 0 {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
