package explain

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
)

type instruction = bpf.RawInstruction

// Decisions is what programs answer together to the calls of one ABI.
type Decisions struct {
	Rows    []Row
	Calls   int         // that have a name on the ABI
	Allowed int         // of them, allowed whatever their arguments
	Cached  int         // of them, those for which the kernel never runs the programs
	Others  []*abi.Arch // ABIs of the same kernel to whose calls the programs give several answers
}

// Row is calls that get the same answer under the same condition.
type Row struct {
	Ret   uint32
	Calls []string // by name, sorted
	When  string   // as in Answer
	Else  string   // what the row is about besides named calls or instead of them, in words; empty: nothing
}

// Decide finds out what a stack of programs, the newest first, answers to all calls
// of an ABI. First come the calls that get one answer whatever their arguments, an
// answer a row, then those with conditions, then everything else.
func Decide(arch *abi.Arch, newest ...[]instruction) (Decisions, error) {
	s := meaning.NewSpace(meaning.Budget)
	f, err := s.Programs(newest...)
	if err != nil {
		return Decisions{}, err
	}
	d := decider{space: s, program: f, arch: arch, known: numbers(arch)}
	unnamed, err := d.unnamed()
	if err != nil {
		return Decisions{}, err
	}
	plain, conditional, err := d.named()
	if err != nil {
		return Decisions{}, err
	}
	result := Decisions{Calls: len(d.known)}
	for _, nr := range d.known {
		if ret, ok := d.value(nr); !ok || ret != kernel.RetAllow {
			continue
		}
		result.Allowed++
		if Cached(arch, nr, newest...) {
			result.Cached++
		}
	}
	rest, hasRest := d.rest(unnamed)
	last := Row{Ret: rest, Else: "numbers without a name"}
	for _, row := range plain {
		if !hasRest || row.Ret != rest {
			result.Rows = append(result.Rows, row)
			continue
		}
		last.Calls = row.Calls
		last.Else = fmt.Sprintf("everything else: %d calls, and %s", len(row.Calls), last.Else)
	}
	result.Rows = append(result.Rows, conditional...)
	for _, u := range unnamed {
		for _, a := range u.answers {
			if hasRest && a.When == "" && a.Ret == rest {
				continue
			}
			result.Rows = append(result.Rows, Row{Ret: a.Ret, When: a.When, Else: u.title})
		}
	}
	if hasRest {
		result.Rows = append(result.Rows, last)
	}
	foreign, others, err := d.foreign()
	result.Rows, result.Others = append(result.Rows, foreign...), others
	return result, err
}

// Cached reports whether the kernel answers a call by its cache: each filter of a
// stack must allow it so (kernel/seccomp.c, seccomp_cache_prepare).
func Cached(arch *abi.Arch, nr uint32, newest ...[]instruction) bool {
	runs := func(p []instruction) bool { return !kernel.Cached(p, arch.Audit, nr) }
	return arch.Cached(nr) && !slices.ContainsFunc(newest, runs)
}

type decider struct {
	space   *meaning.Space
	program meaning.Function
	arch    *abi.Arch
	known   []uint32 // numbers that have a name
}

// numbers lists those of an ABI that have a name, in the order of the names.
func numbers(arch *abi.Arch) []uint32 {
	var known []uint32
	for _, name := range abi.Calls() {
		if nr, ok := arch.Number(name); ok {
			known = append(known, nr)
		}
	}
	return known
}

// value is the answer to a number, if it is one whatever the arguments.
func (d *decider) value(nr uint32) (uint32, bool) {
	return d.space.Value(d.space.At(d.program, d.arch.Audit, nr))
}

// unnamed is numbers that no call has and that are answered alike.
type unnamed struct {
	title   string
	nr      uint32
	answers []Answer
}

// skipped is the number that a filter sees of a call that a tracer skipped.
const skipped = 0xffffffff

