package abi

// Cached reports whether the kernel keeps, for a call with this number on this
// ABI, whether filters allow it whatever its arguments: SECCOMP_ARCH_NATIVE and
// SECCOMP_ARCH_COMPAT of arch/*/include/asm/seccomp.h, with numbers below
// NR_syscalls (kernel/seccomp.c, seccomp_cache_check_allow), which grows with the
// kernel. MIPS has no such cache; x32's numbers, and ARM's private ones, lie
// beyond the table. The kernel keeps numbers that no call has too; they are false
// here, since nothing depends on how fast they fail. Since Linux 5.11.
func (a *Arch) Cached(nr uint32) bool {
	switch a.Family {
	case "mips64", "mips64le":
		return false
	}
	const private = 0x0f0000 // ARM_NR_BASE of arch/arm/include/uapi/asm/unistd.h
	return nr < private && a.CallName(nr) != ""
}
