package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/load"
)

// filterFlags say what a FILTER argument does not say itself.
type filterFlags struct {
	Arch   string   `placeholder:"ARCH" help:"Architecture of a raw program, and which to take of a profile that has several. (amd64 for raw programs)"`
	Caps   []string `placeholder:"CAP,…" help:"Capabilities of the container that an OCI profile is for, as CAP_SYS_ADMIN; none are read off this machine."`
	Kernel string   `placeholder:"X.Y" help:"The oldest kernel that an OCI profile is for."`
}

// filterHelp tells what a FILTER may be.
const filterHelp = `A FILTER is a policy package (./policy, or ./policy:Serve for one policy of several), a Go file that secgen wrote (filter_linux.go, or
filter_linux.go:Serve), an OCI, Docker or Podman profile in JSON, a raw program (struct sock_filter after struct sock_filter), or one of these files as
it is in git (git:REVISION:PATH, and :NAME behind it).`

// filters reads a FILTER: the filters of one policy.
func (f filterFlags) filters(s *session, arg string) ([]gen.Filter, error) {
	all, err := f.read(s, arg)
	if err != nil {
		return nil, err
	}
	if names := policies(all); len(names) > 1 {
		return nil, fmt.Errorf("%s has %d policies (%s): name one, as in %s:%s", arg, len(names), strings.Join(names, ", "), arg, names[0])
	}
	return all, nil
}

// policies are the names of the policies that filters are of, in order.
func policies(all []gen.Filter) []string {
	var names []string
	for _, f := range all {
		if !slices.Contains(names, f.Policy) {
			names = append(names, f.Policy)
		}
	}
	return names
}

// read reads the filters of all policies that a FILTER has.
func (f filterFlags) read(s *session, arg string) ([]gen.Filter, error) {
	options := gen.ReadOptions{Arch: dsl.Arch(f.Arch), Caps: f.Caps, Kernel: f.Kernel}
	if rest, ok := strings.CutPrefix(arg, "git:"); ok {
		revision, path, ok := strings.Cut(rest, ":")
		if !ok {
			return nil, fmt.Errorf("%s: write git:REVISION:PATH", arg)
		}
		path, name, _ := strings.Cut(path, ":")
		text, err := show(s, revision, path)
		if err != nil {
			return nil, err
		}
		return named(arg, name)(gen.Read(path, text, options))
	}
	path, name, _ := strings.Cut(arg, ":")
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		return named(arg, name)(gen.Read(path, text, options))
	}
	return named(arg, name)(f.compile(s, path))
}

// show is a file as git has it. A package is never taken from there: that would
// run old code.
func show(s *session, revision, path string) ([]byte, error) {
	cmd := exec.CommandContext(s.ctx, "git", "show", "--end-of-options", revision+":"+path)
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git show %s:%s: %w\n%s", revision, path, err, bytes.TrimSpace(said.Bytes()))
	}
	if bytes.HasPrefix(text, []byte("tree "+revision)) {
		return nil, fmt.Errorf("git:%s:%s is a directory: policy packages are not run from git; name a generated file", revision, path)
	}
	return text, nil
}

func (f filterFlags) compile(s *session, path string) ([]gen.Filter, error) {
	pkg, err := load.Policies(s.ctx, load.Options{Stderr: s.stderr}, path)
	if err != nil {
		return nil, err
	}
	var all []gen.Filter
	for _, p := range pkg.Policies {
		shorten(&p)
		filters, err := gen.Compile(p)
		if err != nil {
			return nil, err
		}
		all = append(all, filters...)
	}
	return all, nil
}

// named keeps the filters of the policy with a name, if one is given.
func named(arg, name string) func([]gen.Filter, error) ([]gen.Filter, error) {
	return func(all []gen.Filter, err error) ([]gen.Filter, error) {
		if err != nil || name == "" {
			return all, err
		}
		own := slices.DeleteFunc(slices.Clone(all), func(f gen.Filter) bool { return f.Policy != name })
		if len(own) == 0 {
			return nil, errors.New(arg + ": there is no policy " + name)
		}
		return own, nil
	}
}
