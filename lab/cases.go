package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/lab/internal/exam"
)

// examiner makes the exam of one filter for one ABI.
type examiner struct {
	filter gen.Filter
	arch   dsl.Arch
	word   int // bits
	calls  []gen.Syscall
	err    error
}

// newExam makes the exam of a filter that is called name. The answers are the
// policy's; what the program compares only says which calls are worth making.
func newExam(name string, f gen.Filter, arch dsl.Arch, word int) (exam.Policy, error) {
	calls, err := gen.Syscalls(arch)
	e := &examiner{filter: f, arch: arch, word: word, calls: calls, err: err}
	p := exam.Policy{Name: name}
	for _, nr := range e.numbers() {
		p.Calls = append(p.Calls, e.about(nr)...)
	}
	for _, c := range e.calls {
		real := e.call(c.Number, filled(^uint64(0)))
		if slices.Contains(harmless, c.Name) && real.Want != notify {
			p.Real = append(p.Real, real)
		}
	}
	if i := slices.IndexFunc(p.Calls, func(c exam.Call) bool { return c.Want == 0 }); i >= 0 { // SECCOMP_RET_KILL_THREAD
		p.Dies = &p.Calls[i]
	}
	p.Calls = slices.DeleteFunc(p.Calls, e.happens)
	return p, e.err
}

const notify = 0x7fc00000 // SECCOMP_RET_USER_NOTIF: the call would wait for a supervisor

// harmless are calls that do nothing to be sorry for if all arguments are -1.
var harmless = []string{"read", "write", "close", "getpid", "getppid", "getpgid", "getsid", "gettid", "umask", "uname", "flock", "clone3"}

func filled(v uint64) (args [6]uint64) {
	for i := range args {
		args[i] = v
	}
	return args
}

// call is a call with the policy's answer.
func (e *examiner) call(nr uint32, args [6]uint64) exam.Call {
	if e.word == 32 {
		for i := range args {
			args[i] &= 0xffffffff
		}
	}
	want, err := e.filter.Answer(e.arch, nr, args)
	if err != nil {
		e.err = err
	}
	return exam.Call{Nr: nr, Args: args, Want: want}
}

// happens reports whether the guest's catcher lets a call happen: it is one that
// installs a filter.
func (e *examiner) happens(c exam.Call) bool {
	i := slices.IndexFunc(e.calls, func(s gen.Syscall) bool { return s.Number == c.Nr })
	if i < 0 {
		return false
	}
	first := uint32(c.Args[0])
	return e.calls[i].Name == "seccomp" && (first == 1 || first == 2) || e.calls[i].Name == "prctl" && first == 38
}

// edges are where ABIs begin and end, and where an int does.
var edges = []uint32{0, 1, 511, 512, 547, 548, 0x3fffffff, 0x40000000, 0x40000001, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff}

// numbers are those next to which the answer may change, and all calls that are
// not simply deadly: these cost the guest a process each. Of x32, which filters are
// mostly to refuse, they are all calls.
func (e *examiner) numbers() []uint32 {
	set := map[uint32]bool{}
	for _, nr := range edges {
		set[nr] = true
	}
	for _, c := range e.compared(nil) {
		if c.word == 0 {
			set[c.k-1], set[c.k], set[c.k+1] = true, true, true
		}
	}
	for _, c := range e.calls {
		if e.arch == dsl.X32 || exam.Seen(e.call(c.Number, [6]uint64{}).Want) != exam.Dead || len(e.compared(&c.Number)) > 0 {
			set[c.Number] = true
		}
	}
	maps.DeleteFunc(set, func(nr uint32, _ bool) bool { return unseen(e.arch, nr) })
	return slices.Sorted(maps.Keys(set))
}

// unseen reports whether a filter never gets to see a number of an ABI.
func unseen(arch dsl.Arch, nr uint32) bool {
	switch arch {
	case dsl.AMD64:
		return nr == 335 || nr == 336 // kernel/seccomp.c, seccomp_uprobe_exception, since Linux 6.14
	case dsl.S390X:
		return nr > 0xffff // arch/s390/include/asm/syscall.h, syscall_get_nr
	case dsl.X32:
		return nr>>30 != 1 // such are amd64's
	case dsl.MIPS, dsl.MIPSLE:
		return nr == 4000 // syscall(2): it sees the number in the first argument
	}
	return false
}

