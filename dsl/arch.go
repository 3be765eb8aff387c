package dsl

// Arch names a Linux ABI: a set of system call numbers together with the
// registers that carry their arguments. ABIs that one kernel serves side by
// side (amd64, i386 and x32, say) are a family and share one program.
type Arch string

// The ABIs that secgen has tables for.
const (
	AMD64    Arch = "amd64"
	I386     Arch = "i386"
	X32      Arch = "x32"
	ARM64    Arch = "arm64"
	ARM      Arch = "arm"
	RISCV64  Arch = "riscv64"
	S390X    Arch = "s390x"
	S390     Arch = "s390"
	PPC64LE  Arch = "ppc64le"
	PPC64    Arch = "ppc64"
	PPC      Arch = "ppc"
	MIPS     Arch = "mips"
	MIPSLE   Arch = "mipsle"
	MIPS64   Arch = "mips64"
	MIPS64LE Arch = "mips64le"
	LOONG64  Arch = "loong64"
)
