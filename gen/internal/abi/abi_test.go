package abi

import (
	"fmt"
	"slices"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
)

func TestArguments(t *testing.T) {
	tests := []struct {
		arch, call, arg string
		want            string // bits and sign, slot, high slot; "" if the argument is not there
	}{
		{"amd64", "clone", "flags", "32u 0 -1"},
		{"s390x", "clone", "flags", "32u 1 -1"},
		{"s390", "clone", "stack", "32u 0 -1"},
		{"amd64", "clone", "tls", "64u 4 -1"},
		{"arm64", "clone", "tls", "64u 3 -1"},
		{"loong64", "clone", "tls", "64u 4 -1"},
		{"arm", "pread64", "offset", "64s 4 5"},
		{"mipsle", "pread64", "offset", "64s 4 5"},
		{"mips", "pread64", "offset", "64s 5 4"},
		{"ppc", "pread64", "offset", "64s 5 4"},
		{"s390", "pread64", "offset", "64s 4 3"},
		{"i386", "pread64", "offset", "64s 3 4"},
		{"mips64", "pread64", "offset", "64s 3 -1"},
		{"mips", "sync_file_range", "flags", "32u -1 -1"},
		{"ppc", "fadvise64_64", "advice", "32s 1 -1"},
		{"i386", "fallocate", "len", "64s 4 5"},
		{"amd64", "chmod", "mode", "16u 1 -1"},
		{"i386", "chown", "owner", "16u 1 -1"},
		{"ppc", "chown", "owner", "32u 1 -1"},
		{"amd64", "ioctl", "request", "32u 1 -1"},
		{"amd64", "ioctl", "argp", "64u 2 -1"},
		{"x32", "ioctl", "argp", "32u 2 -1"},
		{"amd64", "socket", "domain", "32s 0 -1"},
		{"amd64", "readv", "fd", "32u 0 -1"},
		{"amd64", "mmap", "prot", "64u 2 -1"},
		{"arm", "mmap2", "prot", "32u 2 -1"},
		{"i386", "mmap", "prot", ""},
		{"i386", "mmap", "arg", "pointer 0 -1"},
		{"s390x", "mmap", "prot", ""},
		{"s390", "mmap2", "prot", ""},
		{"i386", "select", "nfds", ""},
		{"amd64", "preadv2", "flags", "32s 5 -1"},
		{"x32", "preadv2", "flags", "32s 4 -1"},
		{"x32", "preadv2", "pos_h", ""},
		{"arm64", "preadv2", "pos_h", ""},
		{"i386", "preadv2", "pos_h", "32u 4 -1"},
		{"arm64", "pwritev", "iovcnt", "32u 2 -1"},
		{"amd64", "process_vm_readv", "riovcnt", "64u 4 -1"},
		{"ppc64le", "_llseek", "offset_high", "32u 1 -1"},
		{"mips", "pipe", "pipefd", ""},
		{"i386", "sigsuspend", "mask", "32u 2 -1"},
		{"ppc", "sigsuspend", "mask", "32u 0 -1"},
		{"arm", "cacheflush", "end", "32u 1 -1"},
		{"amd64", "openat", "pathname", "pointer 1 -1"},
	}
	for _, test := range tests {
		got := ""
		for _, a := range Lookup(test.arch).Args(test.call) {
			if a.Name != test.arg {
				continue
			}
			kind := "pointer"
			if !a.Pointer {
				kind = fmt.Sprint(a.Bits) + map[bool]string{true: "s", false: "u"}[a.Signed]
			}
			got = fmt.Sprintf("%s %d %d", kind, a.Slot, a.HiSlot)
		}
		if got != test.want {
			t.Errorf("%s: %s of %s: got %q, want %q", test.arch, test.arg, test.call, got, test.want)
		}
	}
}

