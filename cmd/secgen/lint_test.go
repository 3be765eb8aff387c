package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/gen"
)

// lintOf runs the command on a filter.
func lintOf(t *testing.T, format, filter string) (string, error) {
	t.Helper()
	var said strings.Builder
	err := (&lintCmd{Filter: filter, Format: format}).Run(&session{ctx: context.Background(), stdout: &said, stderr: &said})
	return said.String(), err
}

func TestLintTellsCleanFromFaultyAndFromTrouble(t *testing.T) {
	clean := write(t, "clean.json", `{"defaultAction": "SCMP_ACT_KILL_PROCESS", "architectures": ["SCMP_ARCH_X86_64"],
		"syscalls": [{"names": ["read", "exit_group", "rt_sigreturn", "restart_syscall"], "action": "SCMP_ACT_ALLOW"}]}`)
	faulty := write(t, "faulty.json", `{"defaultAction": "SCMP_ACT_KILL_PROCESS", "architectures": ["SCMP_ARCH_X86_64"],
		"syscalls": [{"names": ["ptrace", "exit_group", "rt_sigreturn", "restart_syscall"], "action": "SCMP_ACT_ALLOW"}]}`)
	for _, c := range []struct {
		filter, want string
		err          error
	}{
		{clean, "", nil},
		{"../../golden/stages/policy:Start", "vital", errDifferent},
		{faulty, "faulty.json:2: warning: dangerous: amd64 ptrace: ", errDifferent},
		{"../../golden/denylist/policy", "policy.go:", errDifferent},
		{"../../golden/denylist/filter_linux.go", "Denylist: warning: deny-list: ", errDifferent},
	} {
		said, err := lintOf(t, "text", c.filter)
		if !errors.Is(err, c.err) || err != nil && c.err == nil || !strings.Contains(said, c.want) {
			t.Errorf("%s: error %v, want %v, and %q in:\n%s", c.filter, err, c.err, c.want, said)
		}
	}
	if _, err := lintOf(t, "text", "../../golden/denylist/policy:Nobody"); err == nil || errors.Is(err, errDifferent) || !strings.Contains(err.Error(), "there is no policy Nobody") {
		t.Errorf("error %v for a policy that is not there", err)
	}
}

func TestLintAsJSON(t *testing.T) {
	said, err := lintOf(t, "json", "../../golden/denylist/policy")
	if !errors.Is(err, errDifferent) {
		t.Fatal(err)
	}
	var found []gen.Finding
	if err := json.Unmarshal([]byte(said), &found); err != nil || len(found) == 0 {
		t.Fatalf("%v in %s", err, said)
	}
	for _, f := range found {
		if f.Severity == "" || f.Rule == "" || f.Policy != "Denylist" || f.Where == "" || len(f.Arches) == 0 || f.Why == "" || f.Fix == "" {
			t.Errorf("%+v", f)
		}
	}
}

// The README has the table of the checks.
func TestTheReadmeListsTheChecks(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	table := "| check | what it finds |\n|---|---|\n"
	for _, r := range gen.LintRules() {
		table += "| `" + r.Rule + "` | " + r.Finds + " |\n"
	}
	if !strings.Contains(string(text), "\n\n"+table+"\n") {
		t.Errorf("the README's table is not this one:\n%s", table)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