func (d *decider) unnamed() ([]unnamed, error) {
	// No answer is equal to two constants, so the numbers on which the program
	// differs from the one or from the other are all that there are.
	var differing []uint32
	for _, ret := range []uint32{0, kernel.RetAllow} {
		own, err := d.unlike(ret, d.arch, d.known)
		if err != nil {
			return nil, err
		}
		differing = append(differing, own...)
	}
	slices.Sort(differing)
	var list []unnamed
	seen := map[meaning.Function]bool{}
	for _, nr := range append(differing, skipped) {
		own := d.space.At(d.program, d.arch.Audit, nr)
		if seen[own] {
			continue
		}
		seen[own] = true
		title := fmt.Sprintf("numbers without a name, such as %d", nr)
		if nr == skipped {
			title = "number -1, a call that a tracer skipped"
		}
		a, err := answers(d.space, d.program, Unknown(d.arch, nr))
		if err != nil {
			return nil, err
		}
		list = append(list, unnamed{title, nr, a})
	}
	return list, nil
}

// unlike lists numbers, one of a kind, that the program does not answer with ret.
func (d *decider) unlike(ret uint32, arch *abi.Arch, known []uint32) ([]uint32, error) {
	constant, err := d.space.Program([]instruction{{Op: kernel.Return, K: ret}})
	if err != nil {
		return nil, err
	}
	return d.space.Unlike(d.program, constant, arch, known)
}

// rest is the answer to everything else: of the answers to numbers without a
// name, the one that the most calls get whatever their arguments.
func (d *decider) rest(us []unnamed) (rest uint32, ok bool) {
	most := -1
	for _, u := range us {
		if len(u.answers) > 1 || u.nr == skipped {
			continue
		}
		n := 0
		for _, nr := range d.known {
			if ret, ok := d.value(nr); ok && ret == u.answers[0].Ret {
				n++
			}
		}
		if n > most {
			most, rest, ok = n, u.answers[0].Ret, true
		}
	}
	return rest, ok
}

// named gives the rows of the calls that have a name.
func (d *decider) named() (plain, conditional []Row, err error) {
	alike := map[string][]string{} // calls by their answers
	byKey := map[string][]Answer{}
	var keys []string
	for _, nr := range d.known {
		c := Unknown(d.arch, nr)
		list, err := answers(d.space, d.program, c)
		if err != nil {
			return nil, nil, err
		}
		key := fmt.Sprint(list)
		if byKey[key] == nil {
			keys = append(keys, key)
		}
		byKey[key] = list
		alike[key] = append(alike[key], c.Name)
	}
	for _, key := range keys {
		for _, a := range byKey[key] {
			row := Row{Ret: a.Ret, Calls: alike[key], When: a.When}
			if a.When == "" {
				plain = append(plain, row)
			} else {
				conditional = append(conditional, row)
			}
		}
	}
	slices.SortStableFunc(plain, func(a, b Row) int { return harder(a.Ret, b.Ret) })
	return plain, conditional, nil
}

// foreign tells of the ABIs that the same kernel serves beside this one: what
// their calls get, and those where that is not the same for all.
func (d *decider) foreign() (rows []Row, others []*abi.Arch, err error) {
	var names [][]string // of the ABIs of each row
	for _, other := range abi.Arches() {
		if other.Family != d.arch.Family || other == d.arch {
			continue
		}
		ret, constant := d.space.Value(d.space.At(d.program, other.Audit, other.Numbers[0].Lo))
		if constant {
			differ, err := d.unlike(ret, other, nil)
			if err != nil {
				return nil, nil, err
			}
			constant = len(differ) == 0
		}
		if !constant {
			others = append(others, other)
			continue
		}
		i := slices.IndexFunc(rows, func(r Row) bool { return r.Ret == ret })
		if i < 0 {
			i = len(rows)
			rows = append(rows, Row{Ret: ret})
			names = append(names, nil)
		}
		names[i] = append(names[i], other.Name)
	}
	for i := range rows {
		rows[i].Else = "all calls through the numbers of " + strings.Join(names[i], " and ")
	}
	return rows, others, nil
}
