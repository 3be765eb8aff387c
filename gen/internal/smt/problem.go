package smt

import (
	"bytes"
	"fmt"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Problem returns an SMT-LIB 2 script whose assertion is satisfiable exactly by
// the calls for which the program, which kernel.Check must accept, does not
// answer what the table says: none, if they agree. It ends with (check-sat).
func Problem(t table.Table, p kernel.Program) ([]byte, error) {
	if err := kernel.Check(p); err != nil {
		return nil, err
	}
	w := writer{words: Words(t.Parts[0].Arch)}
	w.line("; The calls for which a seccomp program does not answer what its table says:")
	w.line("; unsat if there are none.")
	w.line("(set-logic QF_BV)")
	w.line("")
	w.line("; struct seccomp_data, as words of 32 bits.")
	for _, name := range w.words {
		w.line("(declare-const %s (_ BitVec 32))", name)
	}
	w.table(t)
	w.program(p)
	w.line("")
	w.line("(assert (distinct want got))")
	w.line("(check-sat)")
	return w.text.Bytes(), nil
}

// Words names the script's variables, the words of struct seccomp_data, in the
// order of table.Word. Which half of an argument comes first depends on the
// ABI's byte order, which is that of its whole family.
func Words(arch *abi.Arch) [16]string {
	first, second := "lo", "hi"
	if arch.BigEndian {
		first, second = second, first
	}
	names := [16]string{table.Nr: "nr", table.Arch: "arch", 2: "ip_" + first, 3: "ip_" + second}
	for i := range 6 {
		names[4+2*i] = fmt.Sprintf("arg%d_%s", i, first)
		names[5+2*i] = fmt.Sprintf("arg%d_%s", i, second)
	}
	return names
}

// term is an expression: a name, a literal or an application.
type term string

type writer struct {
	text  bytes.Buffer
	words [16]string
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.text, format+"\n", args...)
}

// define gives a term a name, which it returns.
func (w *writer) define(name, sort string, value term) term {
	w.line("(define-fun %s () %s %s)", name, sort, value)
	return term(name)
}

const (
	boolSort = "Bool"
	wordSort = "(_ BitVec 32)"
)

// literal is a number of a width in bits.
func literal(v uint64, bits int) term {
	if bits%4 == 0 {
		return term(fmt.Sprintf("#x%0*x", bits/4, v))
	}
	return term(fmt.Sprintf("#b%0*b", bits, v))
}

func word(v uint32) term { return literal(uint64(v), 32) }

// apply is a function of terms.
func apply(function string, args ...term) term {
	var b bytes.Buffer
	b.WriteString("(" + function)
	for _, a := range args {
		b.WriteString(" " + string(a))
	}
	b.WriteString(")")
	return term(b.String())
}

// and and or spare the reader conjunctions and disjunctions of one or none.
func and(ts ...term) term { return join("and", "true", ts) }

func or(ts ...term) term { return join("or", "false", ts) }

func join(function string, none term, ts []term) term {
	switch len(ts) {
	case 0:
		return none
	case 1:
		return ts[0]
	}
	return apply(function, ts...)
}
