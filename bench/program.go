package main

import "fmt"

// The instructions that the peers use (linux/bpf_common.h). A jump has bit 3 set
// if it compares with X, which none does.
const (
	loadWord = 0x20
	and      = 0x54
	jump     = 0x05
	equal    = 0x15
	greater  = 0x25
	atLeast  = 0x35
	anyBit   = 0x45
	ret      = 0x06
)

// run executes a program and returns its answer and how many instructions it
// executed, the return included.
func run(p Program, data [16]uint32) (answer uint32, executed int) {
	var a uint32
	for pc := 0; ; pc++ {
		executed++
		i := p[pc]
		var holds bool
		switch i.Op {
		case ret:
			return i.K, executed
		case loadWord:
			a = data[i.K/4]
			continue
		case and:
			a &= i.K
			continue
		case jump:
			pc += int(i.K)
			continue
		case equal:
			holds = a == i.K
		case greater:
			holds = a > i.K
		case atLeast:
			holds = a >= i.K
		case anyBit:
			holds = a&i.K != 0
		default:
			panic(fmt.Sprintf("instruction %d has code %#x, which no peer used so far", pc, i.Op))
		}
		if holds {
			pc += int(i.Jt)
		} else {
			pc += int(i.Jf)
		}
	}
}

// converted is the number of eBPF instructions that the kernel makes of a program,
// by net/core/filter.c, bpf_convert_filter: three before it, two of a return, one of
// a load, and of a jump as below. The limit on stacked filters counts these.
func converted(p Program) int {
	n := 3
	for _, i := range p {
		switch i.Op {
		case ret:
			n += 2
		case loadWord, and, jump:
			n++
		default:
			n += convertedJump(i.Op, i.Jt, i.Jf, i.K)
		}
	}
	return n
}

func convertedJump(op uint16, jt, jf uint8, k uint32) int {
	n := 1
	if int32(k) < 0 {
		n++ // K goes into a register, since an immediate would be sign-extended
	}
	if jf != 0 && (jt != 0 || op == anyBit) {
		n++ // a jump of its own: JSET has no inverse
	}
	return n
}
