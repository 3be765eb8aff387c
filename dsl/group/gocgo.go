package group

import "slices"

// GoCgo is what the runtime of a Go program with cgo needs besides [GoRuntime]
// once main runs: glibc makes its threads, and memory for C. What the C code does
// otherwise is not in it, and neither is what malloc does to count the CPUs (see
// [GlibcThreads]): an errno for openat, unless it is allowed, is enough. Seen with Go
// 1.26 and glibc 2.36 on amd64.
var GoCgo = GlibcThreads

// GoCgoStart is what a Go program with cgo, linked dynamically with glibc, needs
// besides [GoRuntime] and [GoCgo] from its execve until main runs, as [GoStart] is
// for one without.
var GoCgoStart = slices.Concat(GoStart, GlibcStart)
