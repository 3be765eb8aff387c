// Package tables makes what secgen knows about Linux: the system calls of
// package dsl/sys, the constants of package dsl/linux, and the tables of package
// gen/internal/abi.
//
// Facts come from two places. golang.org/x/sys/unix, which is generated from the
// kernel's headers for every GOARCH, gives numbers, constants and errnos; its
// version is go.mod's. The files under data/ give what it lacks: parameters,
// their places and widths, and what the kernel has and x/sys has not. Every line
// there names its source. Adding an architecture means adding lines.
//
// Two tests compare the result with other people's: one with the kernel's headers
// in Debian's packages linux-libc-dev-ARCH-cross (SECGEN_HEADERS names another
// place than /usr for them), one with every SYSCALL_DEFINE of the kernel's source
// that SECGEN_LINUX names. What is missing, they say when they skip.
//
// Two small commands are built on it: generate writes the files, and headers
// makes data/constants.tsv from a kernel's source.
package tables

//go:generate go run ./generate