// comparison is one that a program makes of a word of struct seccomp_data.
type comparison struct {
	word    int
	mask, k uint32
	op      uint16
}

func (c comparison) holds(words [16]uint32) bool {
	switch v := words[c.word] & c.mask; c.op {
	case 0x15: // BPF_JEQ
		return v == c.k
	case 0x35: // BPF_JGE
		return v >= c.k
	default: // BPF_JSET
		return v&c.k != 0
	}
}

// compared lists what the program compares in calls of one number, or of any.
func (e *examiner) compared(nr *uint32) []comparison {
	type place struct {
		pc, word int
		mask     uint32
	}
	seen := map[place]bool{}
	var list []comparison
	var walk func(p place)
	walk = func(p place) {
		for !seen[p] {
			seen[p] = true
			ins := e.filter.Program[p.pc]
			p.pc++
			switch ins.Op {
			case 0x20: // load
				p.word, p.mask = int(ins.K/4), ^uint32(0)
			case 0x54: // and
				p.mask &= ins.K
			case 0x05: // jump
				p.pc += int(ins.K)
			case 0x06: // return
				return
			case 0x15, 0x35, 0x45:
				c := comparison{p.word, p.mask, ins.K, ins.Op}
				yes, no := p, p
				yes.pc, no.pc = p.pc+int(ins.Jt), p.pc+int(ins.Jf)
				if p.word == 0 && nr != nil {
					p = no
					if c.holds([16]uint32{*nr}) {
						p = yes
					}
					continue
				}
				if p.word != 1 && !slices.Contains(list, c) {
					list = append(list, c)
				}
				walk(yes)
				p = no
			default:
				e.err = fmt.Errorf("instruction %d of %s: %#x is not of secgen's", p.pc-1, e.filter.Policy, ins.Op)
				return
			}
		}
	}
	walk(place{})
	return list
}

// most is how many calls of one number are made that get one answer.
func most(answer uint32) int {
	if exam.Seen(answer) == exam.Dead {
		return 6 // they cost a process each
	}
	return 24
}

// about are calls of one number, on both sides of every comparison of their
// arguments, with rubbish in the words that no comparison is about.
func (e *examiner) about(nr uint32) []exam.Call {
	calls := []exam.Call{e.call(nr, filled(0xdeadbeef8badf00d))}
	compared := e.compared(&nr)
	if len(compared) == 0 {
		return calls
	}
	calls = append(calls, e.call(nr, [6]uint64{}), e.call(nr, filled(^uint64(0))))
	values := map[int][]uint32{}
	for _, c := range compared {
		values[c.word] = append(values[c.word], c.k-1, c.k, c.k+1, c.k&-c.k, c.k|^c.mask, 0, ^uint32(0))
	}
	r := rand.New(rand.NewPCG(1, uint64(nr)))
	answers := map[uint32]int{}
	sides := map[string]bool{}
	for range 2000 {
		var words [16]uint32
		for w := 4; w < 16; w++ {
			if known := values[w]; known != nil {
				words[w] = known[r.IntN(len(known))]
			} else if r.IntN(2) == 0 {
				words[w] = r.Uint32()
			}
		}
		c := e.call(nr, e.args(words))
		side := fmt.Appendf(nil, "%x", c.Want)
		for _, c := range compared {
			side = fmt.Appendf(side, " %v", c.holds(words))
		}
		if answers[c.Want] < most(c.Want) && !sides[string(side)] {
			sides[string(side)] = true
			answers[c.Want]++
			calls = append(calls, c)
		}
	}
	return calls
}

// args are the registers that make these words of struct seccomp_data.
func (e *examiner) args(words [16]uint32) (args [6]uint64) {
	for i := range args {
		lo, hi := words[4+2*i], words[5+2*i]
		if bigEndian(e.arch) {
			lo, hi = hi, lo
		}
		args[i] = uint64(hi)<<32 | uint64(lo)
	}
	return args
}

func bigEndian(arch dsl.Arch) bool {
	return slices.Contains([]dsl.Arch{dsl.S390X, dsl.PPC64, dsl.MIPS, dsl.MIPS64}, arch)
}

func instructions(program []bpf.RawInstruction) []exam.Instruction {
	var list []exam.Instruction
	for _, i := range program {
		list = append(list, exam.Instruction{Code: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K})
	}
	return list
}
