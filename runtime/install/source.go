// Package install puts a seccomp filter on the running process: on all of its
// threads or on the calling one, completely or not at all.
//
// install.go is also what secgen copies into each file that it writes, so that
// the file needs nothing but the standard library, and notify.go into those with
// policies that need it. The copy gets another package clause and other names for
// the top-level declarations, and is otherwise the files as they are tested here.
// Hence their form: all that is needed, no package-level variables, no init, and
// top-level names that nothing else in them bears.
package install

import _ "embed"

// Source is the text of install.go.
//
//go:embed install.go
var Source string

// NotifySource is the text of notify.go, which needs install.go's.
//
//go:embed notify.go
var NotifySource string
