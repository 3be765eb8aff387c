package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
)

// mainDir is the directory of the main package, below one of the author's. It
// exists in the overlay alone.
const mainDir = "zz_secgen_main"

// build builds the program that encodes the package's policies and returns its path.
func build(ctx context.Context, g *toolchain, found *source) (string, error) {
	if len(found.variables) == 0 && !found.broken {
		return "", noPolicies(found)
	}
	// Below a main module's package, the main may import it wherever it is. No
	// file can be added to other modules (GOMODCACHE is closed to overlays, and
	// a vendor directory has a list), so there the working directory must do.
	dir, pkg := found.Dir, found.ImportPath+"/"+mainDir
	if found.Module == nil || !found.Module.Main {
		dir, pkg = g.dir, "./"+mainDir
	}
	text := filepath.Join(g.temp, "main.go")
	if err := os.WriteFile(text, mainText(found), 0o600); err != nil {
		return "", err
	}
	overlay := filepath.Join(g.temp, "overlay.json")
	if err := g.overlay.with(filepath.Join(dir, mainDir, "main.go"), text).write(overlay); err != nil {
		return "", err
	}
	program := filepath.Join(g.temp, "policies.exe") // by this name it runs everywhere
	args := append([]string{"build", "-overlay=" + overlay, "-o", program, linkerFlags(g.goflags)}, flags...)
	_, err := g.output(ctx, append(args, pkg)...)
	if e := (*goError)(nil); errors.As(err, &e) && ctx.Err() == nil {
		return "", notBuilt(ctx, g, found, e.said)
	}
	return program, err
}

// mainText is the program: it writes the policies to the file that its argument
// names, since standard output and error are the author's.
func mainText(found *source) []byte {
	var names, pointers strings.Builder
	for _, v := range found.variables {
		fmt.Fprintf(&names, "%q, ", v.name)
		fmt.Fprintf(&pointers, "&policy.%s, ", v.name)
	}
	policy := "policy"
	if len(found.variables) == 0 { // then it is built for the compiler's errors
		policy = "_"
	}
	return fmt.Appendf(nil, `package main

import (
	"os"

	%s %q
	"%s"
)

func main() {
	f, err := os.Create(os.Args[1])
	if err == nil {
		err = dsl.Dump(f, []string{%s}, []any{%s})
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		panic(err)
	}
}
`, policy, found.ImportPath, dslPath, names.String(), pointers.String())
}

// run runs the program in the directory of the package, as `go generate` and
// `go test` do, and returns the policies. What the package prints goes to
// stderr.
func run(ctx context.Context, g *toolchain, program string, found *source, stderr io.Writer) ([]dsl.Named, error) {
	document := filepath.Join(g.temp, "policies.json")
	// A file, not a pipe: a process that the package leaves behind may hold it.
	said, err := os.Create(filepath.Join(g.temp, "said"))
	if err != nil {
		return nil, err
	}
	defer said.Close()
	cmd := command(ctx, found.Dir, program, document)
	cmd.Env = append(cmd.Environ(), "GOTRACEBACK=single")
	cmd.Stdout, cmd.Stderr = said, said
	err = cmd.Run()
	text, readErr := os.ReadFile(said.Name())
	if readErr != nil {
		return nil, readErr
	}
	printed, trace := string(text), ""
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		printed, trace = cutPanic(printed)
	}
	if printed != "" {
		fmt.Fprintf(stderr, "secgen: %s prints while it is initialised:\n%s\n", found.ImportPath, strings.TrimSuffix(printed, "\n"))
	}
	switch {
	case trace != "":
		return nil, panicked(g, found, trace)
	case err != nil && cmd.ProcessState == nil:
		return nil, fmt.Errorf("%s: its policies are found by running a program, which did not start: %w; "+
			"if this directory does not allow programs, set GOTMPDIR to one that does", found.ImportPath, err)
	case err != nil && !cmd.ProcessState.Exited():
		return nil, fmt.Errorf("%s: the program that initialises it was ended by a %v", found.ImportPath, cmd.ProcessState)
	}
	encoded, openErr := os.Open(document)
	if err != nil || errors.Is(openErr, os.ErrNotExist) {
		return nil, fmt.Errorf("%s ends the program while it is initialised (%v, by os.Exit, log.Fatal or their like): "+
			"a policy package must only declare its policies", found.ImportPath, cmd.ProcessState)
	}
	if openErr != nil {
		return nil, openErr
	}
	defer encoded.Close()
	policies, err := dsl.Decode(encoded)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", found.ImportPath, err)
	}
	return policies, nil
}
