package abi

import (
	"slices"
	"strings"
	"testing"
)

// Each line of families.tsv is about arguments that there are, and each of its
// patterns about constants.
func TestFamiliesAreOfArgumentsAndConstants(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range families() {
		for _, name := range f.args {
			call, arg, _ := strings.Cut(name, ".")
			has := func(c string) bool {
				return slices.ContainsFunc(Args(c), func(a Arg) bool { return a.Name == arg && !a.Pointer })
			}
			if !has(call) && (call != "*" || !slices.ContainsFunc(Calls(), has)) {
				t.Errorf("there is no argument %s", name)
			}
			if seen[name] || seen["*."+arg] || call == "*" && seen[arg] {
				t.Errorf("there are two lines about %s", name)
			}
			seen[name], seen[arg] = true, true
		}
		if f.code != "" && !ConstKnown(f.code) {
			t.Errorf("there is no constant %s", f.code)
		}
		for i, p := range f.patterns {
			if len(matching([]string{strings.TrimPrefix(p, "-")})) == 0 {
				t.Errorf("%s: no constant is %s", f.args[0], p)
			}
			if slices.Equal(matching(slices.Delete(slices.Clone(f.patterns), i, i+1)), f.matching()) {
				t.Errorf("%s: %s changes nothing", f.args[0], p)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct {
		arch, call, arg string
		value           uint64
		want            string
		mask            string
	}{
		{"amd64", "fcntl", "cmd", 4, "F_SETFL", ""},
		{"amd64", "fcntl", "cmd", 99, "", ""},
		{"amd64", "openat", "flags", 0, "O_RDONLY", ""},
		{"amd64", "openat", "flags", 0x241, "O_WRONLY|O_CREAT|O_TRUNC", "O_WRONLY|O_CREAT|O_TRUNC"},
		{"mips64", "openat", "flags", 0x100, "O_CREAT", "O_CREAT"},
		{"amd64", "openat", "flags", 3, "O_ACCMODE", "O_ACCMODE"},
		{"amd64", "openat", "flags", 0x40000000, "", ""},
		{"amd64", "openat", "dirfd", 0xffffff9c, "AT_FDCWD", ""},
		{"amd64", "socket", "type", 1, "SOCK_STREAM", ""},
		{"mips", "socket", "type", 1, "SOCK_DGRAM", ""},
		{"amd64", "socket", "type", 0x80803, "SOCK_RAW|SOCK_NONBLOCK|SOCK_CLOEXEC", "SOCK_NONBLOCK|SOCK_CLOEXEC|0x3"},
		{"amd64", "socket", "type", 0xf, "", "SOCK_TYPE_MASK"},
		{"amd64", "socket", "type", 0x80f, "SOCK_NONBLOCK|0xf", "SOCK_TYPE_MASK|SOCK_NONBLOCK"},
		{"amd64", "personality", "persona", 0x20008, "PER_LINUX32|UNAME26", "UNAME26|0x8"},
		{"amd64", "personality", "persona", 0xffffffff, "", ""},
		{"amd64", "clone", "flags", 0x4011, "SIGCHLD|CLONE_VFORK", "CLONE_VFORK|0x11"},
		{"amd64", "clone", "flags", 0x4012, "CLONE_VFORK|0x12", "CLONE_VFORK|0x12"},
		{"amd64", "ioctl", "request", 0x541b, "FIONREAD", ""},
		{"mips", "ioctl", "request", 0x541b, "", ""},
		{"amd64", "kill", "sig", 10, "SIGUSR1", ""},
		{"mips", "kill", "sig", 10, "SIGBUS", ""},
		{"amd64", "read", "count", 1, "", ""},
	} {
		arch := Lookup(test.arch)
		args := arch.Args(test.call)
		i := slices.IndexFunc(args, func(a Arg) bool { return a.Name == test.arg })
		names := arch.Names(test.call, args[i])
		if got, _ := names.Value(test.value); got != test.want {
			t.Errorf("%s %s %s: %#x is %q, wanted %q", test.arch, test.call, test.arg, test.value, got, test.want)
		}
		if got, _ := names.Mask(test.value); got != test.mask {
			t.Errorf("%s %s %s: the mask %#x is %q, wanted %q", test.arch, test.call, test.arg, test.value, got, test.mask)
		}
	}
}
