package gen_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
)

// line is the line of its caller.
func line() int {
	_, _, n, _ := runtime.Caller(1)
	return n
}

func policy(rules ...dsl.Rule) dsl.Policy {
	return dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess, Rules: rules}
}

// on is a policy for architectures.
func on(p dsl.Policy, arches ...dsl.Arch) dsl.Policy {
	p.Arches = arches
	return p
}

// helper makes a rule for its caller.
func helper(c dsl.Cond) dsl.Rule { return dsl.Allow.For(sys.Write).When(c) }

func TestMistakesThatSecgenReports(t *testing.T) {
	loop := policy(dsl.Allow.For(sys.Read))
	loop.After = &loop
	start := policy(dsl.Allow.For(sys.Read))
	half := policy(dsl.Allow.For(sys.Seccomp), dsl.Errno(linux.EPERM).For(sys.Prctl))
	asks := dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Allow, Rules: []dsl.Rule{dsl.Notify.For(sys.Uname)}}
	plain := policy(dsl.Allow.For(sys.Prctl), dsl.Allow.For(sys.Seccomp).When(sys.Seccomp.Flags.In(dsl.Int(0), dsl.Int(1))))

	for _, m := range []struct {
		name   string
		line   int // of the rule, 0 for errors about the policy
		policy dsl.Policy
		want   string
	}{
		{"no default", 0, dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}}, "Default is not set"},
		{"no arches", 0, dsl.Policy{Default: dsl.Allow}, "Arches is empty"},
		{"unknown arch", 0, on(policy(), "vax"), `unknown architecture "vax" in Arches`},
		{"an arch twice", 0, on(policy(), dsl.AMD64, dsl.AMD64), "Arches lists amd64 twice"},
		{"no action", line(), policy(dsl.Action{}.For(sys.Read)), "the rule has no action"},
		{"For of nothing", line(), policy(dsl.Allow.For()), "For() names no system call"},
		{"For of a nil call", line(), policy(dsl.Allow.For(nil)), "a nil call in For()"},
		{"an unknown call by conversion", line(), policy(dsl.Allow.For(dsl.Syscall("opennat"))), `no system call "opennat"`},
		{"a number too small", line(), policy(dsl.Allow.For(dsl.Number(-2))), "dsl.Number(-2) is no system call number"},
		{"a condition that the other form cannot have", line(), on(policy(dsl.Allow.For(dsl.Twins(sys.Mmap)).When(sys.Mmap.Offset.Eq(dsl.Int(0)))), dsl.ARM), "mmap2 has no argument offset here"},
		{"a condition of another width in the other form", line(), on(policy(dsl.Allow.For(dsl.Twins(sys.Setuid)).When(sys.Setuid.Uid.Eq(dsl.Int(0)))), dsl.I386), "one condition cannot mean both"},
		{"When of nothing", line(), policy(dsl.Allow.For(sys.Write).When()), "an empty condition"},
		{"Any of nothing", line(), policy(dsl.Allow.For(sys.Write).When(dsl.Any())), "an empty condition"},
		{"On of nothing", line(), policy(dsl.Allow.For(sys.Write).On()), "On() leaves the rule no architecture"},
		{"On of an unknown arch", line(), policy(dsl.Allow.For(sys.Write).On("vax")), `unknown architecture "vax"`},
		{"On that excludes itself", line(), policy(dsl.Allow.For(sys.Write).On(dsl.AMD64).On(dsl.I386)), "On() leaves the rule no architecture"},
		{"On of another arch", line(), policy(dsl.Allow.For(sys.Write).On(dsl.ARM64)), "the policy lists none of the architectures that On names"},
		{"a number that has a name", line(), policy(dsl.Allow.For(dsl.Number(59))), "number 59 is execve here: write its name"},
		{"the other form of -1", line(), policy(dsl.Allow.For(dsl.Number(0xffffffff))), "write dsl.Number(-1)"},
		{"x32's number without x32", line(), policy(dsl.KillProcess.For(sys.Ptrace, dsl.Number(0x40000208))), "no call of the architectures that the rule is for has the number 1073742344"},
		{"a skipped call on x32 where amd64 has it", line(), on(policy(dsl.KillProcess.For(sys.Ptrace, dsl.Number(-1)).On(dsl.X32)), dsl.X32, dsl.AMD64), "has the number -1"},
		{"a mask where none is used", line(), policy(dsl.Allow.For(sys.Read).When(dsl.Cond{Op: dsl.OpGt, Call: "read", Arg: "fd", Mask: []dsl.Literal{{Int: "15"}}, Values: []dsl.Literal{{Int: "3"}}})), "a malformed condition"},
		{"null for an integer", line(), policy(dsl.Allow.For(sys.Read).When(dsl.Pointer{Call: "read", Name: "fd"}.IsNull())), "fd of read is no pointer"},
		{"two widths where the first call is missing", line(), on(policy(dsl.Allow.For(sys.Access, sys.Fchmod).When(sys.Access.Mode.Lt(dsl.Int(8)))), dsl.ARM64), "one condition cannot mean both"},
		{"In of nothing", line(), policy(dsl.Allow.For(sys.Write).When(sys.Write.Fd.In())), "with no value at all"},
		{"a nil value", line(), policy(dsl.Allow.For(sys.Write).When(sys.Write.Fd.Eq(nil))), "a nil value"},
		{"a reversed Between", line(), policy(dsl.Allow.For(sys.Kill).When(sys.Kill.Pid.Between(dsl.Int(2), dsl.Int(-1)))), "Between is reversed: 2 comes after -1"},
		{"a value that does not fit", line(), policy(dsl.Allow.For(sys.Write).When(sys.Write.Fd.Eq(dsl.Int(1 << 32)))), "4294967296 does not fit the 32 bits that the kernel looks at of fd of write"},
		{"a negative value that does not fit", line(), policy(dsl.Allow.For(sys.Chmod).When(sys.Chmod.Mode.Eq(dsl.Int(-32769)))), "-32769 does not fit the 16 bits"},
		{"less than a huge number, of an int", line(), policy(dsl.Allow.For(sys.Kill).When(sys.Kill.Pid.Lt(dsl.Int(0xffffffff)))), "pid of kill is signed and is never compared with 4294967295"},
		{"less than a negative number, of an unsigned", line(), policy(dsl.Allow.For(sys.Write).When(sys.Write.Count.Lt(dsl.Int(-1)))), "count of write is unsigned and has no order against -1"},
		{"a flag that is zero", line(), policy(dsl.Allow.For(sys.Open).When(sys.Open.Flags.Has(linux.O_RDONLY))), "O_RDONLY is 0 here: as a flag of flags of open it tests nothing"},
		{"a mask that is zero", line(), policy(dsl.Allow.For(sys.Open).When(sys.Open.Flags.Masked(dsl.Int(0)).Eq(dsl.Int(0)))), "0 is 0 here"},
		{"a value outside its mask", line(), policy(dsl.Allow.For(sys.Open).When(sys.Open.Flags.Masked(linux.O_ACCMODE).Eq(linux.O_CREAT))), "under the mask 0x3 can never be 0x40"},
		{"another call's argument", line(), policy(dsl.Allow.For(sys.Write).When(sys.Read.Fd.Eq(linux.Stdin))), "a condition on fd of read, but the rule is not for read"},
		{"a condition that one call cannot meet", line(), policy(dsl.Allow.For(sys.Mmap, sys.Munmap).When(sys.Mmap.Prot.Lacks(linux.PROT_EXEC))), "munmap has no argument prot here"},
		{"arguments of two widths", line(), policy(dsl.Allow.For(sys.Clone, sys.CloseRange).When(sys.CloseRange.Flags.Eq(dsl.Int(0))), dsl.Allow.For(sys.Mmap, sys.Accept4).When(sys.Mmap.Flags.Eq(dsl.Int(0)))), "one condition cannot mean both"},
		{"a name on a number", line(), policy(dsl.Allow.For(dsl.Number(1)).When(sys.Write.Fd.Eq(linux.Stdin))), "use dsl.Raw"},
		{"Raw of a seventh argument", line(), policy(dsl.Allow.For(sys.Write).When(dsl.Raw(6).Eq(dsl.Int(1)))), "0 to 5"},
		{"an errno that is none", line(), policy(dsl.Errno("EFOO").For(sys.Read)), "no errno EFOO here"},
		{"an errno number that is none", line(), policy(dsl.ErrnoNumber(4095).For(sys.Read)), "errno 4095 is none"},
		{"data where there can be none", line(), policy(dsl.Action{Kind: dsl.KindAllow, Data: 1}.For(sys.Read)), "the action allow takes no data"},
		{"a constant that is none", line(), policy(dsl.Allow.For(sys.Write).When(sys.Write.Fd.Eq(dsl.Const("FOO")))), `no constant "FOO"`},
		{"a constant that an architecture lacks", line(), on(policy(dsl.Allow.For(sys.Mmap).When(sys.Mmap.Flags.Has(linux.MAP_32BIT))), dsl.AMD64, dsl.ARM64, dsl.RISCV64), "MAP_32BIT does not exist here (on arm64, riscv64)"},
		{"a call that none of the architectures has", line(), on(policy(dsl.Allow.For(sys.Open)), dsl.ARM64), "the rule matches nothing: none of the policy's architectures has open"},
		{"an argument that no filter sees", line(), on(policy(dsl.Allow.For(sys.SyncFileRange).When(sys.SyncFileRange.Flags.Eq(dsl.Int(0)))), dsl.MIPS), "flags of sync_file_range is passed where no filter can see it"},
		{"a pointer to a struct instead of arguments", line(), on(policy(dsl.Allow.For(sys.Mmap).When(sys.Mmap.Prot.Lacks(linux.PROT_EXEC))), dsl.I386), "mmap has no argument prot here"},
		{"Newer without an action", 0, dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Allow, Newer: dsl.Newer{Than: sys.Listns}}, "Newer needs both"},
		{"Newer than a call that is not there", 0, dsl.Policy{Arches: []dsl.Arch{dsl.ARM64}, Default: dsl.Allow, Newer: dsl.Newer{Than: sys.Open, Action: dsl.Log}}, "Newer.Than is open, which this architecture lacks"},
		{"WaitKillable without Notify", 0, dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Allow, Flags: dsl.WaitKillable}, "no action is Notify"},
		{"Newer than no call", 0, dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Allow, Newer: dsl.Newer{Than: dsl.Number(-1), Action: dsl.Log}}, "none of those from which new calls get theirs"},
		{"stages in a circle", 0, loop, "After leads back to the policy itself"},
		{"a stage that the one before forbids", 0, dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Allow, After: &start}, "do not let it be installed: they answer seccomp(SECCOMP_SET_MODE_FILTER, 0x1, …) with kill process"},
		{"a stage that the one before half forbids", 0, dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Allow, After: &half}, "they answer prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) with errno(EPERM)"},
		{"a listener that the stage before forbids", 0, dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Notify, After: &plain}, "do not let it be installed: they answer seccomp(SECCOMP_SET_MODE_FILTER, 0x19, …) with kill process"},
		{"a second listener", 0, dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Notify, After: &asks}, "use Notify in one stage alone"},
		{"a stage after one without its architecture", 0, dsl.Policy{Arches: []dsl.Arch{dsl.ARM64}, Default: dsl.Allow, After: &start}, "After is a policy that does not list this architecture"},
		{"a mistake in a helper", line(), policy(helper(sys.Write.Fd.In())), "with no value at all"},
	} {
		t.Run(m.name, func(t *testing.T) {
			_, err := gen.Compile(dsl.Named{Name: "Serve", Policy: &m.policy})
			if err == nil || !strings.Contains(err.Error(), "Serve: ") || !strings.Contains(err.Error(), m.want) {
				t.Fatalf("wanted %q, got:\n%v", m.want, err)
			}
			if place := fmt.Sprintf("mistakes_test.go:%d", m.line); m.line > 0 && !strings.Contains(err.Error(), place) {
				t.Errorf("wanted the place %s, got:\n%v", place, err)
			}
		})
	}
}

