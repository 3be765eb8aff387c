// Package kernel says what the kernel does with a classic BPF program that
// seccomp gives it: which instructions it takes (check.go), how it runs them
// (run.go), and for which calls it need not run them at all (cache.go).
package kernel

import "golang.org/x/net/bpf"

// Program is instructions as the kernel takes them, struct sock_filter of
// linux/filter.h, in the machine's byte order.
type Program = []bpf.RawInstruction

// MaxLen is the most instructions that the kernel takes: BPF_MAXINSNS of
// linux/bpf_common.h.
const MaxLen = 4096

// The codes of all instructions that seccomp takes (net/core/filter.c,
// bpf_check_classic, and kernel/seccomp.c, seccomp_check_filter), made of
// linux/bpf_common.h's parts. A is the accumulator, X the index register, M the
// 16 words of scratch memory, K the instruction's constant.
const (
	LoadWord   = 0x20 // A = the 32 bits at K of struct seccomp_data
	LoadLen    = 0x80 // A = its size, 64
	LoadConst  = 0x00 // A = K
	LoadMem    = 0x60 // A = M[K]
	LoadXLen   = 0x81 // X = 64
	LoadXConst = 0x01 // X = K
	LoadXMem   = 0x61 // X = M[K]
	Store      = 0x02 // M[K] = A
	StoreX     = 0x03 // M[K] = X
	ToX        = 0x07 // X = A
	FromX      = 0x87 // A = X

	Add = 0x04 // A = A + K
	Sub = 0x14
	Mul = 0x24
	Div = 0x34
	Or  = 0x44
	And = 0x54
	Lsh = 0x64
	Rsh = 0x74
	Xor = 0xa4
	Neg = 0x84 // A = -A

	Jump          = 0x05 // skip K
	JumpEqual     = 0x15 // skip Jt if A == K, else Jf
	JumpGreater   = 0x25 // if A > K, unsigned
	JumpGreaterEq = 0x35
	JumpAnyBit    = 0x45 // if A & K != 0

	Return  = 0x06 // K
	ReturnA = 0x16
)

// UseX added to the code of arithmetic (but Neg) or of a conditional jump puts
// X in the place of K.
const UseX = 0x08

const (
	dataSize       = 64 // bytes of struct seccomp_data
	scratch        = 16 // words of scratch memory
	shiftWidth     = 32
	shiftRemainder = 31   // what of X a shift takes
	operationMask  = 0xf7 // a code without UseX
	classMask      = 0x07 // the kind of a code
	classJump      = 0x05
)

// Next lists the instructions that may follow instruction pc of a program that
// Check accepts; none follows a return.
func Next(p Program, pc int) []int {
	switch ins := p[pc]; {
	case ins.Op == Return || ins.Op == ReturnA:
		return nil
	case ins.Op == Jump:
		return []int{pc + 1 + int(ins.K)}
	case Conditional(ins.Op):
		return []int{pc + 1 + int(ins.Jt), pc + 1 + int(ins.Jf)}
	}
	return []int{pc + 1}
}

// Conditional reports whether a code is a jump with two outcomes.
func Conditional(op uint16) bool { return op&classMask == classJump && op != Jump }

// ReadsX reports whether an instruction looks at X.
func ReadsX(op uint16) bool {
	const classArithmetic = 0x04
	switch class := op & classMask; {
	case op == FromX || op == StoreX:
		return true
	case class == classArithmetic || class == classJump:
		return op&UseX != 0
	}
	return false
}
