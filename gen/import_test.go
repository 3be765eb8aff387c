package gen_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/load"
)

// The manner of Docker's profile, with what makes trouble in others.
const containerProfile = `{
	"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
	"archMap": [
		{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
		{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
		{"architecture": "SCMP_ARCH_MIPS64", "subArchitectures": ["SCMP_ARCH_MIPS64N32"]},
		{"architecture": "SCMP_ARCH_S390X", "subArchitectures": ["SCMP_ARCH_S390"]}],
	"syscalls": [
		{"names": ["write", "read", "close", "_llseek", "frobnicate"], "action": "SCMP_ACT_ALLOW"},
		{"names": ["read"], "action": "SCMP_ACT_LOG"},
		{"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}},
		{"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
		{"names": ["kexec_load"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
		{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]},
		{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
		{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 131080, "op": "SCMP_CMP_EQ"}]},
		{"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}], "excludes": {"arches": ["s390", "s390x"]}},
		{"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}], "comment": "s390's arguments are in another order", "includes": {"arches": ["s390", "s390x"]}},
		{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
		{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967295, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]},
		{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97, "args": [{"index": 0, "value": 38, "op": "SCMP_CMP_NE"}, {"index": 2, "value": 9, "op": "SCMP_CMP_LT"}]},
		{"names": ["munmap"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_NE"}, {"index": 1, "value": 65536, "op": "SCMP_CMP_LE"}]}
	]}`

// aProfile is a profile of few calls, most of them with several rules.
var aProfile = rapid.Custom(func(t *rapid.T) string {
	errno := rapid.Map(rapid.IntRange(0, 40), func(n int) *int { return &n })
	value := rapid.OneOf(
		rapid.SampledFrom([]uint64{0, 1, 2, 8, 16, 38, 0x20000, 0x20008, 0x7e020000, 0x80801, 1<<31 - 1, 1 << 31, 1<<32 - 100, 1<<32 - 1, 1 << 32, 1<<64 - 100, 1<<64 - 1}),
		rapid.Uint64Range(0, 70))
	ops := rapid.SampledFrom([]string{"EQ", "EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ", "MASKED_EQ", "MASKED_EQ"})
	arg := rapid.Custom(func(t *rapid.T) map[string]any {
		return map[string]any{"index": rapid.IntRange(0, 5).Draw(t, "index"), "op": "SCMP_CMP_" + ops.Draw(t, "op"),
			"value": value.Draw(t, "value"), "valueTwo": value.Draw(t, "valueTwo")}
	})
	action := rapid.SampledFrom([]string{"ALLOW", "ALLOW", "ALLOW", "ERRNO", "LOG", "TRACE", "TRAP", "KILL_PROCESS"})
	terms := rapid.SampledFrom([]map[string]any{{}, {}, {}, {"arches": []string{"amd64", "s390x"}}, {"arches": []string{"x86", "arm"}}, {"arches": []string{"arm64"}}, {"caps": []string{"CAP_BPF"}}, {"minKernel": "5.0"}})
	names := rapid.SampledFrom([]string{"read", "socket", "clone", "clone", "personality", "mmap", "mmap2", "openat", "ioctl", "_llseek", "fchmod",
		"pread64", "lseek", "sync_file_range", "umount", "fcntl", "s390_runtime_instr", "socketcall", "send", "semop", "frobnicate"})
	rule := rapid.Custom(func(t *rapid.T) map[string]any {
		return map[string]any{
			"names":  rapid.SliceOfNDistinct(names, 1, 3, rapid.ID).Draw(t, "names"),
			"action": "SCMP_ACT_" + action.Draw(t, "action"), "errnoRet": errno.Draw(t, "errno"),
			"args":     rapid.SliceOfN(arg, 0, 2).Draw(t, "args"),
			"comment":  rapid.SampledFrom([]string{"", "what for"}).Draw(t, "comment"),
			"includes": terms.Draw(t, "includes"), "excludes": terms.Draw(t, "excludes"),
		}
	})
	arches := rapid.SampledFrom([]string{"X86_64", "X86", "X32", "AARCH64", "ARM", "S390X", "S390", "MIPS", "MIPS64", "PPC64LE", "MIPS64N32"})
	text, err := json.Marshal(map[string]any{
		"defaultAction":   "SCMP_ACT_" + rapid.SampledFrom([]string{"ERRNO", "KILL", "ALLOW"}).Draw(t, "default"),
		"defaultErrnoRet": errno.Draw(t, "errno"),
		"architectures": rapid.SliceOfNDistinct(rapid.Map(arches, func(a string) string { return "SCMP_ARCH_" + a }), 1, 4, rapid.ID).
			Draw(t, "architectures"),
		"syscalls": rapid.SliceOfN(rule, 0, 8).Draw(t, "syscalls"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
})

// What a profile is restated as means the same, or Import says that it does not.
func TestImportRestatesProfiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		profile := aProfile.Draw(t, "profile")
		_, want := gen.Read("profile.json", []byte(profile), gen.ReadOptions{})
		if source, err := gen.Import("profile.json", []byte(profile), gen.ImportOptions{}); (err == nil) != (want == nil) {
			t.Fatalf("%v, while reading it gives %v\n%s", err, want, source)
		}
	})
}

