package lint

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// wideCompare finds answers that depend on the upper half of an argument that the
// kernel cuts to 32 bits or fewer.
func wideCompare(v *view) []Finding {
	var found []Finding
	for _, call := range abi.Calls() {
		for _, arg := range v.arch.Args(call) {
			if arg.Bits > 32 || arg.Pointer || arg.Slot < 0 || arg.HiSlot >= 0 || !v.looksAbove(call, arg.Slot) {
				continue
			}
			f := Finding{Rule: "wide-compare", rule: v.wide(call, arg.Slot), Calls: []string{call},
				Fix: v.fix(fmt.Sprintf("use the argument by its name, %s, rather than dsl.Raw(%d): it compares what the kernel looks at", arg.Name, arg.Slot), narrow)}
			switch evaded, split := v.above(call, arg.Slot, nil); {
			case evaded:
				f.Severity = Error
				f.Why = fmt.Sprintf("%s has %d bits for the kernel, and calls that are denied happen if one of the bits from 32 up is set (CVE-2019-10063, CVE-2019-7303)", arg.Name, arg.Bits)
			case split:
				f.Severity = Warning
				f.Why = fmt.Sprintf("%s has %d bits for the kernel, and of a negative number's two forms, such as 0xffffffff and -1, which callers use alike, one is let through and the other not", arg.Name, arg.Bits)
			default:
				f.Severity = Note
				f.Why = fmt.Sprintf("%s has %d bits for the kernel, and a caller that leaves something in those from 32 up, which it may, is denied what others are allowed", arg.Name, arg.Bits)
			}
			found = append(found, f)
		}
	}
	return found
}

// narrow is how a profile compares 32 bits.
const narrow = "compare 32 bits of it: SCMP_CMP_MASKED_EQ with value 4294967295, and an entry for each number, which is its valueTwo"

// cut is an argument that the kernel cuts to 32 bits for some commands.
type cut struct {
	call, argument    string
	command, commands string // the argument that says which, and their constants
	source            string
}

// In Linux 7.2.13.
var cuts = []cut{
	{"fcntl", "arg", "cmd", "F_DUPFD F_DUPFD_CLOEXEC F_SETFD F_SETFL F_SETOWN F_SETSIG F_SETLEASE F_NOTIFY F_SETPIPE_SZ F_ADD_SEALS", "fs/fcntl.c, do_fcntl"},
	{"ioctl", "argp", "request", "FICLONE", "fs/ioctl.c, ioctl_file_clone"},
	{"prctl", "arg2", "option", "PR_SET_TSC PR_SCHED_CORE", "kernel/sys.c, prctl"},
	{"prctl", "arg3", "option", "PR_SCHED_CORE", "kernel/sys.c, prctl"},
	{"prctl", "arg4", "option", "PR_SCHED_CORE", "kernel/sys.c, prctl"},
	{"keyctl", "arg2", "operation", "KEYCTL_UPDATE KEYCTL_REVOKE KEYCTL_CHOWN KEYCTL_SETPERM KEYCTL_DESCRIBE KEYCTL_CLEAR KEYCTL_LINK KEYCTL_UNLINK KEYCTL_SEARCH KEYCTL_READ KEYCTL_SET_TIMEOUT KEYCTL_INVALIDATE", "security/keys/keyctl.c, keyctl"},
	{"keyctl", "arg3", "operation", "KEYCTL_CHOWN KEYCTL_SETPERM KEYCTL_LINK KEYCTL_UNLINK KEYCTL_SET_TIMEOUT", "security/keys/keyctl.c, keyctl"},
}

// cutArgument finds denials that a bit gets round which the kernel, for that
// command, does not look at.
func cutArgument(v *view) []Finding {
	var found []Finding
	for _, c := range cuts {
		arg, command := v.slot(c.call, c.argument, 64), v.slot(c.call, c.command, 32)
		if arg < 0 || command < 0 || !v.looksAbove(c.call, arg) {
			continue
		}
		var evaded []string
		for _, name := range strings.Fields(c.commands) {
			if value, ok := v.arch.Const(name); ok {
				if yes, _ := v.above(c.call, arg, []want{{command, value.Bits}}); yes {
					evaded = append(evaded, name)
				}
			}
		}
		if len(evaded) == 0 {
			continue
		}
		found = append(found, Finding{Severity: Error, Rule: "cut-argument", rule: v.wide(c.call, arg), Calls: []string{c.call},
			Why: fmt.Sprintf("the kernel cuts %s to 32 bits for %s (%s), so calls that are denied happen if a bit above is set (CVE-2019-10063 was such a comparison)",
				c.argument, few(evaded), c.source),
			Fix: v.fix(fmt.Sprintf("mask it: %s.Masked(dsl.Int(0xffffffff)).Eq(…)", c.argument), narrow)})
	}
	return found
}

