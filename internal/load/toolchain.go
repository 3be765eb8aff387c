package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/secgen-dev/secgen/dsl"
)

// A toolchain runs the go command in one directory, for the host.
type toolchain struct {
	dir     string  // working directory, absolute
	temp    string  // for all files that are not to stay
	goroot  string  // where the standard library's source is
	goflags string  // GOFLAGS, from the environment or from go env -w
	overlay overlay // the user's own, from GOFLAGS
}

// configure asks the go command for the settings that secgen must know too;
// they may come from the environment or from `go env -w`.
func (g *toolchain) configure(ctx context.Context) error {
	out, err := g.output(ctx, "env", "-json", "GOFLAGS", "GOROOT")
	if err != nil {
		return err
	}
	var env struct{ GOFLAGS, GOROOT string }
	if err := json.Unmarshal(out, &env); err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	g.goroot, g.goflags = env.GOROOT, env.GOFLAGS
	g.overlay, err = userOverlay(env.GOFLAGS, g.dir)
	return err
}

// output runs the go command and returns its standard output. If the command
// fails, the error is a [*goError].
func (g *toolchain) output(ctx context.Context, args ...string) ([]byte, error) {
	cmd := command(ctx, g.dir, "go", args...)
	cmd.Env = append(append(cmd.Environ(), hostEnv()...), "CGO_ENABLED=0", "GOTMPDIR="+g.temp)
	// Files, not pipes: what the go command leaves running may hold those open.
	stdout, err := os.CreateTemp(g.temp, "stdout-")
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	stderr, err := os.CreateTemp(g.temp, "stderr-")
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	failed := cmd.Run()
	out, err := os.ReadFile(stdout.Name())
	if err != nil {
		return nil, err
	}
	said, err := os.ReadFile(stderr.Name())
	switch {
	case err != nil:
		return nil, err
	case errors.Is(failed, exec.ErrNotFound):
		return nil, fmt.Errorf("loading a policy package takes the go command: install Go and have it on PATH: %w", failed)
	case failed != nil:
		return nil, &goError{args[0], strings.TrimSpace(string(out) + string(said)), failed}
	}
	return out, nil
}

// A goError is a failure of the go command.
type goError struct {
	command string
	said    string
	err     error
}

func (e *goError) Error() string { return fmt.Sprintf("go %s: %v\n%s", e.command, e.err, e.said) }
func (e *goError) Unwrap() error { return e.err }

// hostEnv are the settings under which what is built runs here, whatever the
// environment says for a cross build: those that secgen itself was built with,
// down to the level of the architecture (GOAMD64 and its like).
func hostEnv() []string {
	env := []string{"GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return env
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64":
			env = append(env, s.Key+"="+s.Value)
		}
	}
	return env
}

// command prepares a process that ends with ctx, and all that it has started
// with it.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // for what left the process group and holds its output
	ownGroup(cmd)
	return cmd
}

// position writes a frame as the go command writes positions.
func (g *toolchain) position(f dsl.Frame) string {
	return fmt.Sprintf("%s:%d", g.short(f.File), f.Line)
}

// short returns a path relative to the working directory if it is below it.
func (g *toolchain) short(path string) string {
	if rel, err := filepath.Rel(g.dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
