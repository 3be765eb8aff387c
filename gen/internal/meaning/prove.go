package meaning

import (
	"errors"
	"fmt"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Budget is how many nodes a proof may make before it is given up.
const Budget = 4 << 20

// Call is struct seccomp_data as 16 words; see table.Word.
type Call [16]uint32

// Differ is the error of a program that does not mean what its table says.
type Differ struct {
	Call      Call
	Want, Got uint32 // SECCOMP_RET_* values
}

func (e *Differ) Error() string {
	return fmt.Sprintf("the program answers %#x where the table says %#x, for arch %#x, number %d, argument words %#x",
		e.Got, e.Want, e.Call[table.Arch], int32(e.Call[table.Nr]), e.Call[4:])
}

// TooLarge is the error of a proof that was given up.
type TooLarge struct {
	Limit int  // of nodes
	Cut   *Cut // at which the piece begins that was too large; nil for the first
}

func (e *TooLarge) Error() string {
	return fmt.Sprintf("it takes a decision diagram of more than %d nodes or %d steps, and was given up", e.Limit, 50*e.Limit)
}

// Prove returns nil if the program answers every call as t says, a *Differ
// with a call that shows they do not, or another error if neither could be
// found out.
//
// With cuts, it proves the program from its start to the first cuts, and from each
// cut to the next one. Jumps only go forward, so what holds behind the last cut
// holds behind the one before it, and so on up to the start.
func Prove(t table.Table, p kernel.Program, cuts ...Cut) error { return prove(t, p, cuts, Budget) }

func prove(t table.Table, p kernel.Program, cuts []Cut, budget int) error {
	if err := kernel.Check(p); err != nil {
		return err
	}
	cuts, err := checked(t, p, cuts)
	if err != nil {
		return err
	}
	stops := map[int]bool{}
	for _, c := range cuts {
		stops[c.PC] = true
	}
	// A piece is small, or it should have been cut.
	each := budget
	if len(cuts) > 0 {
		each = budget / 4
	}
	spent, err := piece(p, 0, stops, each, func(d *diagram) node { return d.table(t, cuts) })
	for i := 0; i < len(cuts) && err == nil; i++ {
		c := cuts[i]
		var n int
		n, err = piece(p, c.PC, stops, min(each, budget-spent), func(d *diagram) node { return d.from(c, t.Parts[c.Part], next(cuts, i)) })
		spent += n
		var e *Differ
		if errors.As(err, &e) {
			e.Call[table.Arch], e.Call[table.Nr] = t.Parts[c.Part].Arch.Audit, c.Numbers.Lo
		}
		var big *TooLarge
		if errors.As(err, &big) {
			big.Cut = &c
		}
	}
	var e *Differ
	if errors.As(err, &e) && len(cuts) > 0 {
		return confirm(t, p, e)
	}
	return err
}

// piece proves that the program from start to the stops is a function, and tells how
// many nodes that took.
func piece(p kernel.Program, start int, stops map[int]bool, budget int, function func(*diagram) node) (int, error) {
	d := newDiagram(budget)
	want := function(d)
	if err := d.check(); err != nil {
		return 0, err
	}
	got, err := d.program(p, start, stops)
	if err != nil {
		return 0, err
	}
	if want != got {
		return 0, d.witness(want, got)
	}
	return len(d.nodes), nil
}

// confirm takes a call for which a piece of a proof failed, and finds out whether
// the whole program is wrong for it.
func confirm(t table.Table, p kernel.Program, e *Differ) error {
	got, _ := kernel.Run(p, e.Call)
	want := t.Answer(e.Call)
	if want == got {
		return fmt.Errorf("a cut of the proof does not hold, for a call that the program answers rightly: %x", e.Call)
	}
	return &Differ{e.Call, want, got}
}

// witness walks down two different functions to a call for which they differ.
func (d *diagram) witness(want, got node) *Differ {
	var e Differ
	for !d.isEnd(want) || !d.isEnd(got) {
		bit := min(d.nodes[want].bit, d.nodes[got].bit)
		w0, w1 := d.at(want, bit)
		g0, g1 := d.at(got, bit)
		if w0 != g0 {
			want, got = w0, g0
			continue
		}
		want, got = w1, g1
		e.Call[wordOf(bit)] |= 1 << (31 - bit%32)
	}
	e.Want, e.Got = d.valueOf(want), d.valueOf(got)
	return &e
}