func TestAStageThatMayOnlyBeInstalledOnOneThreadIsAccepted(t *testing.T) {
	start := policy(
		dsl.Allow.For(sys.Prctl).When(sys.Prctl.Option.Eq(linux.PR_SET_NO_NEW_PRIVS)),
		dsl.Allow.For(sys.Seccomp).When(sys.Seccomp.Flags.Eq(dsl.Int(0))))
	serve := policy(dsl.Allow.For(sys.Read))
	serve.After = &start
	if _, err := gen.Compile(dsl.Named{Name: "Serve", Policy: &serve}); err != nil {
		t.Error(err)
	}
	serve.Flags = dsl.LogDenied
	if _, err := gen.Compile(dsl.Named{Name: "Serve", Policy: &serve}); err == nil {
		t.Error("a flag that the stage before forbids was accepted")
	}
}

func TestANilPolicyIsAnError(t *testing.T) {
	if _, err := gen.Compile(dsl.Named{Name: "Serve"}); err == nil || !strings.Contains(err.Error(), "the pointer is nil") {
		t.Error(err)
	}
}

func TestErrorsNameTheHelpersLineAndItsCallers(t *testing.T) {
	p := policy(helper(sys.Write.Fd.In()))
	want := line() - 1
	_, err := gen.Compile(dsl.Named{Name: "Serve", Policy: &p})
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if !strings.Contains(lines[0], "mistakes_test.go:") || !strings.HasPrefix(lines[1], "\tcalled from ") ||
		!strings.HasSuffix(lines[1], fmt.Sprintf("%s:%d", filepath.Base("mistakes_test.go"), want)) {
		t.Error(err)
	}
}

