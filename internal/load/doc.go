// Package load gets the policies out of a policy package, which is Go code and
// so has to be run.
//
//  1. `go list` finds the package and its files (find.go).
//  2. Its files are parsed, not type-checked, for the exported variables'
//     names, documentation and positions (find.go).
//  3. A main is written that hands pointers to these variables to dsl.Dump,
//     which keeps those that are policies. Of the source tree it touches
//     nothing: it is there only for a `go build -overlay`, in a directory below
//     the package's own, so that internal packages work, and it imports only
//     the package and dsl, so that vendoring works (overlay.go, run.go).
//  4. It is built for the host, whatever the environment says of cross builds
//     and race detectors (toolchain.go, goflags.go), and run: the package is
//     initialised, and what dsl.Dump has written to a file is read back (run.go).
//
// Nothing else is executed. Whatever goes wrong in the package is reported in
// the author's terms (trouble.go). All files lie in one temporary directory,
// which is removed when loading ends or the context does.
package load
