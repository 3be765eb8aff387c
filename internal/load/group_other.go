//go:build !unix

package load

import "os/exec"

// ownGroup does nothing: without process groups, only the process itself is killed.
func ownGroup(*exec.Cmd) {}
