//go:build amd64 || arm64

package attach

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

var harmless = on(unix.SYS_GETPRIORITY, errnoIs|99)

// refuses has an installation fail, and compares the process with what it was.
func refuses(t *testing.T, c *child, program []bpf.RawInstruction, flags uint32, want string) {
	t.Helper()
	status, maps := c.status(t), c.mapped(t)
	_, err := Install(t.Context(), c.pid, "Test", program, flags)
	if err == nil || !strings.Contains(err.Error(), want) ||
		!strings.HasPrefix(err.Error(), fmt.Sprintf("seccomp filter Test: nothing installed in process %d: ", c.pid)) {
		t.Errorf("no %q in %v", want, err)
	}
	t.Log(err)
	if strings.Contains(want, "no_new_privs stays set") {
		status = strings.Replace(status, "NoNewPrivs:0", "NoNewPrivs:1", 1)
	}
	if got := c.status(t); got != status {
		t.Errorf("the process is\n%sand was\n%s", got, status)
	}
	if got := c.mapped(t); got != maps {
		t.Errorf("the memory is\n%s\nand was\n%s", got, maps)
	}
}

func TestProgramsThatWillNotDo(t *testing.T) {
	c := start(t, "read")
	c.asleep(t, unix.SYS_READ)
	for _, test := range []struct {
		program []bpf.RawInstruction
		flags   uint32
		want    string
	}{
		{nil, 0, "no program"},
		{on(unix.SYS_ACCT, 0x12340000), 0, "the kernel does not know action 0x12340000"},
		{on(unix.SYS_ACCT, unix.SECCOMP_RET_USER_NOTIF), 0, "supervisor"},
		{harmless, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, "use no NEW_LISTENER"},
		{harmless, 1 << 20, "the kernel does not take flags 0x100001"},
		{harmless[:3], 0, "the program is none: cannot jump"},
		{[]bpf.RawInstruction{{Op: 0xffff}}, 0, "golang.org/x/net/bpf does not know"},
		// Only the kernel finds that out.
		{[]bpf.RawInstruction{{Op: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 2}, {Op: unix.BPF_RET | unix.BPF_A}}, 0,
			fmt.Sprintf("the kernel refuses the program; no_new_privs stays set on thread %d", c.pid)},
	} {
		refuses(t, c, test.program, test.flags, test.want)
	}
	c.stdin.Write([]byte("x"))
	if got, want := c.rest(t), "read: 1 \n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A filter of the process that would kill it for a call of ours is asked first.
func TestFiltersThatDenyTheCallsAreAsked(t *testing.T) {
	needsRoot(t)
	const kill, seven = "0x80000000", "0x00050007"
	for _, test := range []struct {
		nr     int
		action string
		want   string
	}{
		{unix.SYS_SECCOMP, kill, "does not allow it seccomp(SECCOMP_SET_MODE_FILTER)"},
		{unix.SYS_SECCOMP, seven, "does not allow it seccomp(SECCOMP_SET_MODE_FILTER)"},
		{unix.SYS_MMAP, kill, "does not allow it mmap"},
		{unix.SYS_MUNMAP, kill, "does not allow it munmap"},
		{unix.SYS_SECCOMP, "0x7fc00000", "does not allow it seccomp"},
	} {
		c := start(t, "filter", strconv.Itoa(test.nr), test.action)
		c.asleep(t, unix.SYS_READ)
		refuses(t, c, harmless, 0, test.want)
		if got, want := c.rest(t), "ran on: 0 \ngetpriority: 0 \n"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	// Who has no_new_privs need not set it.
	c := start(t, "filter", strconv.Itoa(unix.SYS_PRCTL), kill)
	attached(t, c.pid)
	if got, want := c.rest(t), "ran on: 0 \ngetpriority: -1 EADDRNOTAVAIL\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestThreadsThatDiverged(t *testing.T) {
	needsRoot(t)
	c := start(t, "diverged")
	c.asleep(t, unix.SYS_READ)
	refuses(t, c, harmless, 0, "by the process's own count, has a filter that others have not")
	if got, want := c.rest(t), ""; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestThreadThatNoSignalWakes(t *testing.T) {
	c := start(t, "vfork")
	c.await(t, "uninterruptible sleep", func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.pid))
		return strings.Contains(string(text), ") D ")
	})
	refuses(t, c, harmless, 0, "sleep where no signal wakes them")
	if got, want := c.rest(t), "ran on: 0 \n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// One that makes no system call is let go when the caller has had enough.
func TestThreadThatComputes(t *testing.T) {
	c := start(t, "computes")
	status := c.status(t)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		c.await(t, "the tracer", func() bool { return !strings.Contains(c.status(t), "TracerPid:0") })
		cancel(enough)
	}()
	if _, err := Install(ctx, c.pid, "Test", harmless, 0); !errors.Is(err, enough) {
		t.Error(err)
	}
	c.await(t, "the release", func() bool { return c.status(t) == status })
}

