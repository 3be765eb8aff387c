// Package smt states in SMT-LIB 2 (QF_BV) the question whether a table and a
// program differ, for a solver that knows nothing of secgen.
//
// It is a second judge beside package meaning and shares no idea with it: a rule
// becomes a formula over whole arguments, an instruction becomes an operation on
// vectors of 32 bits, and the search is the solver's. What has to be right is
// table.go and program.go, which follow the words of package table and
// kernel/run.go case by case.
package smt
