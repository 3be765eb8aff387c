//go:build linux

// Command goserver stands in for memcached where that is not to be had: a
// server of three of its commands (set, get, version) that puts itself into a
// sandbox once it listens.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

//go:generate env GOOS= GOARCH= go run github.com/secgen-dev/secgen/cmd/secgen generate -o filter_linux.go -other filter_other.go ./policy

func main() {
	fmt.Fprintln(os.Stderr, "goserver:", serve(os.Args[1:]))
	os.Exit(1)
}

// serve returns only if it cannot go on.
func serve(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: goserver ADDRESS")
	}
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	if err := Serve.Install(); err != nil {
		return err
	}
	var s store
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go s.talk(c)
	}
}

type store struct{ items sync.Map }

type item struct{ flags, data string }

// maxItem is memcached's default limit.
const maxItem = 1 << 20

func (s *store) talk(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch f := strings.Fields(line); {
		case len(f) == 1 && f[0] == "version":
			fmt.Fprint(c, "VERSION secgen example\r\n")
		case len(f) == 2 && f[0] == "get":
			if i, ok := s.items.Load(f[1]); ok {
				i := i.(item)
				fmt.Fprintf(c, "VALUE %s %s %d\r\n%s\r\n", f[1], i.flags, len(i.data), i.data)
			}
			fmt.Fprint(c, "END\r\n")
		case len(f) == 5 && f[0] == "set":
			n, err := strconv.Atoi(f[4])
			if err != nil || n < 0 || n > maxItem {
				fmt.Fprint(c, "CLIENT_ERROR bad data chunk\r\n")
				return
			}
			data := make([]byte, n+len("\r\n"))
			if _, err := io.ReadFull(r, data); err != nil {
				return
			}
			s.items.Store(f[1], item{f[2], string(data[:n])})
			fmt.Fprint(c, "STORED\r\n")
		default:
			fmt.Fprint(c, "ERROR\r\n")
		}
	}
}
