//go:build !linux

package main

import "errors"

func becomeCommand() {}

func (c *runCmd) run(*session) error {
	return exit{failed, errors.New("running a command under filters takes Linux")}
}
