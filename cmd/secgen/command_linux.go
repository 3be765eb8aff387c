package main

import (
	"errors"
	"io/fs"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/secgen-dev/secgen/internal/launch"
)

// becomeCommand is for a child that run or learn started.
func becomeCommand() { launch.Child() }

// unstarted is the error of a command that did not run.
func unstarted(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound):
		return exit{notFound, err}
	case errors.Is(err, fs.ErrPermission):
		return exit{notExecutable, err}
	}
	for _, errno := range []syscall.Errno{syscall.ENOEXEC, syscall.EISDIR, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.E2BIG, syscall.ELOOP, syscall.ETXTBSY} {
		if errors.Is(err, errno) {
			return exit{notExecutable, err}
		}
	}
	return exit{failed, err}
}

// visible is a name of a file or a thread, quoted if it could be taken for something
// else.
func visible(name string) string {
	if name == "" {
		return "?"
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// base is the visible last part of a path.
func base(path string) string {
	return visible(path[strings.LastIndexByte(path, '/')+1:])
}
