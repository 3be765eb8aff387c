package filter

import "golang.org/x/net/bpf"

// Raw is the program for this machine and its flags, as package runtime/attach
// takes them.
func (f secgenFilter) Raw() (program []bpf.RawInstruction, flags uint32) {
	for _, i := range f.program() {
		program = append(program, bpf.RawInstruction{Op: i.Code, Jt: i.Jt, Jf: i.Jf, K: i.K})
	}
	return program, uint32(f.flags)
}
