// Package install puts a seccomp filter on the running process: on all of its
// threads or on the calling one, completely or not at all.
//
// install.go is also what secgen copies into each file that it writes, so that
// the file needs nothing but the standard library. The copy gets another package
// clause and other names for the top-level declarations, and is otherwise the
// file as it is tested here. Hence its form: one file with all that it needs, no
// package-level variables, no init, and top-level names that nothing else in it
// bears.
package install

import _ "embed"

// Source is the text of install.go.
//
//go:embed install.go
var Source string
