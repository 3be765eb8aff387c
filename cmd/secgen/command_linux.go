package main

import (
	"errors"
	"io/fs"
	"os/exec"
	"syscall"

	"github.com/secgen-dev/secgen/internal/launch"
)

// becomeCommand is for a child that run or learn started.
func becomeCommand() { launch.Child() }

// unstarted is the error of a command that did not run.
func unstarted(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound):
		return exit{notFound, err}
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOEXEC):
		return exit{notExecutable, err}
	}
	return exit{failed, err}
}