func TestProcessesThatCannotBe(t *testing.T) {
	ended := start(t, "read")
	ended.rest(t)
	for pid, want := range map[int]string{
		ended.pid:   "there is no such process",
		os.Getpid(): "no process can trace itself",
	} {
		if _, err := Install(t.Context(), pid, "Test", harmless, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: no %q in %v", pid, want, err)
		}
	}
}

func TestTracedProcess(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := start(t, "read")
	c.asleep(t, unix.SYS_READ)
	if err := unix.PtraceSeize(c.pid); err != nil {
		t.Skip(err)
	}
	refuses(t, c, harmless, 0, fmt.Sprintf("process %d (", os.Getpid()))
}

func TestStrictMode(t *testing.T) {
	c := start(t, "strict")
	c.asleep(t, unix.SYS_READ)
	refuses(t, c, harmless, 0, "is in seccomp's strict mode")
}

func TestOtherWordSize(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the program is one for amd64's 32-bit mode")
	}
	cmd := exec.Command(program32(t))
	if err := cmd.Start(); err != nil {
		t.Skip("this kernel runs no 32-bit programs:", err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	c := &child{Cmd: cmd, pid: cmd.Process.Pid}
	c.asleep(t, 29) // i386's pause
	refuses(t, c, harmless, 0, "it runs 32-bit code")
	c.asleep(t, 29)
}

// program32 makes an ELF file of nothing but pause(2) in a loop.
func program32(t *testing.T) string {
	code := []byte{0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7} // mov $29, %eax; int $0x80; jmp to the beginning
	const base, headers = 0x10000, 52 + 32
	var b bytes.Buffer
	for _, part := range []any{
		elf.Header32{
			Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS32), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_386), Version: uint32(elf.EV_CURRENT),
			Entry: base + headers, Phoff: 52, Ehsize: 52, Phentsize: 32, Phnum: 1,
		},
		elf.Prog32{Type: uint32(elf.PT_LOAD), Vaddr: base, Filesz: headers + uint32(len(code)), Memsz: headers + uint32(len(code)),
			Flags: uint32(elf.PF_R | elf.PF_X), Align: 0x1000},
		code,
	} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "program32")
	if err := os.WriteFile(name, b.Bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// Another user's process is out of reach; one's own takes no privilege, unless it has
// filters, which the kernel does not tell.
func TestWithoutPrivileges(t *testing.T) {
	needsRoot(t)
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	bin, err := program()
	if err != nil {
		t.Skip(err)
	}
	if err := os.Chmod(bins, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		attr *syscall.SysProcAttr
		want string
		end  string
	}{
		{[]string{"read"}, nil, "it may not be traced", "read: 0 \n"},
		{[]string{"read"}, nobody, "<nil>", "read: 0 \n"},
		{[]string{"filter", "-1", "0x7fff0000"}, nobody, "it has filters, and they must be asked", "ran on: 0 \ngetpriority: 0 \n"},
	} {
		cmd := exec.Command(bin, test.args...)
		cmd.SysProcAttr = test.attr
		c := run(t, cmd)
		c.asleep(t, unix.SYS_READ)
		attach := exec.Command("/proc/self/exe")
		attach.Env = append(os.Environ(), "SECGEN_ATTACH_TEST=attach", fmt.Sprintf("OF=%d", c.pid))
		attach.SysProcAttr = nobody
		if out, err := attach.CombinedOutput(); err != nil || !strings.Contains(string(out), test.want) {
			t.Errorf("no %q in %s (%v)", test.want, out, err)
		}
		if got := c.rest(t); got != test.end {
			t.Errorf("got %s, want %s", got, test.end)
		}
	}
}