func TestArgsAreNilOnlyWithoutTheCall(t *testing.T) {
	if Args("getpid") == nil || Lookup("amd64").Args("getpid") == nil {
		t.Error("getpid: got nil, want an empty list")
	}
	if Args("nonesuch") != nil || Lookup("arm64").Args("open") != nil {
		t.Error("got arguments of a call that is not there")
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct {
		arch, call string
		want       uint32
	}{
		{"amd64", "execve", 59},
		{"x32", "execve", 0x40000208},
		{"x32", "read", 0x40000000},
		{"i386", "socketcall", 102},
		{"arm", "cacheflush", 0x0f0002},
		{"arm64", "newfstatat", 79},
		{"mips", "clone3", 4435},
		{"mips", "olduname", 4109},
		{"mipsle", "oldolduname", 4059},
		{"mips64le", "clone3", 5435},
		{"s390", "mmap2", 192},
		{"s390", "file_setattr", 469},
		{"ppc", "seccomp", 358},
	}
	for _, test := range tests {
		a := Lookup(test.arch)
		if got, ok := a.Number(test.call); !ok || got != test.want {
			t.Errorf("%s: %s: got %#x, %v, want %#x", test.arch, test.call, got, ok, test.want)
		}
		if got := a.CallName(test.want); got != test.call {
			t.Errorf("%s: number %#x: got %q, want %q", test.arch, test.want, got, test.call)
		}
	}
	for arch, call := range map[string]string{"arm64": "open", "s390x": "mmap2", "amd64": "socketcall", "s390": "listns"} {
		if n, ok := Lookup(arch).Number(call); ok {
			t.Errorf("%s: %s: got %d, want none", arch, call, n)
		}
	}
}

func TestConstants(t *testing.T) {
	tests := []struct {
		arch, name string
		want       int64
	}{
		{"amd64", "AT_FDCWD", -100},
		{"amd64", "MAP_ANONYMOUS", 0x20},
		{"mips", "MAP_ANONYMOUS", 0x800},
		{"mips64le", "SOCK_STREAM", 2},
		{"ppc64le", "TIOCGWINSZ", 0x40087468},
		{"x32", "TIOCGWINSZ", 0x5413},
		{"amd64", "SIGKILL", 9},
		{"mips", "SIGUSR1", 16},
		{"arm", "Stderr", 2},
		{"amd64", "O_LARGEFILE", 0100000},
		{"arm64", "O_LARGEFILE", 0400000},
		{"i386", "F_SETLK", 6},
		{"i386", "F_SETLK64", 13},
		{"mips", "F_SETLK64", 34},
		{"amd64", "PPS_FETCH", 0xc00870a4},
		{"x32", "PPS_FETCH", 0xc00470a4},
		{"s390", "PPPIOCSCOMPRESS", 0x400c744d},
		{"amd64", "RTCF_NAT", 0x8800000},
		{"amd64", "FUTEX_WAIT_PRIVATE", 128},
		{"amd64", "ARCH_SET_FS", 0x1002},
		{"arm64", "UFFDIO_API", 0xc018aa3f},
		{"mips64", "RLIMIT_NOFILE", 5},
		{"amd64", "RLIMIT_NOFILE", 7},
	}
	for _, test := range tests {
		got, ok := Lookup(test.arch).Const(test.name)
		if want := (Value{uint64(test.want), test.want < 0}); !ok || got != want {
			t.Errorf("%s: %s: got %+v, %v, want %+v", test.arch, test.name, got, ok, want)
		}
	}
	for _, name := range []string{"ARCH_SET_FS", "PTRACE_GETREGS", "F_SETLK64"} {
		if _, ok := Lookup("arm64").Const(name); ok || !ConstKnown(name) {
			t.Errorf("%s: want it known, and not on arm64", name)
		}
	}
	if ConstKnown("ENOSYS") || ConstKnown("nonesuch") {
		t.Error("a name that is no constant is known as one")
	}
}

func TestErrnos(t *testing.T) {
	for arch, want := range map[string]uint16{"amd64": 38, "mips": 89, "x32": 38, "s390": 38} {
		a := Lookup(arch)
		if got, ok := a.Errno("ENOSYS"); !ok || got != want {
			t.Errorf("%s: ENOSYS: got %d, %v, want %d", arch, got, ok, want)
		}
		if got := ErrnoName(a, want); got != "ENOSYS" {
			t.Errorf("%s: errno %d: got %q, want ENOSYS", arch, want, got)
		}
	}
	for _, a := range Arches() {
		for name := range errnos() {
			n, ok := a.Errno(name)
			if !ok {
				continue
			}
			if n < 1 || n > 4094 {
				t.Errorf("%s: %s is %d", a.Name, name, n)
			}
			for range 3 { // the same name each time
				if got := ErrnoName(a, n); got != name && synonyms[name] != got {
					t.Errorf("%s: errno %d: got %q, want %q", a.Name, n, got, name)
				}
			}
		}
	}
	amd64 := Lookup("amd64")
	if got := ErrnoName(Lookup("mips"), 56); got != "EDEADLOCK" {
		t.Errorf("mips: errno 56: got %q, want EDEADLOCK", got)
	}
	for n, want := range map[uint16]string{11: "EAGAIN", 35: "EDEADLK", 95: "EOPNOTSUPP", 0: "", 4000: ""} {
		if got := ErrnoName(amd64, n); got != want {
			t.Errorf("amd64: errno %d: got %q, want %q", n, got, want)
		}
	}
}

// Every argument has a slot of its own within seccomp_data, and halves only
// where a register cannot hold it.
func TestSlots(t *testing.T) {
	for _, a := range Arches() {
		for _, call := range Calls() {
			taken := map[int]string{}
			for _, arg := range a.Args(call) {
				for _, slot := range []int{arg.Slot, arg.HiSlot} {
					if slot == -1 {
						continue
					}
					if slot < 0 || slot > 5 || taken[slot] != "" {
						t.Errorf("%s: %s: %s is in slot %d, so is %q", a.Name, call, arg.Name, slot, taken[slot])
					}
					taken[slot] = arg.Name
				}
				if split := arg.HiSlot >= 0; split != (arg.Bits > a.Word) {
					t.Errorf("%s: %s: %s has %d bits, split: %v", a.Name, call, arg.Name, arg.Bits, split)
				}
				if arg.Pointer && (arg.Signed || arg.Bits != a.Word) {
					t.Errorf("%s: %s: pointer %s has %d bits, signed: %v", a.Name, call, arg.Name, arg.Bits, arg.Signed)
				}
			}
		}
	}
}

func TestNumbersLieInTheirRanges(t *testing.T) {
	in := func(ranges []Range, n uint32) bool {
		return slices.ContainsFunc(ranges, func(r Range) bool { return r.Lo <= n && n <= r.Hi })
	}
	// Outside the generic range by design: ARM's private calls, x32's own.
	own := map[string]uint32{"arm": 0x0f0000, "x32": x32Bit + 512}
	for _, a := range Arches() {
		for _, call := range Calls() {
			n, ok := a.Number(call)
			if !ok {
				continue
			}
			if !in(a.Numbers, n) {
				t.Errorf("%s: %s has number %#x, which is not the ABI's", a.Name, call, n)
			}
			if !in(a.Generic, n) && (own[a.Name] == 0 || n < own[a.Name]) {
				t.Errorf("%s: %s has number %#x, which is in no generic range", a.Name, call, n)
			}
		}
	}
}

func TestArchesAreThoseOfTheLanguage(t *testing.T) {
	want := []dsl.Arch{dsl.AMD64, dsl.I386, dsl.X32, dsl.ARM64, dsl.ARM, dsl.RISCV64, dsl.S390X, dsl.S390, dsl.PPC64LE, dsl.PPC64, dsl.PPC, dsl.MIPS, dsl.MIPSLE, dsl.MIPS64, dsl.MIPS64LE, dsl.LOONG64}
	var got []dsl.Arch
	for _, a := range Arches() {
		got = append(got, dsl.Arch(a.Name))
		if n := len(numbers()[a.Name].byName); n < 300 {
			t.Errorf("%s has %d calls", a.Name, n)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
