package launch

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"
)

// caught gets the signals that are the command's. SIGPIPE is caught and not passed
// on: a supervisor goes on when nobody reads what it says.
func caught() chan os.Signal {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGINT, syscall.SIGQUIT,
		syscall.SIGALRM, syscall.SIGWINCH, syscall.SIGPIPE)
	return signals
}

// forward passes on signals to the command, so that whoever ends, reloads or winds up
// this process does so with the command. The terminal's own, such as the one of
// Ctrl-C, reach both without that. It returns a function that ends it.
func (s *started) forward(signals <-chan os.Signal) (stop func()) {
	done := make(chan bool)
	go func() {
		for {
			select {
			case <-done:
				return
			case sig := <-signals:
				if sig != syscall.SIGPIPE && !fromTerminal(sig) {
					s.Signal(sig)
				}
			}
		}
	}()
	return func() { close(done) }
}

// fromTerminal reports whether a signal is one that a terminal sends, and this
// process is one of those that it sends it to.
func fromTerminal(sig os.Signal) bool {
	switch sig {
	case syscall.SIGINT, syscall.SIGQUIT, syscall.SIGWINCH:
	default:
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	var group int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, tty.Fd(), syscall.TIOCGPGRP, uintptr(unsafe.Pointer(&group)))
	return errno == 0 && int(group) == syscall.Getpgrp()
}
