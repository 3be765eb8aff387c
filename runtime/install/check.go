//go:build linux

package install

// Check finds what the kernel would not do of a program, with seccomp(2)'s flags,
// as AllThreads does, and changes nothing.
func Check(program []Instruction, flags uintptr) error { return checkKernel(program, flags) }
