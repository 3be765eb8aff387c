package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
)

type learnCmd struct {
	Output string `short:"o" name:"output" placeholder:"FILE" help:"The file to write, which must not be there yet: the policy if it ends with .go, the profile if with .json; - or none prints the policy."`
	Append string `placeholder:"PROFILE" help:"Add what was seen to this profile, which is made if it is not there, and make the policy of the whole."`

	Marker  string `default:"listen" placeholder:"CALL" help:"The call whose first use divides start from serving. (listen)"`
	Program string `placeholder:"NAME" help:"Make the policy of what this program did alone, by its path or the last part of it."`
	Pkg     string `placeholder:"NAME" help:"The package that the policy belongs to. (that of its directory, or policy)"`
	Name    string `placeholder:"NAME" help:"The variable. (Policy)"`
	Quiet   bool   `short:"q" help:"Do not show the count of calls meanwhile, nor what was learned."`

	Merge  bool   `help:"The arguments are profiles, not a command: put them together."`
	Strace string `placeholder:"FILE" help:"Learn from what strace -f or strace -f -c wrote."`
	Audit  string `placeholder:"FILE" help:"Learn from the kernel's audit records, in audit.log or the output of dmesg."`
	Arch   string `placeholder:"ARCH" help:"The architecture that strace's output is from. (this machine's)"`

	Command []string `arg:"" optional:"" help:"The command and its arguments, after --."`
}

// Help is what kong shows below the flags.
func (learnCmd) Help() string {
	return `Runs a command, has every system call of its and its children's handed over, counts it and lets it happen, and writes a policy of what was seen: a Go
file to go on with. Exercise the program well, its error paths too: what it did not do is not in the policy. secgen run -observe shows what is missing.

    secgen learn -append server.json -o policy/policy.go -- ./server -listen 127.0.0.1:8080
    secgen learn -append server.json -- ./server -selftest         # a second run: more in the profile
    secgen generate -profile server.json -o filter_linux.go ./policy

The profile counts calls and argument values per program, thread and phase. Profiles of many runs and machines can be put together (-merge, -append).
With calls seen before and after the first listen(2), or another -marker, the policy has two stages.

It takes Linux 5.6; the command runs with no_new_privs, so programs that are set-user-ID do not become another user. Without this supervisor calls fail
with ENOSYS, so killing secgen ends the command's work. Signals are passed on.

Exit codes: the command's, 128 and the number of the signal that ended it, 127 or 126 if it could not be found or executed; 125 if secgen failed.
Without a command: 0 if all went well, else 2, as for options that there are not. Two runs that add to one profile at the same time can lose one's calls.`
}

func (c *learnCmd) Run(s *session) error {
	if s.rest != nil {
		c.Command = s.rest
	}
	sources := 0
	for _, given := range []bool{c.Merge, c.Strace != "", c.Audit != "", len(c.Command) > 0 && !c.Merge} {
		if given {
			sources++
		}
	}
	switch {
	case sources == 0:
		return errors.New("nothing to learn from: give a command after --, or -strace, -audit or -merge")
	case sources > 1:
		return errors.New("a command, -strace, -audit and -merge exclude each other: collect in a profile with -append")
	case c.Merge && len(c.Command) == 0:
		return errors.New("-merge: name the profiles")
	}
	err := c.check()
	switch command := len(c.Command) > 0 && !c.Merge; {
	case err != nil && command:
		return exit{failed, err}
	case err != nil:
		return err
	case command:
		return c.learn(s)
	}
	p, err := c.read()
	if err != nil {
		return err
	}
	return c.write(s, p)
}

// check refuses what could not be done afterwards, before anything is run.
func (c *learnCmd) check() error {
	if c.Marker != "" {
		if arch := cmp.Or(c.Arch, runtime.GOARCH); !slices.Contains(gen.Calls(), c.Marker) {
			return fmt.Errorf("-marker: there is no call %s; secgen list calls -arch %s has all", c.Marker, arch)
		}
	}
	if err := gen.CheckNames(c.Pkg, c.Name); err != nil {
		return err
	}
	if c.Append != "" {
		if _, err := gen.OpenProfile(c.Append); err != nil {
			return err
		}
		if err := writable(c.Append); err != nil {
			return err
		}
	}
	switch ext := filepath.Ext(c.Output); {
	case c.Output == "" || c.Output == "-":
		return nil
	case ext != ".go" && ext != ".json":
		return fmt.Errorf("%s: name a Go file for the policy, or a .json file for the profile", c.Output)
	}
	if info, err := os.Stat(c.Output); err == nil && info.Size() > 0 {
		return fmt.Errorf("%s is there: remove it first, or write elsewhere; -append adds to a profile", c.Output)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return writable(c.Output)
}

// writable returns an error unless a file can be put at the path.
func writable(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".secgen-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// read reads what was recorded elsewhere.
func (c *learnCmd) read() (*gen.Profile, error) {
	name := c.Strace + c.Audit
	if !c.Merge {
		text, err := os.ReadFile(name)
		switch {
		case err != nil:
			return nil, err
		case c.Audit != "":
			return gen.ReadAudit(name, text)
		}
		return gen.ReadStrace(name, text, gen.StraceOptions{Arch: dsl.Arch(c.Arch), Marker: c.Marker})
	}
	all := &gen.Profile{}
	for _, name := range c.Command {
		if _, err := os.Stat(name); err != nil {
			return nil, err
		}
		p, err := gen.OpenProfile(name)
		if err != nil {
			return nil, err
		}
		all.Merge(p)
	}
	return all, nil
}

// write writes what was asked for of a profile.
func (c *learnCmd) write(s *session, p *gen.Profile) error {
	if c.Append != "" {
		var err error
		if p, err = gen.AppendProfile(s.ctx, c.Append, p); err != nil {
			return err
		}
	}
	if filepath.Ext(c.Output) == ".json" {
		return gen.WriteProfile(s.ctx, c.Output, p)
	}
	if c.Append != "" && c.Output == "" {
		return nil
	}
	o := gen.LearnOptions{Package: c.Pkg, Name: c.Name, Program: c.Program, File: c.Append}
	if !c.Merge {
		o.Command = strings.Join(c.Command, " ")
	}
	var remarks []string
	var err error
	if c.Output == "" || c.Output == "-" {
		var source []byte
		if source, remarks, err = gen.Learned(p, o); err == nil {
			_, err = s.stdout.Write(source)
		}
	} else {
		remarks, err = gen.WriteLearned(s.ctx, c.Output, p, o)
	}
	if err != nil || c.Quiet {
		return err
	}
	for _, r := range remarks {
		fmt.Fprintln(s.stderr, "secgen: "+r)
	}
	return nil
}