func TestAllMistakesAreReportedAtOnceInTheOrderOfTheRules(t *testing.T) {
	p := policy(
		dsl.Allow.For(),
		dsl.Allow.For(sys.Read),
		dsl.Allow.For(sys.Write).When(sys.Write.Fd.In()),
	)
	p.Default = dsl.Action{}
	_, err := gen.Compile(dsl.Named{Name: "Serve", Policy: &p})
	var at []int
	for _, want := range []string{"Default is not set", "For() names no system call", "with no value at all"} {
		at = append(at, strings.Index(err.Error(), want))
	}
	if at[0] < 0 || at[1] < at[0] || at[2] < at[1] {
		t.Error(err)
	}
}

func TestAProgramThatIsTooLongNamesTheRulesThatCostMost(t *testing.T) {
	var scattered []dsl.Value
	for i := range 6000 {
		scattered = append(scattered, dsl.Int(uint32(i)*7919))
	}
	p := policy(
		dsl.Allow.For(sys.Read),
		dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.In(scattered...)),
	)
	_, err := gen.Compile(dsl.Named{Name: "Serve", Policy: &p})
	if err == nil || !strings.Contains(err.Error(), "the kernel takes 4096") || !strings.Contains(err.Error(), "mistakes_test.go:") {
		t.Error(err)
	}
}
