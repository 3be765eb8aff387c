//go:build amd64 || arm64

package learn

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/secgen-dev/secgen/gen"
)

// What is recorded is what strace sees, call by call, and as often where a program
// does the same each time.
func TestTheSameCallsAsStrace(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs strace")
	}
	dir := t.TempDir()
	repository := filepath.Join(dir, "repository")
	if err := os.Mkdir(repository, 0o755); err != nil {
		t.Fatal(err)
	}
	commands := map[string][]string{"ls": {"ls", "-l", "/"}, "shell": {"sh", "-c", "ls / | cat >/dev/null"}}
	if _, err := exec.LookPath("git"); err == nil {
		if out, err := exec.Command("git", "-C", repository, "init").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		commands["git"] = []string{"git", "-C", repository, "status"}
	}
	hello := filepath.Join(dir, "hello.go")
	if err := os.WriteFile(hello, []byte("package main\n\nfunc main() { println(\"hello\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "hello"), hello).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	commands["Go"] = []string{filepath.Join(dir, "hello")}
	for name, command := range commands {
		t.Run(name, func(t *testing.T) {
			p, _ := run(t, command...)
			log := filepath.Join(dir, name+".strace")
			cmd := exec.Command("strace", append([]string{"-f", "-o", log}, command...)...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("strace: %v\n%s", err, out)
			}
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			traced, err := gen.ReadStrace(log, text, gen.StraceOptions{})
			if err != nil {
				t.Fatal(err)
			}
			learned, straced := p.Counts(), traced.Counts()
			t.Logf("learned: %v", learned)
			t.Logf("strace:  %v", straced)
			for call := range learned {
				if straced[call] == 0 && !chance[name][call] {
					t.Errorf("%s was learned, strace does not have it", call)
				}
			}
			for call := range straced {
				if learned[call] == 0 && !chance[name][call] {
					t.Errorf("strace has %s, which was not learned", call)
				}
			}
			if name == "ls" { // which does the same each time
				for call, n := range straced {
					if learned[call] != n {
						t.Errorf("%s: learned %v times, strace has %v", call, learned[call], n)
					}
				}
			}
			if got, want := programs(t, p), programs(t, traced); !slices.Equal(got, want) {
				t.Errorf("programs: %q, by strace %q", got, want)
			}
		})
	}
}

// programs lists a profile's, with links resolved: strace has the path that execve
// was given.
func programs(t *testing.T, p *gen.Profile) []string {
	t.Helper()
	var list []string
	for _, k := range p.Keys() {
		path, err := filepath.EvalSymlinks(k.Program)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, path)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// chance has calls that a program makes or not as it happens.
var chance = map[string]map[string]bool{
	"Go":    {"futex": true, "nanosleep": true, "sched_yield": true, "tgkill": true, "rt_sigreturn": true, "getpid": true, "epoll_pwait": true, "madvise": true, "munmap": true, "clone": true, "set_robust_list": true},
	"shell": {"restart_syscall": true, "rt_sigreturn": true},
	"git":   {"rename": true, "unlink": true, "restart_syscall": true}, // the index may be written again
}
