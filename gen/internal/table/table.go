// Package table holds policies resolved for the kernels that will run them:
// numbers, words and masks, and nothing symbolic.
//
// A table says in the plainest terms what a filter must answer. It is the
// specification that a program is proved against, so it keeps comparisons of
// whole arguments, signs included, as the author meant them; how to do them
// with 32-bit instructions is for the tree to find out.
package table

import "github.com/secgen-dev/secgen/gen/internal/abi"

// Word is an index into struct seccomp_data (linux/seccomp.h) seen as 16
// words of 32 bits in the machine's byte order: its offset in bytes is 4×Word.
type Word uint8

// The words before the arguments. Argument slot i has the words 4+2i and 5+2i.
const (
	Nr   Word = 0
	Arch Word = 1
)

// Table is what the filter for one kernel family answers.
type Table struct {
	Parts   []Part
	BadArch uint32 // the SECCOMP_RET_* value for calls that belong to no part
}

// Part is the table of one ABI: all calls with this audit value whose number
// is in Numbers.
type Part struct {
	Arch    *abi.Arch
	Numbers []abi.Range
	Rules   []Rule   // the first that matches decides
	Default uint32   // the SECCOMP_RET_* value if none does
	Missing []string // calls that rules name and the ABI lacks, sorted
}

// Rule gives an action to calls by number and condition.
type Rule struct {
	Numbers []abi.Range // sorted, disjoint
	Cond    Cond        // nil: whatever the arguments
	Action  uint32      // SECCOMP_RET_* with data
	Source  int         // index of the policy's rule, or a constant below
}

// The sources of rules that no rule of the policy became.
const (
	FromNewer       = -1 // Policy.Newer
	FromMultiplexer = -2 // a call that makes others, which rules limit
)

// Cond is a condition on argument words: a Test, or All, Any or Not of others.
type Cond interface{ isCond() }

// Op is how a Test compares.
type Op uint8

// In holds if the operand is one of the values; the orderings compare it with
// Values[0].
const (
	In Op = iota
	Lt
	Le
	Gt
	Ge
)

// Test compares an operand of Bits bits: of 64, Hi holds the upper 32 and Lo
// the lower; of 32 or fewer, Lo's lowest bits alone. Mask is applied first.
// Values are cut to Bits; the orderings are signed where Signed says so.
type Test struct {
	Lo, Hi Word
	Bits   int
	Signed bool
	Mask   uint64
	Op     Op
	Values []uint64
}

// All holds if every condition does.
type All []Cond

// Any holds if at least one condition does.
type Any []Cond

// Not holds if its condition does not.
type Not struct{ Cond Cond }

func (Test) isCond() {}
func (All) isCond()  {}
func (Any) isCond()  {}
func (Not) isCond()  {}
