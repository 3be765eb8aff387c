// Package prove asks z3, an SMT solver that is no part of secgen, whether
// problems have solutions.
package prove

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Verdict is a solver's answer to one problem.
type Verdict string

const (
	Sat   Verdict = "sat"   // the problem has a solution
	Unsat Verdict = "unsat" // it has none
)

// Found reports whether z3 can be run.
func Found() bool {
	_, err := exec.LookPath("z3")
	return err == nil
}

// Verdicts answers problems, SMT-LIB 2 scripts with one (check-sat) each, in
// one run of the solver. Anything but sat and unsat is an error.
func Verdicts(ctx context.Context, problems ...[]byte) ([]Verdict, error) {
	if len(problems) == 0 {
		return nil, nil
	}
	out, err := run(ctx, bytes.Join(problems, []byte("\n(reset)\n")))
	if err != nil {
		return nil, err
	}
	lines := strings.Fields(out)
	if len(lines) != len(problems) {
		return nil, fmt.Errorf("z3 was asked %d problems and answered %d", len(problems), len(lines))
	}
	var verdicts []Verdict
	for i, l := range lines {
		v := Verdict(l)
		if v != Sat && v != Unsat {
			return nil, fmt.Errorf("z3 answered %q to problem %d", l, i)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

var value = regexp.MustCompile(`\(([a-z0-9_]+) #x([0-9a-f]{8})\)`)

// Solution returns the values of constants of 32 bits in a solution of a problem
// that has one.
func Solution(ctx context.Context, problem []byte, names ...string) (map[string]uint32, error) {
	asked := bytes.Join([][]byte{problem, []byte("(get-value (" + strings.Join(names, " ") + "))\n")}, nil)
	out, err := run(ctx, asked)
	if err != nil {
		return nil, err
	}
	values := map[string]uint32{}
	for _, m := range value.FindAllStringSubmatch(out, -1) {
		v, err := strconv.ParseUint(m[2], 16, 32)
		if err != nil {
			return nil, err
		}
		values[m[1]] = uint32(v)
	}
	for _, n := range names {
		if _, ok := values[n]; !ok {
			return nil, fmt.Errorf("z3 gave no value of %s: %s", n, out)
		}
	}
	return values, nil
}

// run feeds a script to z3, which reports mistakes on standard output.
func run(ctx context.Context, script []byte) (string, error) {
	cmd := exec.CommandContext(ctx, "z3", "-in", "-smt2")
	cmd.Stdin = bytes.NewReader(script)
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if i := bytes.Index(out, []byte("(error ")); i >= 0 {
		line, _, _ := strings.Cut(string(out[i:]), "\n")
		return "", errors.New("z3: " + line)
	}
	if err != nil {
		return "", fmt.Errorf("z3: %w", err)
	}
	return string(out), nil
}
