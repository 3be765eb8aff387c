package load

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
)

// noPolicies says what was looked for in vain.
func noPolicies(found *source) error {
	return fmt.Errorf("%s: no policies: there is no exported package-level variable of type dsl.Policy or *dsl.Policy (%s) in it: "+
		"declare one, as in `var Serve = dsl.Policy{…}`; unexported ones, local ones and those of other packages are not taken",
		found.ImportPath, dslPath)
}

// notBuilt says why the package, or the main around it, does not build: said is
// the go command's word on the main.
func notBuilt(ctx context.Context, g *toolchain, found *source, said string) error {
	if strings.Contains(said, mainDir) {
		// The author has no such file. Is the package in order without it?
		_, err := g.output(ctx, slices.Concat([]string{"build"}, flags, []string{found.ImportPath})...)
		alone := (*goError)(nil)
		switch {
		case errors.As(err, &alone):
			said = alone.said
		case err != nil:
			return err
		case strings.Contains(said, "dsl.Dump"):
			return fmt.Errorf("%s: the dsl package that it is built with does not fit this secgen: %s", found.ImportPath, dsl.SameVersion)
		case strings.Contains(said, dslPath): // cannot be imported, and the package gets along without
			return fmt.Errorf("%w (it does not import dsl at all)", noPolicies(found))
		}
	}
	return fmt.Errorf("%s does not build:\n%s", found.ImportPath, said)
}

// crash is how the runtime begins its last words (runtime/panic.go).
var crash = regexp.MustCompile(`(?m)^(panic|fatal error): `)

// cutPanic splits what a program said into what it printed and the words that
// the runtime ended it with.
func cutPanic(said string) (printed, trace string) {
	all := crash.FindAllStringIndex(said, -1)
	if len(all) == 0 {
		return said, ""
	}
	at := all[len(all)-1][0]
	if !strings.Contains(said[at:], "\n\ngoroutine ") {
		return said, ""
	}
	return said[:at], said[at:]
}

// frame is a function's name and place in a trace (runtime/traceback.go).
var frame = regexp.MustCompile(`(?m)^(\S.*)\n\t(.+):(\d+)(?: \+0x[0-9a-f]+)?$`)

// panicked says with what the package panicked, and where: the innermost line
// that is not the standard library's and, if that is not one of the package's
// own, the one of these that led there.
func panicked(g *toolchain, found *source, trace string) error {
	message, rest, _ := strings.Cut(trace, "\n\n")
	message, _, _ = strings.Cut(message, "\n[signal ") // has addresses
	message = strings.TrimPrefix(strings.TrimPrefix(message, "panic: "), "fatal error: ")
	where := ""
	for _, m := range frame.FindAllStringSubmatch(rest, -1) {
		function, file := m[1], m[2]
		if strings.HasPrefix(file, g.goroot+"/") || strings.HasPrefix(function, dslPath+".") || strings.HasPrefix(function, "main.") {
			continue
		}
		line, err := strconv.Atoi(m[3])
		if err != nil {
			continue
		}
		own := filepath.Dir(file) == found.Dir
		switch at := g.position(dsl.Frame{File: file, Line: line}); {
		case where == "":
			where = " at " + at
		case own:
			where += ", called from " + at
		}
		if own {
			break
		}
	}
	return fmt.Errorf("%s panics while it is initialised%s: %s", found.ImportPath, where, message)
}
