package gen

import (
	"fmt"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/smt"
)

// SMT states in SMT-LIB 2 whether the filter's program differs from its policy:
// a solver such as z3 answers unsat exactly if they agree, whoever does not want
// to take secgen's own proof for it. A filter that was read as a program alone
// has no policy to be compared with: an error.
func (f Filter) SMT() ([]byte, error) {
	if len(f.table.Parts) == 0 {
		return nil, fmt.Errorf("%s: there is a program and no policy to compare it with: name the policy package or the profile that it was made of", f.Policy)
	}
	text, err := smt.Problem(f.table, f.Program)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Policy, err)
	}
	var names []string
	for _, a := range f.Arches {
		names = append(names, string(a))
	}
	return append([]byte(fmt.Sprintf("; %s, for %s.\n", f.Policy, strings.Join(names, ", "))), text...), nil
}
