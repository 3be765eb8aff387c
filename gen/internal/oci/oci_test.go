package oci_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/gen/internal/oci"
)

// compile reads a profile and compiles it.
func compile(t *testing.T, profile string, o oci.Options) []gen.Filter {
	t.Helper()
	policy, err := oci.Read("profile.json", []byte(profile), o)
	if err != nil {
		t.Fatal(err)
	}
	filters, err := gen.Compile(policy)
	if err != nil {
		t.Fatal(err)
	}
	return filters
}

// A profile means what a policy does.
func TestMeaning(t *testing.T) {
	const onAMD64 = `"architectures": ["SCMP_ARCH_X86_64"]`
	amd64 := []dsl.Arch{dsl.AMD64}
	a0 := dsl.Raw(0)
	for name, test := range map[string]struct {
		profile string
		options oci.Options
		want    dsl.Policy
	}{
		"nothing but a default": {`{"defaultAction": "SCMP_ACT_ERRNO", ` + onAMD64 + `}`, oci.Options{},
			dsl.Policy{Arches: amd64, Default: dsl.ErrnoNumber(1)}},
		"a default of another errno": {`{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, ` + onAMD64 + `}`, oci.Options{},
			dsl.Policy{Arches: amd64, Default: dsl.Errno(linux.ENOSYS)}},
		"errnos by name, which differ between architectures": {`{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "defaultErrno": "ENOSYS",
			"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_MIPSEL"],
			"syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errno": "EDEADLK"}]}`, oci.Options{},
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64, dsl.MIPSLE}, Default: dsl.Errno(linux.ENOSYS), Rules: []dsl.Rule{
				dsl.Errno(linux.EDEADLK).For(sys.Read)}}},
		"every action": {`{"defaultAction": "SCMP_ACT_KILL_PROCESS", ` + onAMD64 + `, "syscalls": [
			{"names": ["read"], "action": "SCMP_ACT_ALLOW"},
			{"names": ["write"], "action": "SCMP_ACT_LOG"},
			{"names": ["open"], "action": "SCMP_ACT_NOTIFY"},
			{"names": ["close"], "action": "SCMP_ACT_TRACE", "errnoRet": 7},
			{"names": ["stat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0},
			{"names": ["fstat"], "action": "SCMP_ACT_TRAP", "errnoRet": 7},
			{"name": "lstat", "action": "SCMP_ACT_KILL"},
			{"names": ["poll"], "action": "SCMP_ACT_KILL_THREAD"}]}`, oci.Options{},
			dsl.Policy{Arches: amd64, Default: dsl.KillProcess, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Read), dsl.Log.For(sys.Write), dsl.Notify.For(sys.Open), dsl.Trace(7).For(sys.Close),
				dsl.ErrnoNumber(0).For(sys.Stat), dsl.Trap(0).For(sys.Fstat), dsl.KillThread.For(sys.Lstat, sys.Poll)}}},
		"every operator, on the whole word": {`{"defaultAction": "SCMP_ACT_KILL", ` + onAMD64 + `, "syscalls": [
			{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 18446744073709551615, "op": "SCMP_CMP_EQ"}, {"index": 5, "value": 4, "op": "SCMP_CMP_NE"}]},
			{"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_LT"}]},
			{"names": ["open"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_LE"}]},
			{"names": ["close"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 9223372036854775808, "op": "SCMP_CMP_GT"}]},
			{"names": ["stat"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_GE"}]},
			{"names": ["fstat"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 240, "valueTwo": 35, "op": "SCMP_CMP_MASKED_EQ"}]},
			{"names": ["lstat"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "valueTwo": 35, "op": "SCMP_CMP_MASKED_EQ"}]}]}`, oci.Options{},
			dsl.Policy{Arches: amd64, Default: dsl.KillThread, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Read).When(a0.Eq(dsl.Int(-1)), dsl.Raw(5).Ne(dsl.Int(4))),
				dsl.Allow.For(sys.Write).When(a0.Lt(dsl.Int(3))),
				dsl.Allow.For(sys.Open).When(a0.Le(dsl.Int(3))),
				dsl.Allow.For(sys.Close).When(a0.Gt(dsl.Int(uint64(1 << 63)))),
				dsl.Allow.For(sys.Stat).When(a0.Ge(dsl.Int(3))),
				dsl.Allow.For(sys.Fstat).When(a0.Masked(dsl.Int(0xf0)).Eq(dsl.Int(0x20))), // the mask holds for both
				dsl.Allow.For(sys.Lstat)}}},
		"what socketcall and ipc do": {`{"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X86_64"], "syscalls": [
			{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5, "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 7, "op": "SCMP_CMP_EQ"}]},
			{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5, "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 7, "op": "SCMP_CMP_EQ"}]},
			{"names": ["bind"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
			{"names": ["send", "accept", "read", "semop"], "action": "SCMP_ACT_ALLOW"}]}`, oci.Options{},
			dsl.Policy{Arches: []dsl.Arch{dsl.I386, dsl.AMD64}, Default: dsl.KillThread, Rules: []dsl.Rule{
				dsl.ErrnoNumber(5).For(sys.Socket).When(a0.In(dsl.Int(1), dsl.Int(2)), dsl.Raw(1).Eq(dsl.Int(7))),
				dsl.ErrnoNumber(5).For(sys.Socketcall).When(a0.Eq(dsl.Int(1)), dsl.Raw(1).Eq(dsl.Int(7))),
				dsl.Allow.For(sys.Socketcall).When(a0.In(dsl.Int(5), dsl.Int(9))),
				dsl.Allow.For(sys.Ipc).When(a0.Eq(dsl.Int(1))),
				dsl.Allow.For(sys.Accept, sys.Read, sys.Semop)}}},
		"what a rule says of socketcall itself": {`{"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_S390X"], "syscalls": [
			{"names": ["socket"], "action": "SCMP_ACT_ALLOW"},
			{"names": ["socketcall"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}`, oci.Options{},
			dsl.Policy{Arches: []dsl.Arch{dsl.S390X}, Default: dsl.KillThread, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Socket), dsl.ErrnoNumber(38).For(sys.Socketcall)}}},
		"rules on one call are alternatives": {`{"defaultAction": "SCMP_ACT_KILL", ` + onAMD64 + `, "syscalls": [
			{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]},
			{"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]}`, oci.Options{},
			dsl.Policy{Arches: amd64, Default: dsl.KillThread, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Personality).When(a0.In(dsl.Int(0), dsl.Int(8)))}}},
		"and so are conditions on one argument": {`{"defaultAction": "SCMP_ACT_KILL", ` + onAMD64 + `, "syscalls": [
			{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
				{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 40, "op": "SCMP_CMP_GT"}, {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]}]}`, oci.Options{},
			dsl.Policy{Arches: amd64, Default: dsl.KillThread, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Socket).When(dsl.Any(a0.Eq(dsl.Int(1)), a0.Gt(dsl.Int(40)), dsl.Raw(1).Eq(dsl.Int(2))))}}},
		"two that cannot both fail let all through": {`{"defaultAction": "SCMP_ACT_ERRNO", ` + onAMD64 + `, "syscalls": [
			{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
				{"index": 0, "value": 38, "op": "SCMP_CMP_NE"}, {"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]}]}`, oci.Options{},
			dsl.Policy{Arches: amd64, Default: dsl.ErrnoNumber(1), Rules: []dsl.Rule{dsl.Allow.For(sys.Socket)}}},
		"a rule without arguments decides before those with": {`{"defaultAction": "SCMP_ACT_KILL", ` + onAMD64 + `, "syscalls": [
			{"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
			{"names": ["write"], "action": "SCMP_ACT_LOG"}]}`, oci.Options{},
			dsl.Policy{Arches: amd64, Default: dsl.KillThread, Rules: []dsl.Rule{dsl.Log.For(sys.Write)}}},
		"a rule with the default's action is dropped": {`{"defaultAction": "SCMP_ACT_KILL", ` + onAMD64 + `, "syscalls": [
			{"names": ["write"], "action": "SCMP_ACT_KILL_THREAD"},
			{"names": ["write"], "action": "SCMP_ACT_LOG", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]}`, oci.Options{},
			dsl.Policy{Arches: amd64, Default: dsl.KillThread, Rules: []dsl.Rule{dsl.Log.For(sys.Write).When(a0.Eq(dsl.Int(1)))}}},
		"names are dropped where they are unknown": {`{"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"], "syscalls": [
			{"names": ["read", "open", "frobnicate"], "action": "SCMP_ACT_ALLOW"},
			{"names": ["frobnicate"], "action": "SCMP_ACT_LOG"}]}`, oci.Options{},
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64, dsl.ARM64}, Default: dsl.KillThread, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Read), dsl.Allow.For(sys.Open).On(dsl.AMD64)}}},
		"a rule for the machines of two architectures": {`{"defaultAction": "SCMP_ACT_KILL", "archMap": [
			{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
			{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
			{"architecture": "SCMP_ARCH_MIPSEL64", "subArchitectures": ["SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32"]}], "syscalls": [
			{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "mipsel64"]}},
			{"names": ["write"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["x86", "arm64"]}}]}`, oci.Options{},
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64, dsl.I386, dsl.X32, dsl.ARM64, dsl.ARM, dsl.MIPS64LE, dsl.MIPSLE}, Default: dsl.KillThread, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Read, sys.Write).On(dsl.AMD64, dsl.I386, dsl.X32, dsl.MIPS64LE, dsl.MIPSLE)}}},
		"the machine decides for all its architectures": {`{"defaultAction": "SCMP_ACT_KILL",
			"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64"], "syscalls": [
			{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
			{"names": ["write"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["x86"]}}]}`, oci.Options{Arch: dsl.AMD64},
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64, dsl.I386}, Default: dsl.KillThread, Rules: []dsl.Rule{dsl.Allow.For(sys.Read)}}},
	} {
		t.Run(name, func(t *testing.T) {
			if test.want.BadArch = dsl.KillThread; test.want.Default == dsl.KillProcess {
				test.want.BadArch = dsl.KillProcess
			}
			want, err := gen.Compile(dsl.Named{Name: "Want", Policy: &test.want})
			if err != nil {
				t.Fatal(err)
			}
			changes, err := gen.Diff(want, compile(t, test.profile, test.options))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestIncludesAndExcludes(t *testing.T) {
	for _, test := range []struct {
		terms   string
		options oci.Options
		stands  bool
	}{
		{`"includes": {}, "excludes": {}`, oci.Options{}, true},
		{`"includes": {"arches": ["amd64", "x32"]}`, oci.Options{}, true},
		{`"includes": {"arches": ["s390x"]}`, oci.Options{}, false},
		{`"excludes": {"arches": ["amd64"]}`, oci.Options{}, false},
		{`"excludes": {"arches": ["s390x"]}`, oci.Options{}, true},
		{`"includes": {"arches": ["386"]}`, oci.Options{Arch: dsl.I386}, true},
		{`"includes": {"arches": ["x86"]}`, oci.Options{Arch: dsl.I386}, true},
		{`"includes": {"arches": ["mipsel"]}`, oci.Options{Arch: dsl.MIPSLE}, true},
		{`"includes": {"arches": ["amd64"]}`, oci.Options{Arch: dsl.I386}, false},
		{`"includes": {"caps": ["CAP_A"]}`, oci.Options{}, false},
		{`"includes": {"caps": ["CAP_A"]}`, oci.Options{Caps: []string{"CAP_B", "CAP_A"}}, true},
		{`"includes": {"caps": ["CAP_A", "CAP_C"]}`, oci.Options{Caps: []string{"CAP_A"}}, false}, // all of them
		{`"excludes": {"caps": ["CAP_A"]}`, oci.Options{}, true},
		{`"excludes": {"caps": ["CAP_A", "CAP_C"]}`, oci.Options{Caps: []string{"CAP_A"}}, false}, // any of them
		{`"includes": {"minKernel": "4.8"}`, oci.Options{}, true},
		{`"includes": {"minKernel": "4.8"}`, oci.Options{Kernel: "4.7"}, false},
		{`"includes": {"minKernel": "4.8"}`, oci.Options{Kernel: "4.8"}, true},
		{`"includes": {"minKernel": "4.8"}`, oci.Options{Kernel: "4.10"}, true}, // a later one, though not as a decimal
		{`"excludes": {"minKernel": "4.8"}`, oci.Options{}, false},
		{`"excludes": {"minKernel": "4.8"}`, oci.Options{Kernel: "3.19"}, true},
		{`"includes": {"caps": ["CAP_A"], "arches": ["amd64"]}`, oci.Options{}, false},
	} {
		if test.options.Arch == "" {
			test.options.Arch = dsl.AMD64
		}
		profile := fmt.Sprintf(`{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", %s}]}`, test.terms)
		policy, err := oci.Read("profile.json", []byte(profile), test.options)
		if err != nil {
			t.Errorf("%s: %v", test.terms, err)
			continue
		}
		if stands := len(policy.Policy.Rules) == 1; stands != test.stands {
			t.Errorf("%s with %+v: the rule stands: %t", test.terms, test.options, stands)
		}
	}
}

func TestArchitectures(t *testing.T) {
	const (
		list   = `"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64", "SCMP_ARCH_SH", "SCMP_ARCH_X86"]`
		mapped = `"archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
			{"architecture": "SCMP_ARCH_S390X", "subArchitectures": null}]`
	)
	for _, test := range []struct {
		profile string
		arch    dsl.Arch
		want    []dsl.Arch
	}{
		{list, "", []dsl.Arch{dsl.AMD64, dsl.I386, dsl.ARM64}},
		{list, dsl.AMD64, []dsl.Arch{dsl.AMD64, dsl.I386}},
		{list, dsl.I386, []dsl.Arch{dsl.AMD64, dsl.I386}}, // they share a program
		{mapped, "", []dsl.Arch{dsl.AMD64, dsl.I386, dsl.S390X}},
		{mapped, dsl.AMD64, []dsl.Arch{dsl.AMD64, dsl.I386}},
		{mapped, dsl.S390X, []dsl.Arch{dsl.S390X}},
		{mapped, dsl.I386, []dsl.Arch{dsl.I386}}, // as a machine it has no entry
		{`"flags": ["SECCOMP_FILTER_FLAG_TSYNC"]`, dsl.ARM, []dsl.Arch{dsl.ARM}},
	} {
		policy, err := oci.Read("profile.json", []byte(`{"defaultAction": "SCMP_ACT_ERRNO", `+test.profile+`}`), oci.Options{Arch: test.arch})
		if err != nil {
			t.Errorf("%s for %q: %v", test.profile, test.arch, err)
		} else if got := policy.Policy.Arches; !slices.Equal(got, test.want) {
			t.Errorf("%s for %q: got %q, want %q", test.profile, test.arch, got, test.want)
		}
	}
}

func TestFlags(t *testing.T) {
	policy, err := oci.Read("profile.json", []byte(`{"defaultAction": "SCMP_ACT_NOTIFY", "flags": ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
		"SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}`), oci.Options{Arch: dsl.AMD64})
	if err != nil {
		t.Fatal(err)
	}
	if want := dsl.LogDenied | dsl.SpecAllow | dsl.WaitKillable; policy.Policy.Flags != want {
		t.Errorf("got %b, want %b", policy.Policy.Flags, want)
	}
}

func TestErrors(t *testing.T) {
	const rule = `{"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}, {%s}]}`
	for _, test := range []struct {
		profile string
		options oci.Options
		want    string
	}{
		{``, oci.Options{}, "profile.json: no OCI seccomp profile"},
		{`{"defaultAction": "SCMP_ACT_KILL", "defaultActon": ""}`, oci.Options{}, `unknown field "defaultActon"`},
		{fmt.Sprintf(rule, `"names": ["write"], "acton": "SCMP_ACT_ALLOW"`), oci.Options{}, `unknown field "acton"`},
		{`{"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86_64"]} {}`, oci.Options{}, "something follows the profile"},
		{`{"architectures": ["SCMP_ARCH_X86_64"]}`, oci.Options{}, "defaultAction: no action is given"},
		{`{"defaultAction": "SCMP_ACT_KILL"}`, oci.Options{}, "names no architecture that secgen has tables for; say which with -arch"},
		{`{"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_SH"]}`, oci.Options{}, "names no architecture that secgen has tables for"},
		{`{"defaultAction": "SCMP_ACT_KILL", "architectures": ["amd64"]}`, oci.Options{}, `architecture "amd64" is not known; names are libseccomp's, such as SCMP_ARCH_X86_64`},
		{`{"defaultAction": "SCMP_ACT_KILL", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X68"]}]}`, oci.Options{}, `archMap: architecture "SCMP_ARCH_X68" is not known`},
		{`{"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86_64"]}`, oci.Options{Arch: dsl.ARM64}, "the profile is not for arm64; its architectures are SCMP_ARCH_X86_64"},
		{`{"defaultAction": "SCMP_ACT_KILL"}`, oci.Options{Arch: "vax"}, `architecture "vax" is not known`},
		{`{"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86_64"], "flags": ["TSYNC"]}`, oci.Options{}, `flag "TSYNC" is not known`},
		{fmt.Sprintf(rule, `"names": ["write"], "action": "SCMP_ACT_ALOW"`), oci.Options{}, `profile.json: syscalls[1]: action "SCMP_ACT_ALOW" is not known; it is SCMP_ACT_ and ALLOW, LOG,`},
		{fmt.Sprintf(rule, `"names": ["write"]`), oci.Options{}, "syscalls[1]: no action is given"},
		{fmt.Sprintf(rule, `"action": "SCMP_ACT_ALLOW"`), oci.Options{}, "syscalls[1]: names is empty"},
		{fmt.Sprintf(rule, `"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 1, "op": "EQ"}]`), oci.Options{}, `syscalls[1]: args[1]: operator "EQ" is not known; it is SCMP_CMP_ and EQ,`},
		{fmt.Sprintf(rule, `"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]`), oci.Options{}, "args[0]: there is no argument 6: index goes from 0 to 5"},
		{fmt.Sprintf(rule, `"names": ["write"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]`), oci.Options{}, "cannot unmarshal number -1"},
		{fmt.Sprintf(rule, `"names": ["write"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "five"}`), oci.Options{}, `syscalls[1]: "five" is no kernel version such as 5.10`},
		{fmt.Sprintf(rule, `"names": ["write"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "4.8"}`), oci.Options{Kernel: "5"}, `"5" is no kernel version such as 5.10`},
	} {
		_, err := oci.Read("profile.json", []byte(test.profile), test.options)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.profile, err, test.want)
		}
	}
}

// A rule knows the line on which its entry begins.
func TestPlaces(t *testing.T) {
	policy, err := oci.Read("profile.json", []byte(`{
		"syscalls": [{"names": ["close"], "action": "SCMP_ACT_ALLOW"}],
		"defaultAction": "SCMP_ACT_KILL", "architectures": ["SCMP_ARCH_X86_64"],
		"Syscalls": null,
		"archMap": [
			{"architecture": "SCMP_ARCH_X86_64"}],
		"syscalls": [

			{"names": ["frobnicate"], "action": "SCMP_ACT_ALLOW"}, {"names": [
				"personality"], "action": "SCMP_ACT_ALLOW",
			"args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
			{"names": ["read"], "action": "SCMP_ACT_ALLOW"}
		]}`), oci.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range policy.Policy.Rules {
		for _, f := range r.Made {
			got = append(got, fmt.Sprintf("%s %s:%d", r.Calls[0].Name, f.File, f.Line))
		}
	}
	want := []string{"read profile.json:12", "personality profile.json:9", "personality profile.json:9"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What a capability opens, in the manner of Docker's profile.
func TestACapabilityOpens(t *testing.T) {
	const profile = `{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
		"archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
		"syscalls": [
			{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
			{"names": ["clone3", "mount", "umount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
			{"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}], "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
			{"names": ["clone"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
			{"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}}]}`
	plain := compile(t, profile, oci.Options{})
	admin := compile(t, profile, oci.Options{Caps: []string{"CAP_SYS_ADMIN"}})
	changes, err := gen.Diff(plain, admin)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, fmt.Sprintf("%s %s: %s if %q: %s to %s", c.Arch, c.Kind, c.Call, c.When, c.Old, c.New))
	}
	want := []string{
		`amd64 widened: clone if "flags has any of CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNET": errno(EPERM) to allow`,
		`amd64 widened: clone3 if "": errno(ENOSYS) to allow`,
		`amd64 widened: mount if "": errno(EPERM) to allow`, // umount is i386's alone
		`i386 widened: clone if "flags has any of CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|CLONE_NEWNET": errno(EPERM) to allow`,
		`i386 widened: clone3 if "": errno(ENOSYS) to allow`,
		`i386 widened: mount if "": errno(EPERM) to allow`,
		`i386 widened: umount if "": errno(EPERM) to allow`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	if same, err := gen.Diff(plain, compile(t, profile, oci.Options{Caps: []string{"CAP_CHOWN"}})); err != nil || len(same) > 0 {
		t.Errorf("another capability changes %+v (%v)", same, err)
	}
}
