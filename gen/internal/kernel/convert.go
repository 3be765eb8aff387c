package kernel

// Converted is the number of eBPF instructions that the kernel makes of a program
// (net/core/filter.c, bpf_convert_filter), which is what counts against the limit on
// stacked filters (kernel/seccomp.c, MAX_INSNS_PER_PATH): three before it, two of a
// return of a constant, five of a division by X, and of a conditional jump up to three.
// A kernel that compiles classic BPF itself, as old ones did on some architectures,
// keeps the program's own length.
func Converted(p Program) int {
	n := 3
	for _, i := range p {
		n++
		switch {
		case i.Op == Return:
			n++
		case i.Op == Div|UseX:
			n += 4
		case Conditional(i.Op):
			if i.Op&UseX == 0 && int32(i.K) < 0 {
				n++ // the constant goes into a register, for an immediate would be sign-extended
			}
			// A jump with one way straight on is one, turned round if need be; a test of
			// bits cannot be.
			if i.Jf != 0 && (i.Jt != 0 || i.Op&^UseX == JumpAnyBit) {
				n++
			}
		}
	}
	return n
}