// The source that Import writes compiles, and means what the profile does.
func TestImportedPoliciesMeanWhatTheirProfilesDo(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOWORK", "off")
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/imported\n\ngo 1.26\n\nrequire github.com/secgen-dev/secgen v0.0.0\n\nreplace github.com/secgen-dev/secgen => "+root+"\n")

	type imported struct {
		profile string
		options gen.ReadOptions
	}
	list := []imported{
		{containerProfile, gen.ReadOptions{}},
		{containerProfile, gen.ReadOptions{Arch: dsl.AMD64, Caps: []string{"CAP_BPF"}, Kernel: "4.4"}},
		{containerProfile, gen.ReadOptions{Arch: dsl.S390X}},
	}
	for seed := range 60 {
		list = append(list, imported{aProfile.Example(seed), gen.ReadOptions{}})
	}
	want := map[string][]gen.Filter{}
	for i, p := range list {
		filters, err := gen.Read("profile.json", []byte(p.profile), p.options)
		if err != nil {
			continue // such as a number that 32 bits do not hold
		}
		name := fmt.Sprintf("P%d", i)
		source, err := gen.Import("profile.json", []byte(p.profile), gen.ImportOptions{ReadOptions: p.options, Name: name})
		if err != nil {
			t.Fatalf("%s\n%v", p.profile, err)
		}
		write(strings.ToLower(name)+".go", string(source))
		want[name] = filters
	}
	if len(want) < 20 {
		t.Fatalf("only %d profiles are policies: the test shows little", len(want))
	}
	pkg, err := load.Policies(t.Context(), load.Options{Dir: dir}, ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(pkg.Policies) != len(want) {
		t.Fatalf("%d policies of %d profiles", len(pkg.Policies), len(want))
	}
	for _, p := range pkg.Policies {
		got, err := gen.Compile(p)
		if err != nil {
			t.Fatal(err)
		}
		changes, err := gen.Diff(want[p.Name], got)
		if err != nil || len(changes) > 0 {
			t.Errorf("%s: %v %+v", p.Name, err, changes)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		profile string
		options gen.ImportOptions
		want    string
	}{
		"what is no profile":             {`{"a": 1}`, gen.ImportOptions{}, "profile.json: no OCI seccomp profile"},
		"a variable that no one can see": {containerProfile, gen.ImportOptions{Name: "policy"}, `"policy" is no name of an exported variable`},
		"a package of no name":           {containerProfile, gen.ImportOptions{Package: "a-b"}, `"a-b" is no name of a package`},
		"a number that an argument cannot have": {`{"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86"], "syscalls": [
			{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967296, "op": "SCMP_CMP_EQ"}]}]}`,
			gen.ImportOptions{}, "profile.json:2: profile.json: 4294967296 does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := gen.Import("profile.json", []byte(test.profile), test.options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want one with %q", err, test.want)
			}
		})
	}
}
