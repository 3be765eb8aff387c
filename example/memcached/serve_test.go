//go:build linux && amd64

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
	"github.com/secgen-dev/secgen/example/memcached/policy"
	"github.com/secgen-dev/secgen/gen"
)

// Serve cannot be put on a running server yet, so a server without a filter is
// traced, and Serve is asked about each call that it makes once it listens.
func TestServeAllowsWhatARunningServerCalls(t *testing.T) {
	for _, program := range []string{"memcached", "strace"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs Debian's package %s", program)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	trace := filepath.Join(t.TempDir(), "trace")
	s, err := exercise.Start(ctx, "strace", "-f", "-n", "-qq", "-e", "raw=all", "-e", "signal=none", "-o", trace, "memcached")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range slices.Concat(exercise.Steps(), s.Signals()) {
		// The trace makes the server slow; what it replies is judged elsewhere.
		if err := step.Run(ctx, s.Target()); err != nil {
			t.Log(err)
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	filters, err := gen.Compile(dsl.Named{Name: "Serve", Policy: &policy.Serve})
	if err != nil {
		t.Fatal(err)
	}
	program, ok := bpf.Disassemble(filters[0].Program)
	if !ok {
		t.Fatal("x/net/bpf does not know an instruction")
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	answers := map[uint32]int{}
	listens := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, data, ok := traced(lines.Text())
		if !ok {
			continue
		}
		if listens {
			ret, err := vm.Run(data)
			if err != nil {
				t.Fatal(err)
			}
			answers[uint32(ret)]++
			if uint32(ret)>>16 != 0x7fff && uint32(ret)>>16 != 0x0005 {
				t.Errorf("Serve answers %#x to %s", uint32(ret), lines.Text())
			}
		}
		listens = listens || name == "listen"
	}
	if answers[0x7fff0000] < 1000 {
		t.Errorf("only %v answers: was there a trace?", answers)
	}
	t.Logf("answers by SECCOMP_RET_ value: %#x", answers)
}

var traceLine = regexp.MustCompile(`^\d+ +\[ *(\d+)\] (\w+)\(([^)<]*)`)

// traced is a line of strace -n -e raw=all as struct seccomp_data, in the byte
// order in which x/net/bpf's machine loads words.
func traced(line string) (name string, data []byte, ok bool) {
	m := traceLine.FindStringSubmatch(line)
	if m == nil {
		return "", nil, false
	}
	data = make([]byte, 64)
	nr, _ := strconv.Atoi(m[1])
	binary.BigEndian.PutUint32(data[0:], uint32(nr))
	binary.BigEndian.PutUint32(data[4:], 0xc000003e) // AUDIT_ARCH_X86_64
	for i, text := range strings.Split(strings.TrimSpace(m[3]), ",") {
		var arg uint64
		fmt.Sscan(strings.TrimSpace(text), &arg)
		binary.BigEndian.PutUint32(data[16+8*i:], uint32(arg))
		binary.BigEndian.PutUint32(data[20+8*i:], uint32(arg>>32))
	}
	return m[2], data, true
}
