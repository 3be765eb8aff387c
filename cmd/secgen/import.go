package main

import (
	"os"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
)

type importCmd struct {
	From   string   `enum:"oci" default:"oci" help:"What the file is: oci, an OCI, Docker or Podman profile."`
	Arch   string   `placeholder:"ARCH" help:"The architecture to import the profile for, with the others of its family. (all that the profile lists)"`
	Caps   []string `placeholder:"CAP,…" help:"Capabilities of the container, as CAP_SYS_ADMIN; none are read off this machine."`
	Kernel string   `placeholder:"X.Y" help:"The oldest kernel that it runs on."`

	Output string `short:"o" name:"output" placeholder:"FILE" help:"The Go file, which must not be there yet; - or none is standard output."`
	Pkg    string `placeholder:"NAME" help:"The package that the file belongs to. (that of its directory, or policy)"`
	Name   string `default:"Policy" help:"The variable."`

	File string `arg:"" help:"The profile."`
}

// Help is what kong shows below the flags.
func (importCmd) Help() string {
	return `The policy means exactly what container runtimes make of the profile, which is proved, and is the author's from then on. Arguments that a profile
compares in more bits than the kernel looks at stay that way, as dsl.Raw, with a comment. What is left out, since it is for other capabilities or no
architecture has it, is in the comment of the variable.

    secgen import -arch amd64 -caps CAP_NET_BIND_SERVICE -o policy/policy.go docker.json

Exit codes: 0 if all went well, else 2, and then nothing was written.`
}

func (c *importCmd) Run(s *session) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	o := gen.ImportOptions{
		ReadOptions: gen.ReadOptions{Arch: dsl.Arch(c.Arch), Caps: c.Caps, Kernel: c.Kernel},
		Package:     c.Pkg, Name: c.Name,
	}
	if c.Output != "" && c.Output != "-" {
		return gen.WriteImport(s.ctx, c.Output, c.File, text, o)
	}
	source, err := gen.Import(c.File, text, o)
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(source)
	return err
}
