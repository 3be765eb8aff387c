package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"
)

func init() {
	modes["exec"] = func() work { return execute }
}

// execute runs this program again: to its end, with input and output, and killed.
func execute() {
	_, err := exec.LookPath("sh")
	must(err)
	self := "/proc/self/exe"
	must(exec.Command(self, "-", "0s", "nothing").Run())

	cat := exec.Command(self, "-", "0s", "cat")
	cat.Stdin = strings.NewReader("meow")
	var out bytes.Buffer
	cat.Stdout = &out
	must(cat.Run())
	if out.String() != "meow" {
		must(errors.New("another output"))
	}

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err = exec.CommandContext(ctx, self, "-", "1h", "idle").Run()
	var killed *exec.ExitError
	if !errors.As(err, &killed) {
		must(errors.Join(err, errors.New("not killed")))
	}
	if exec.Command("/nonesuch").Run() == nil {
		must(errors.New("there is a /nonesuch"))
	}
}

func init() {
	modes["cat"] = func() work {
		return func() {
			b := make([]byte, 100)
			n, err := os.Stdin.Read(b)
			must(err)
			_, err = os.Stdout.Write(b[:n])
			must(err)
		}
	}
}
