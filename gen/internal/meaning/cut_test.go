package meaning

import (
	"errors"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// twoRules allows calls to 1 and 2 whose first argument is 5 or whose second is 6,
// and those to 2 alone whose third is 7.
func twoRules() (table.Table, kernel.Program) {
	arch := abi.Lookup("amd64")
	is := func(slot table.Word, v uint64) table.Cond {
		return table.Test{Lo: 4 + 2*slot, Hi: 5 + 2*slot, Bits: 32, Mask: 0xffffffff, Values: []uint64{v}}
	}
	both := []abi.Range{{Lo: 1, Hi: 2}}
	t := table.Table{BadArch: kernel.RetKillProcess, Parts: []table.Part{{Arch: arch, Numbers: arch.Numbers, Default: kernel.RetKillProcess, Rules: []table.Rule{
		{Numbers: both, Cond: is(0, 5), Action: kernel.RetAllow},
		{Numbers: both, Cond: is(1, 6), Action: kernel.RetAllow},
		{Numbers: []abi.Range{{Lo: 2, Hi: 2}}, Cond: is(2, 7), Action: kernel.RetAllow},
	}}}}
	p := kernel.Program{
		0: {Op: kernel.LoadWord, K: 4}, 1: {Op: kernel.JumpEqual, K: arch.Audit, Jf: 14},
		2: {Op: kernel.LoadWord, K: 0}, 3: {Op: kernel.JumpEqual, K: 1, Jt: 7}, 4: {Op: kernel.JumpEqual, K: 2, Jf: 11},
		5: {Op: kernel.LoadWord, K: 16}, 6: {Op: kernel.JumpEqual, K: 5, Jt: 8},
		7: {Op: kernel.LoadWord, K: 24}, 8: {Op: kernel.JumpEqual, K: 6, Jt: 6},
		9: {Op: kernel.LoadWord, K: 32}, 10: {Op: kernel.JumpEqual, K: 7, Jt: 4, Jf: 5},
		11: {Op: kernel.LoadWord, K: 16}, 12: {Op: kernel.JumpEqual, K: 5, Jt: 2},
		13: {Op: kernel.LoadWord, K: 24}, 14: {Op: kernel.JumpEqual, K: 6, Jf: 1},
		15: {Op: kernel.Return, K: kernel.RetAllow}, 16: {Op: kernel.Return, K: kernel.RetKillProcess},
	}
	return t, p
}

func TestCutsThatMakeNoSenseAreRefused(t *testing.T) {
	tb, p := twoRules()
	one, two := abi.Range{Lo: 1, Hi: 1}, abi.Range{Lo: 2, Hi: 2}
	if err := Prove(tb, p); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cuts []Cut
		want string // in the error; empty: none
	}{
		"where the second rule begins":    {[]Cut{{0, one, 1, 13}}, ""},
		"at both":                         {[]Cut{{0, one, 0, 11}, {0, one, 1, 13}}, ""},
		"of two numbers":                  {[]Cut{{0, two, 2, 9}, {0, one, 1, 13}, {0, two, 1, 7}}, ""},
		"a part that is not there":        {[]Cut{{1, one, 1, 13}}, "a cut at nothing"},
		"behind the program":              {[]Cut{{0, one, 1, 17}}, "a cut at nothing"},
		"at the start":                    {[]Cut{{0, one, 0, 0}}, "a cut at nothing"},
		"where A holds what is compared":  {[]Cut{{0, one, 1, 14}}, "works with what registers hold"},
		"numbers that overlap":            {[]Cut{{0, two, 1, 7}, {0, abi.Range{Lo: 2, Hi: 3}, 3, 9}}, "overlap"},
		"numbers that a rule tells apart": {[]Cut{{0, abi.Range{Lo: 1, Hi: 2}, 1, 13}}, "tells apart"},
		"another rule's place":            {[]Cut{{0, one, 1, 11}}, "does not hold"},
		"another number's place":          {[]Cut{{0, two, 1, 13}}, "does not hold"},
		"of no number that comes there":   {[]Cut{{0, one, 1, 13}, {0, two, 1, 13}}, "does not hold"},
		"backwards":                       {[]Cut{{0, one, 0, 13}, {0, one, 1, 11}}, "does not hold"},
	} {
		err := Prove(tb, p, c.cuts...)
		if errors.As(err, new(*Differ)) || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A wrong program does not become right by cuts, and the call that shows it is one.
func TestCutsHideNothing(t *testing.T) {
	tb, p := twoRules()
	p[14].K = 8
	err := Prove(tb, p, Cut{0, abi.Range{Lo: 1, Hi: 1}, 1, 13})
	var d *Differ
	if !errors.As(err, &d) {
		t.Fatalf("a program that asks for 8 and not for 6: %v", err)
	}
	if got, _ := kernel.Run(p, d.Call); got != d.Got || tb.Answer(d.Call) != d.Want || d.Got == d.Want {
		t.Errorf("%x shows nothing: the program says %#x, the table %#x", d.Call, got, tb.Answer(d.Call))
	}
}
