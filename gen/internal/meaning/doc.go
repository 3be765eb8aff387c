// Package meaning computes what a table or a program answers to every call
// there is, in a form in which equal functions are the same node.
//
// The form is a reduced ordered decision diagram over the 512 bits of struct
// seccomp_data with SECCOMP_RET_* values at its ends (Bryant, "Graph-Based
// Algorithms for Boolean Function Manipulation", 1986; with many-valued ends,
// Fujita, McGeer and Yang, 1997). For a fixed order of the bits there is
// exactly one diagram for each function, so to compare two functions for all
// architectures, all 2^32 numbers and all argument values is to compare two
// integers. Nothing is sampled.
//
// What has to be right for a proof to hold is here: diagram.go (the form),
// word.go (comparisons), table.go (what a table means: a transcription of the
// words in package table), program.go (what each instruction does, one case
// each, as in the kernel's net/core/filter.c), cut.go (a proof in pieces) and
// prove.go, with package kernel's list of instructions and its check. The package
// knows nothing of how programs are made.
//
// Built on the same form, and no part of the proof: space.go, regions.go, terms.go
// and values.go, which compare any two functions, take their difference apart, and
// put it briefly.
package meaning