// few names no more than three.
func few(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}

// slot is where a call has an argument of so many bits; -1 if nowhere.
func (v *view) slot(call, argument string, bits int) int {
	for _, a := range v.arch.Args(call) {
		if a.Name == argument && a.Bits == bits && a.HiSlot < 0 {
			return a.Slot
		}
	}
	return -1
}

// looksAbove reports whether the answer depends on an argument's upper half.
func (v *view) looksAbove(call string, slot int) bool {
	_, hi := v.words(slot)
	return slices.ContainsFunc(v.regions(call), func(r meaning.Region) bool {
		return slices.ContainsFunc(r.When, func(c meaning.Clause) bool {
			return slices.ContainsFunc(c, func(p meaning.Part) bool { return p.Word == hi && !p.Set.All() })
		})
	})
}

// above compares what a call is answered, other arguments being as they are wanted,
// with its answers where the upper half of an argument is an extension of the lower:
// zeros, or its sign bit, since callers pass a negative number either way. The filter
// is evaded if another upper half lets happen what is denied with one of these, and
// split if they are answered differently.
func (v *view) above(call string, slot int, wants []want) (evaded, split bool) {
	_, hi := v.words(slot)
	fixed := map[table.Word]uint32{}
	for _, w := range wants {
		word, _ := v.words(w.slot)
		fixed[word] = uint32(w.value)
	}
	any := v.given(call, fixed)
	fixed[hi] = 0
	zeros := v.given(call, fixed)
	fixed[hi] = math.MaxUint32
	ones := v.given(call, fixed)
	regions, err := v.space.Regions(any, zeros, ones, v.extension(call, slot))
	if err != nil && v.err == nil {
		v.err = err
	}
	for _, r := range regions {
		is, zero, one := kernel.Happens(r.Answers[0]), kernel.Happens(r.Answers[1]), kernel.Happens(r.Answers[2])
		switch r.Answers[3] {
		case positive:
			evaded = evaded || is && !zero
		case negative:
			split = split || zero != one
		case neither:
			evaded = evaded || is && !(zero && one)
		}
	}
	return evaded, split
}

// How an argument's upper half extends the lower, as a negative number if that has
// the sign bit.
const (
	positive = marker + iota
	negative
	neither
)

func (v *view) extension(call string, slot int) meaning.Function {
	lo, hi := v.words(slot)
	nr, _ := v.arch.Number(call)
	test := func(w table.Word, op table.Op, value uint64) table.Cond {
		return table.Test{Lo: w, Bits: 32, Mask: math.MaxUint32, Op: op, Values: []uint64{value}}
	}
	c := judged{nr: nr}
	sign := test(lo, table.Ge, 1<<31)
	f, err := v.space.Table(table.Table{Parts: []table.Part{{Arch: v.arch, Numbers: v.arch.Numbers, Default: positive, Rules: []table.Rule{
		c.rule(table.All{sign, test(hi, table.Gt, 0), test(hi, table.Lt, math.MaxUint32)}, neither),
		c.rule(sign, negative),
	}}}})
	if err != nil && v.err == nil {
		v.err = err
	}
	return v.space.At(f, v.arch.Audit, nr)
}

// given is what the call is answered where some words are known: the filter with
// constants for its loads of them.
func (v *view) given(call string, words map[table.Word]uint32) meaning.Function {
	nr, _ := v.arch.Number(call)
	words = maps.Clone(words)
	words[table.Nr], words[table.Arch] = nr, v.arch.Audit
	program := slices.Clone(v.filter.Program)
	for i, insn := range program {
		if value, ok := words[table.Word(insn.K/4)]; ok && insn.Op == kernel.LoadWord {
			program[i].Op, program[i].K = kernel.LoadConst, value
		}
	}
	f, err := v.space.Program(program)
	if err != nil && v.err == nil {
		v.err = err
	}
	return f
}

// wide is the rule that looks at the upper half of the argument.
func (v *view) wide(call string, slot int) int {
	nr, _ := v.arch.Number(call)
	if v.part == nil {
		return noRule
	}
	_, hi := v.words(slot)
	for _, r := range v.part.Rules {
		if !covers(r, nr) {
			continue
		}
		for _, c := range nested(r.Cond) {
			if t, ok := c.(table.Test); ok && t.Bits > 32 && t.Hi == hi {
				return r.Source
			}
		}
	}
	return noRule
}
