//go:build linux

package probe

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/runtime/install"
)

// filters are as small as a filter can be under which the child still ends.
var filters = map[string]func() error{
	"none":                 func() error { return nil },
	"refuses":              func() error { return errors.New("not today") },
	"kills":                filter(unix.SECCOMP_RET_KILL_PROCESS, arch, number, end),
	"answers EACCES":       filter(unix.SECCOMP_RET_ERRNO|uint32(unix.EACCES), arch, number, end),
	"kills threads":        filter(unix.SECCOMP_RET_KILL_THREAD, arch, number, end),
	"kills on everything":  filter(unix.SECCOMP_RET_KILL_PROCESS, arch),
	"forgets architecture": filter(unix.SECCOMP_RET_KILL_PROCESS, number, end, munmap),
	"kills on exit":        filter(unix.SECCOMP_RET_ALLOW, arch, number, noEnd),
	"allows execve alone":  filter(unix.SECCOMP_RET_KILL_PROCESS, arch, number, end, execveOnly),
}

// Pieces of filters. Each falls through to the next if it does not decide.
var (
	allow = stmt(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW)
	// arch kills the calls of any other architecture than the test's own.
	arch = []install.Instruction{
		stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 4), // struct seccomp_data, arch
		jump(auditArch, 1, 0),
		stmt(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_KILL_PROCESS),
	}
	number     = []install.Instruction{stmt(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0)} // nr
	end        = []install.Instruction{jump(unix.SYS_EXIT_GROUP, 0, 1), allow}
	noEnd      = []install.Instruction{jump(unix.SYS_EXIT_GROUP, 0, 1), stmt(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_KILL_PROCESS)}
	munmap     = []install.Instruction{jump(unix.SYS_MUNMAP, 0, 1), allow}
	execveOnly = []install.Instruction{jump(unix.SYS_EXECVE, 0, 1), allow}
)

func stmt(code uint16, k uint32) install.Instruction { return install.Instruction{Code: code, K: k} }

func jump(k uint32, jt, jf uint8) install.Instruction {
	return install.Instruction{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: jt, Jf: jf, K: k}
}

// filter installs the pieces in a row, and then what is to become of the rest.
func filter(rest uint32, pieces ...[]install.Instruction) func() error {
	var program []install.Instruction
	for _, p := range pieces {
		program = append(program, p...)
	}
	program = append(program, stmt(unix.BPF_RET|unix.BPF_K, rest))
	return func() error { return install.ThisThread("test", program, 0) }
}

var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]

func TestMain(m *testing.M) {
	Main(filters)
	os.Exit(m.Run())
}

func verdictOf(t *testing.T, filter, attempt string) Verdict {
	t.Helper()
	v, err := Try(t.Context(), filter, attempt)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWithoutAFilterEveryAttemptSucceeds(t *testing.T) {
	for _, a := range Attempts() {
		t.Run(a.Name, func(t *testing.T) {
			want := []Verdict{Allowed}
			switch {
			case a.Name == "x32 native execve":
				want = []Verdict{Errno(unix.ENOSYS)} // x32 has another, whether the kernel serves it or not
			case strings.HasPrefix(a.Name, "x32 "):
				want = append(want, Errno(unix.ENOSYS)) // a kernel without x32, as most are
			case strings.HasSuffix(a.Name, "kill") && os.Geteuid() != 0:
				want = []Verdict{Errno(unix.EPERM)} // process 1 is another's
			}
			if got := verdictOf(t, "none", a.Name); !slices.Contains(want, got) {
				t.Errorf("verdict %v, want one of %v", got, want)
			}
		})
	}
}

func TestAFilterThatKillsKillsEveryAttempt(t *testing.T) {
	for _, a := range Attempts() {
		t.Run(a.Name, func(t *testing.T) {
			if got := verdictOf(t, "kills", a.Name); got != Killed {
				t.Errorf("verdict %v, want %v", got, Killed)
			}
		})
	}
}

func TestAFilterThatAnswersAnErrorIsToldApart(t *testing.T) {
	for _, a := range Attempts() {
		want := Errno(unix.EACCES)
		if strings.HasPrefix(a.Name, "i386 ") {
			want = Killed
		}
		if got := verdictOf(t, "answers EACCES", a.Name); got != want {
			t.Errorf("%s: verdict %v, want %v", a.Name, got, want)
		}
	}
}

// i386's execve has the number of amd64's munmap, which any program needs.
func TestAFilterThatForgetsTheArchitectureIsFoundOut(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("needs amd64, the architecture whose programs can make calls of another")
	}
	for attempt, want := range map[string]Verdict{"execve": Killed, "i386 execve": Allowed} {
		if got := verdictOf(t, "forgets architecture", attempt); got != want {
			t.Errorf("%s: verdict %v, want %v", attempt, got, want)
		}
	}
}

func TestTheVerdictOutlivesAFilterThatKillsOnEverything(t *testing.T) {
	for _, a := range Attempts() {
		if got := verdictOf(t, "kills on everything", a.Name); got != Killed {
			t.Errorf("%s: verdict %v, want %v", a.Name, got, Killed)
		}
	}
	if got := verdictOf(t, "kills on exit", "socket inet"); got != Allowed {
		t.Errorf("socket inet: verdict %v, want %v", got, Allowed)
	}
}

func TestAnExecveThatSucceedsIsAllowedThoughTheShellIsKilled(t *testing.T) {
	if got := verdictOf(t, "allows execve alone", "execve"); got != Allowed {
		t.Errorf("verdict %v, want %v", got, Allowed)
	}
}

func TestWhatIsNoVerdictIsAnError(t *testing.T) {
	for _, c := range []struct{ filter, attempt, want string }{
		{"no such", "execve", `no filter is called "no such"`},
		{"none", "no such", `no attempt is called "no such"`},
		{"refuses", "execve", "not today"},
	} {
		v, err := Try(t.Context(), c.filter, c.attempt)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s under %s: verdict %v, error %v, want an error with %s", c.attempt, c.filter, v, err, c.want)
		}
	}
}

func TestAKilledThreadIsAnErrorAndNotAVerdict(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as Try is patient")
	}
	v, err := Try(t.Context(), "kills threads", "execve")
	if err == nil || !strings.Contains(err.Error(), "kill threads") {
		t.Errorf("verdict %v, error %v, want an error that says the child hung", v, err)
	}
}
