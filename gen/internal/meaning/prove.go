package meaning

import (
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

// Prove returns nil if the program answers every call as t says, a *Differ
// with a call that shows they do not, or another error if neither could be
// found out.
func Prove(t table.Table, p kernel.Program) error { return prove(t, p, Budget) }

func prove(t table.Table, p kernel.Program, budget int) error {
	if err := kernel.Check(p); err != nil {
		return err
	}
	d := newDiagram(budget)
	want := d.table(t)
	if err := d.check(); err != nil {
		return err
	}
	got, err := d.program(p)
	if err != nil {
		return err
	}
	if err := d.check(); err != nil {
		return err
	}
	if want == got {
		return nil
	}
	return d.witness(want, got)
}

// witness walks down two different functions to a call for which they differ.
func (d *diagram) witness(want, got node) *Differ {
	var e Differ
	for !d.isValue(want) || !d.isValue(got) {
		bit := min(d.nodes[want].bit, d.nodes[got].bit)
		w0, w1 := d.at(want, bit)
		g0, g1 := d.at(got, bit)
		if w0 != g0 {
			want, got = w0, g0
			continue
		}
		want, got = w1, g1
		for w, r := range rank {
			if r == bit/32 {
				e.Call[w] |= 1 << (31 - bit%32)
			}
		}
	}
	e.Want, e.Got = d.valueOf(want), d.valueOf(got)
	return &e
}
