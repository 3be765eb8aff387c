package gen

import (
	"errors"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

func TestAWrongProgramIsAnErrorWithACallThatShowsIt(t *testing.T) {
	p := dsl.Named{Name: "Serve", Policy: &dsl.Policy{
		Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess, Rules: []dsl.Rule{dsl.Allow.For(sys.Read)},
	}}
	lies := func(*tree.Node) (kernel.Program, map[*tree.Node]int) {
		return kernel.Program{{Op: kernel.Return, K: 0x7fff0000}}, nil
	}
	filters, err := Weights{}.compile(p, lies)
	if len(filters) > 0 {
		t.Errorf("there is a filter all the same: %v", filters)
	}
	if err == nil || !errors.As(err, new(*meaning.Differ)) || !strings.Contains(err.Error(), "Serve: secgen made a wrong program") ||
		!strings.Contains(err.Error(), "answers 0x7fff0000 where the table says 0x80000000") {
		t.Error(err)
	}
}
