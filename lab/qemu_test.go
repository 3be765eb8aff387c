package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program of this machine, and the libraries beside it, run from elsewhere.
func TestAProgramRunsWithWhatItNeeds(t *testing.T) {
	loaders, _ := filepath.Glob("/usr/lib/*/ld*.so.*")
	program, err := exec.LookPath("true")
	if err != nil || len(loaders) != 1 {
		t.Skip("Debian's places of the loader and the libraries are needed")
	}
	libc := filepath.Join(filepath.Dir(loaders[0]), "libc.so.6")
	tree := filepath.Join(t.TempDir(), "with space")
	for name, from := range map[string]string{"usr/bin/true": program, loaders[0]: loaders[0], libc: libc, "usr/share/efi/" + firmware: program} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files, err := needed(t.Context(), tree, "true")
	if err != nil || files["libc.so.6"] != filepath.Join(tree, libc) {
		t.Fatal(files, err)
	}
	run := underLoader(files[loaderName], filepath.Dir(files["libc.so.6"]), files["true"])
	if _, err := output(exec.CommandContext(t.Context(), run[0], run[1:]...)); err != nil {
		t.Error(err)
	}
	if err := os.Remove(files["libc.so.6"]); err != nil {
		t.Fatal(err)
	}
	if _, err := needed(t.Context(), tree, "true"); err == nil || !strings.Contains(err.Error(), "true needs libc.so.6") {
		t.Error(err)
	}
}
