// Package linux has the constants of the Linux kernel's interface by name:
// flags, commands, families, signals and errnos.
//
//	dsl.Allow.For(sys.Mmap).When(sys.Mmap.Prot.Lacks(linux.PROT_EXEC))
//	dsl.Errno(linux.ENOSYS).For(sys.Clone3)
//
// A constant is a name, not a number, since the number differs between
// architectures; secgen looks it up for each. The values are the kernel's where
// libc's are others (O_LARGEFILE, F_GETLK). A comment beside a name tells which
// architectures lack it; naming it in a policy for one of those is an error.
package linux
