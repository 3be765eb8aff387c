//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Without memcached the demonstration shows the small Go server instead.
func TestTheDemonstrationWorksWithoutMemcached(t *testing.T) {
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, ".", "..", "../goserver")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // group.GoRuntime is for such programs
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(filepath.Join(bin, "demo"))
	cmd.Env = append(os.Environ(), "PATH="+bin+"/nothing")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"a small Go server stands in for it",
		"set and get work, Seccomp:\t2",
		"execve           under Serve: killed by SIGSYS",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
