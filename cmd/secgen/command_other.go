//go:build !linux

package main

import "errors"

func becomeCommand() {}

func (c *runCmd) run(*session, []string, []string) error {
	return exit{failed, errors.New("running a command under filters takes Linux")}
}

func (c *learnCmd) learn(*session) error {
	return exit{failed, errors.New("learning from a command that runs takes Linux; -strace, -audit and -merge do not")}
}
