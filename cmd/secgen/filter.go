package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/load"
	"github.com/secgen-dev/secgen/internal/process"
)

// filterFlags say what a FILTER argument does not say itself.
type filterFlags struct {
	Arch   string   `placeholder:"ARCH" help:"Architecture of a raw program, and which to take of a profile that has several. (amd64 for raw programs)"`
	Caps   []string `placeholder:"CAP,…" help:"Capabilities of the container that an OCI profile is for, as CAP_SYS_ADMIN; none are read off this machine."`
	Kernel string   `placeholder:"X.Y" help:"The oldest kernel that an OCI profile is for."`

	weights gen.Weights
}

// weightFlags say for which calls a filter is to be fast. They never change what it
// means.
type weightFlags struct {
	Weights string `enum:"default,uniform" default:"default" help:"For which calls to make filters fast: default, those that run the filter though the kernel remembers verdicts; uniform, all that are ever allowed alike."`
	Profile string `placeholder:"FILE" help:"Counts of calls to make filters fast for instead: a profile of secgen learn's, the table of strace -c, or JSON such as {\"read\": 12}."`
}

func (f weightFlags) chosen() (gen.Weights, error) { return gen.ReadWeights(f.Weights, f.Profile) }

// weighedFlags are those of commands that are about how a filter is made.
type weighedFlags struct {
	filterFlags
	weightFlags
}

// filters reads a FILTER, made as the weights say.
func (f weighedFlags) filters(s *session, arg string) ([]gen.Filter, error) {
	var err error
	if f.weights, err = f.chosen(); err != nil {
		return nil, err
	}
	return f.filterFlags.filters(s, arg)
}

// filterHelp tells what a FILTER may be.
const filterHelp = `A FILTER is a policy package (./policy, or ./policy:Serve for one policy of several), a Go file that secgen wrote (filter_linux.go, or
filter_linux.go:Serve), an OCI, Docker or Podman profile in JSON, a raw program (struct sock_filter after struct sock_filter), one of these files as
it is in git (git:REVISION:PATH, and :NAME behind it), or what a process runs under (pid:N, or pid:N:2 for its second newest filter alone; it is
compared with what others have for this machine). That needs CAP_SYS_ADMIN, and stops the process for a moment, as strace does.

Filters of one process together are written with commas, the newest first (./policy:Serve,./policy:Start): the kernel runs all of them and takes the most restrictive action.`

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

// read reads the filters of all policies that a FILTER has, or those of a stack.
func (f filterFlags) read(s *session, arg string) ([]gen.Filter, error) {
	if !strings.Contains(arg, ",") {
		return f.readOne(s, arg)
	}
	var newest [][]gen.Filter
	for piece := range strings.SplitSeq(arg, ",") {
		if piece == "" {
			return nil, fmt.Errorf("%s: there is no filter beside a comma: write one, or leave the comma out", arg)
		}
		own, err := f.filters(s, piece)
		if err != nil {
			return nil, err
		}
		if isRunning(arg) {
			own = gen.OnThisMachine(own)
		}
		if len(own) == 0 {
			return nil, fmt.Errorf("%s has no filter for this machine", piece)
		}
		newest = append(newest, own)
	}
	return gen.Stack(newest...)
}

func (f filterFlags) readOne(s *session, arg string) ([]gen.Filter, error) {
	if strings.HasPrefix(arg, "pid:") {
		return running(s, arg)
	}
	options := gen.ReadOptions{Arch: dsl.Arch(f.Arch), Caps: f.Caps, Kernel: f.Kernel, Weights: f.weights}
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
	if err != nil && (strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".json")) {
		return nil, err
	}
	return named(arg, name)(f.compile(s, path))
}

// isRunning reports whether a FILTER is a process's, alone or with others, and so
// for this machine only.
func isRunning(arg string) bool {
	return strings.HasPrefix(arg, "pid:") || strings.Contains(arg, ",pid:")
}

// running reads the filters of a process, pid:N, or one of them, pid:N:INDEX.
func running(s *session, arg string) ([]gen.Filter, error) {
	number, index, one := strings.Cut(strings.TrimPrefix(arg, "pid:"), ":")
	pid, err := strconv.Atoi(number)
	if err != nil || pid <= 0 {
		return nil, fmt.Errorf("%s: write pid:N, with the number of a process", arg)
	}
	taken, remark, err := process.Filters(s.ctx, pid)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", arg, err)
	}
	if remark != "" {
		fmt.Fprintf(s.stderr, "secgen: %s: %s\n", arg, remark)
	}
	if one {
		i, err := strconv.Atoi(index)
		if err != nil || i < 1 || i > len(taken) {
			return nil, fmt.Errorf("%s: the process has %d filters: write pid:%d:1 for the newest alone", arg, len(taken), pid)
		}
		taken = taken[i-1 : i]
	}
	var newest [][]gen.Filter
	for _, t := range taken {
		f, err := gen.Running(arg, t.Program, dsl.Flags(t.Flags))
		if err != nil {
			return nil, err
		}
		newest = append(newest, []gen.Filter{f})
	}
	return gen.Stack(newest...)
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
		filters, err := f.weights.Compile(p)
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
			return nil, fmt.Errorf("%s: there is no policy %s; it has %s", arg, name, strings.Join(policies(all), ", "))
		}
		return own, nil
	}
}
