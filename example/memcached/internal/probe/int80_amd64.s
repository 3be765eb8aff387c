//go:build linux

#include "textflag.h"

// func int80(number, a0, a1, a2, a3, a4, a5 uintptr) (r1 uintptr)
//
// i386 takes its arguments in ebx, ecx, edx, esi, edi and ebp (syscall(2)). The
// frame is there for the assembler to save BP, which Go wants back.
TEXT ·int80(SB), NOSPLIT, $8-64
	MOVQ number+0(FP), AX
	MOVQ a0+8(FP), BX
	MOVQ a1+16(FP), CX
	MOVQ a2+24(FP), DX
	MOVQ a3+32(FP), SI
	MOVQ a4+40(FP), DI
	MOVQ a5+48(FP), BP
	INT  $0x80
	MOVQ AX, r1+56(FP)
	RET
