// Package sys has every Linux system call as a Go value, with a field for each
// argument.
//
//	dsl.Allow.For(sys.Read, sys.Close)
//	dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Eq(linux.AF_UNIX))
//
// A call bears its kernel name in Go's spelling: epoll_pwait2 is EpollPwait2,
// _newselect is Newselect. Arguments bear the names of the manual page, or the
// kernel's where there is no page; the comment beside a field is the C type in
// the kernel. A dsl.Arg can be compared, a dsl.Pointer can only be null or not.
// For what has no field, such as the arguments of a call that no kernel
// implements, there is dsl.Raw.
//
// secgen knows for each architecture where an argument is and how many bits of
// it count. An architecture may lack a call, as the doc comment says (mips*,
// ppc* and s390* are all whose names begin so), or take its arguments another
// way: mmap on i386 and s390x takes a pointer to a structure, so that a
// condition on sys.Mmap.Prot is an error there.
package sys
