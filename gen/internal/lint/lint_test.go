package lint_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
)

// vital is what every policy here allows, so that a finding is about what it is to
// be about.
var vital = dsl.Allow.For(sys.ExitGroup, sys.RtSigreturn, sys.RestartSyscall)

func policy(rules ...dsl.Rule) dsl.Policy {
	return dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess, Rules: append(rules, vital)}
}

func on(p dsl.Policy, arches ...dsl.Arch) dsl.Policy {
	p.Arches = arches
	return p
}

func otherwise(a dsl.Action, p dsl.Policy) dsl.Policy {
	p.Default = a
	return p
}

func after(earlier, p dsl.Policy) dsl.Policy {
	p.After = &earlier
	return p
}

var (
	eperm  = dsl.Errno(linux.EPERM)
	enosys = dsl.Errno(linux.ENOSYS)
	stages = dsl.Allow.For(sys.Prctl, sys.Seccomp)
)

// Each check finds its fault and leaves alone what is right and looks alike.
func TestChecks(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range []struct {
		name, severity, rule string
		bad, good            dsl.Policy
	}{
		{"a denial behind the rule that allows", "warning", "unreachable",
			policy(dsl.Allow.For(sys.Read), eperm.For(sys.Read).When(sys.Read.Fd.Eq(dsl.Int(3)))),
			policy(eperm.For(sys.Read).When(sys.Read.Fd.Eq(dsl.Int(3))), dsl.Allow.For(sys.Read))},
		{"a range that two others cover together", "warning", "unreachable",
			policy(dsl.Allow.For(sys.Read).When(sys.Read.Fd.Lt(dsl.Int(3))), eperm.For(sys.Read).When(sys.Read.Fd.Lt(dsl.Int(6))), dsl.Allow.For(sys.Read).When(sys.Read.Fd.Between(dsl.Int(1), dsl.Int(5)))),
			policy(dsl.Allow.For(sys.Read).When(sys.Read.Fd.Lt(dsl.Int(3))), eperm.For(sys.Read).When(sys.Read.Fd.Lt(dsl.Int(6))), dsl.Allow.For(sys.Read).When(sys.Read.Fd.Between(dsl.Int(1), dsl.Int(6))))},
		{"the same call twice", "note", "unreachable",
			policy(dsl.Allow.For(sys.Read, sys.Write), dsl.Allow.For(sys.Close, sys.Read)),
			policy(dsl.Allow.For(sys.Read, sys.Write), dsl.Allow.For(sys.Close))},
		{"what the default does anyway", "note", "redundant",
			policy(dsl.KillProcess.For(sys.Read)),
			policy(eperm.For(sys.Read))},
		{"what the next rule does too", "note", "redundant",
			policy(dsl.Allow.For(sys.Read).When(sys.Read.Fd.Eq(dsl.Int(1))), dsl.Allow.For(sys.Read)),
			policy(dsl.Allow.For(sys.Read).When(sys.Read.Fd.Eq(dsl.Int(1))), eperm.For(sys.Read))},
		{"a call that Newer would answer otherwise", "note", "redundant",
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess, Newer: dsl.Newer{Than: sys.Openat2, Action: enosys}, Rules: []dsl.Rule{dsl.KillProcess.For(sys.Read), vital}},
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess, Newer: dsl.Newer{Than: sys.Openat2, Action: enosys}, Rules: []dsl.Rule{dsl.KillProcess.For(sys.Listns), vital}}},
		{"a condition that always holds", "warning", "condition",
			policy(dsl.Allow.For(sys.Read).When(dsl.Any(sys.Read.Fd.Lt(dsl.Int(3)), sys.Read.Fd.Ge(dsl.Int(3))))),
			policy(dsl.Allow.For(sys.Read).When(dsl.Any(sys.Read.Fd.Lt(dsl.Int(3)), sys.Read.Fd.Gt(dsl.Int(3)))))},
		{"a condition that never holds", "warning", "condition",
			policy(dsl.Allow.For(sys.Read).When(sys.Read.Fd.Lt(dsl.Int(3)), sys.Read.Fd.Gt(dsl.Int(3)))),
			policy(dsl.Allow.For(sys.Read).When(sys.Read.Fd.Lt(dsl.Int(4)), sys.Read.Fd.Gt(dsl.Int(2))))},
		{"bounds that are none", "warning", "condition",
			policy(dsl.Allow.For(sys.Read).When(sys.Read.Count.Between(dsl.Int(0), dsl.Int(^uint64(0))))),
			policy(dsl.Allow.For(sys.Read).When(sys.Read.Count.Between(dsl.Int(0), dsl.Int(4096))))},
		{"either not this or not that", "error", "condition",
			policy(dsl.Allow.For(sys.Socket).When(dsl.Any(sys.Socket.Domain.Ne(linux.AF_ALG), sys.Socket.Domain.Ne(linux.AF_VSOCK)))),
			policy(dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Ne(linux.AF_ALG), sys.Socket.Domain.Ne(linux.AF_VSOCK)))},
		{"not this in one rule, not that in another", "error", "not-equal-twice",
			policy(dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Ne(linux.AF_ALG)), dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Ne(linux.AF_VSOCK))),
			policy(dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Ne(linux.AF_ALG)), eperm.For(sys.Socket).When(sys.Socket.Domain.Ne(linux.AF_VSOCK)))},
		{"a 64-bit comparison that denies", "error", "wide-compare",
			policy(eperm.For(sys.Ioctl).When(dsl.Raw(1).Eq(linux.TIOCSTI)), dsl.Allow.For(sys.Ioctl)),
			policy(eperm.For(sys.Ioctl).When(sys.Ioctl.Request.Eq(linux.TIOCSTI)), dsl.Allow.For(sys.Ioctl))},
		{"a 64-bit comparison that denies, on s390x", "error", "wide-compare",
			on(policy(eperm.For(sys.Ioctl).When(dsl.Raw(1).Eq(linux.TIOCSTI)), dsl.Allow.For(sys.Ioctl)), dsl.S390X),
			on(policy(eperm.For(sys.Ioctl).When(sys.Ioctl.Request.Eq(linux.TIOCSTI)), dsl.Allow.For(sys.Ioctl)), dsl.S390X)},
		{"a 64-bit comparison that denies what differs", "error", "wide-compare",
			policy(dsl.Allow.For(sys.Socket).When(dsl.Raw(0).Gt(linux.AF_ALG))),
			policy(dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Gt(linux.AF_ALG)))},
		{"a 64-bit comparison with a negative number", "warning", "wide-compare",
			policy(dsl.Allow.For(sys.Openat).When(dsl.Raw(0).Eq(linux.AT_FDCWD))),
			policy(dsl.Allow.For(sys.Openat).When(dsl.Raw(0).Masked(dsl.Int(0xffffffff)).Eq(dsl.Int(0xffffff9c))))},
		{"a 64-bit comparison that allows", "note", "wide-compare",
			policy(dsl.Allow.For(sys.Ioctl).When(dsl.Raw(1).Eq(linux.TCGETS))),
			policy(dsl.Allow.For(sys.Write).When(dsl.Raw(2).Eq(dsl.Int(1))))},
		{"an int that fcntl takes", "error", "cut-argument",
			policy(eperm.For(sys.Fcntl).When(sys.Fcntl.Cmd.Eq(linux.F_SETFL), sys.Fcntl.Arg.Eq(linux.O_NONBLOCK)), dsl.Allow.For(sys.Fcntl)),
			policy(eperm.For(sys.Fcntl).When(sys.Fcntl.Cmd.Eq(linux.F_SETLK), sys.Fcntl.Arg.Eq(dsl.Int(0))), dsl.Allow.For(sys.Fcntl))},
		{"an int that prctl takes", "error", "cut-argument",
			on(policy(dsl.Allow.For(sys.Prctl).When(sys.Prctl.Arg2.Ne(dsl.Int(1)))), dsl.S390X),
			on(policy(dsl.Allow.For(sys.Prctl).When(sys.Prctl.Arg2.Masked(dsl.Int(0xffffffff)).In(dsl.Int(2), dsl.Int(3)))), dsl.S390X)},
		{"an int that keyctl takes", "error", "cut-argument",
			policy(dsl.Allow.For(sys.Keyctl).When(sys.Keyctl.Arg2.Ne(linux.KEY_SPEC_USER_KEYRING))),
			policy(dsl.Allow.For(sys.Keyctl).When(sys.Keyctl.Arg2.Eq(linux.KEY_SPEC_USER_KEYRING)))},
		{"a descriptor that ioctl takes", "error", "cut-argument",
			policy(dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.Eq(linux.FICLONE), sys.Ioctl.Argp.Ne(dsl.Int(3)))),
			policy(dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.Eq(linux.TCGETS), sys.Ioctl.Argp.Ne(dsl.Int(3))))},
		{"socket limited, socketcall open", "error", "multiplexed",
			on(policy(dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Eq(linux.AF_UNIX)), dsl.Allow.For(sys.Socketcall)), dsl.I386),
			on(policy(dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Eq(linux.AF_UNIX)), dsl.Allow.For(sys.Socketcall).When(sys.Socketcall.Call.Gt(dsl.Int(20)))), dsl.I386)},
		{"shmat denied, ipc open", "warning", "multiplexed",
			on(policy(dsl.Allow.For(sys.Ipc)), dsl.I386),
			on(policy(dsl.Allow.For(sys.Ipc, sys.Shmat, sys.Shmget, sys.Shmdt, sys.Shmctl, sys.Msgget, sys.Msgctl, sys.Msgrcv, sys.Msgsnd, sys.Semget, sys.Semctl)), dsl.I386)},
		{"shmget limited, ipc denied by the number alone", "error", "multiplexed",
			on(policy(dsl.Allow.For(sys.Shmget).When(sys.Shmget.Size.Lt(dsl.Int(4096))), dsl.Allow.For(sys.Ipc).When(sys.Ipc.Call.Ne(dsl.Int(23)))), dsl.I386),
			on(policy(dsl.Allow.For(sys.Shmget).When(sys.Shmget.Size.Lt(dsl.Int(4096))), dsl.Allow.For(sys.Ipc).When(sys.Ipc.Call.Masked(dsl.Int(0xffff)).In(dsl.Int(30)))), dsl.I386)},
		{"socket limited, socketcall by default", "error", "multiplexed",
			on(otherwise(dsl.Allow, policy(eperm.For(sys.Socket).When(sys.Socket.Domain.Eq(linux.AF_ALG)), dsl.Allow.For(sys.Socketcall))), dsl.S390X),
			on(otherwise(dsl.Allow, policy(eperm.For(sys.Socket).When(sys.Socket.Domain.Eq(linux.AF_ALG)))), dsl.S390X)},
		{"clone limited, clone3 open", "error", "clone3",
			policy(dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Has(linux.CLONE_THREAD)), dsl.Allow.For(sys.Clone3)),
			policy(dsl.Allow.For(sys.Clone, sys.Clone3))},
		{"clone3 with EPERM", "warning", "clone3",
			policy(dsl.Allow.For(sys.Clone), eperm.For(sys.Clone3)),
			policy(dsl.Allow.For(sys.Clone), enosys.For(sys.Clone3))},
		{"clone3 kills", "note", "clone3",
			policy(dsl.Allow.For(sys.Clone)),
			policy(dsl.Allow.For(sys.Clone), dsl.Notify.For(sys.Clone3))},
		{"openat limited, openat2 open", "warning", "twin",
			policy(dsl.Allow.For(sys.Openat).When(sys.Openat.Flags.Lacks(linux.O_CREAT)), dsl.Allow.For(sys.Openat2)),
			policy(dsl.Allow.For(sys.Openat, sys.Openat2))},
		{"mmap2 limited, mmap open", "warning", "twin",
			on(policy(dsl.Allow.For(sys.Mmap2).When(sys.Mmap2.Prot.Lacks(linux.PROT_EXEC)), dsl.Allow.For(sys.Mmap)), dsl.I386),
			on(policy(dsl.Allow.For(sys.Mmap2).When(sys.Mmap2.Prot.Lacks(linux.PROT_EXEC))), dsl.I386)},
		{"chown denied, chown32 open", "warning", "twin",
			on(policy(eperm.For(sys.Chown), dsl.Allow.For(sys.Chown32)), dsl.I386),
			on(policy(eperm.For(dsl.Twins(sys.Chown))), dsl.I386)},
		{"execve denied, execveat open", "warning", "twin",
			policy(eperm.For(sys.Execve), dsl.Allow.For(sys.Execveat)),
			policy(enosys.For(sys.Execve), dsl.Allow.For(sys.Execveat))},
		{"mount denied, fsmount not", "warning", "twin",
			otherwise(dsl.Allow, policy(eperm.For(sys.Mount))),
			otherwise(dsl.Allow, policy(eperm.For(sys.Mount, sys.Fsmount, sys.MoveMount, sys.OpenTree, sys.MountSetattr), dsl.Allow.For(sys.Read)))},
		{"futex without futex_time64", "warning", "time64",
			on(policy(dsl.Allow.For(sys.Futex)), dsl.ARM),
			on(policy(dsl.Allow.For(sys.Futex), enosys.For(sys.FutexTime64)), dsl.ARM)},
		{"futex without futex_time64 on MIPS", "warning", "time64",
			on(policy(dsl.Allow.For(sys.Futex)), dsl.MIPSLE),
			on(policy(dsl.Allow.For(dsl.Twins(sys.Futex))), dsl.MIPSLE)},
		{"TIOCSTI", "warning", "tiocsti",
			policy(dsl.Allow.For(sys.Ioctl)),
			policy(dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.Eq(linux.TCGETS)))},
		{"TIOCLINUX beside TIOCSTI", "error", "tioclinux",
			policy(dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.Ne(linux.TIOCSTI))),
			policy(dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.NotIn(linux.TIOCSTI, linux.TIOCLINUX)))},
		{"AF_ALG", "warning", "af-alg",
			policy(dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Ne(linux.AF_VSOCK))),
			policy(dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.NotIn(linux.AF_ALG, linux.AF_VSOCK)))},
		{"ptrace", "warning", "dangerous", policy(dsl.Allow.For(sys.Ptrace)), policy(eperm.For(sys.Ptrace))},
		{"another process's memory", "warning", "dangerous", policy(dsl.Allow.For(sys.ProcessVmWritev)), policy(dsl.Allow.For(sys.ProcessVmReadv))},
		{"programs for the kernel", "warning", "dangerous", policy(dsl.Allow.For(sys.Bpf)), policy(dsl.Notify.For(sys.Bpf))},
		{"faults", "warning", "dangerous", policy(dsl.Allow.For(sys.Userfaultfd)), policy(dsl.KillProcess.For(sys.Userfaultfd))},
		{"rings", "warning", "dangerous", policy(dsl.Log.For(sys.IoUringSetup)), policy(dsl.Allow.For(sys.IoUringEnter))},
		{"memory to write and run", "note", "writable-code",
			policy(dsl.Allow.For(sys.Mmap)),
			policy(dsl.Allow.For(sys.Mmap).When(sys.Mmap.Prot.Lacks(linux.PROT_EXEC)))},
		{"a listener", "note", "listener",
			policy(dsl.Allow.For(sys.Seccomp)),
			policy(dsl.Allow.For(sys.Seccomp).When(sys.Seccomp.Flags.Only(linux.SECCOMP_FILTER_FLAG_TSYNC)))},
		{"no restart_syscall", "warning", "vital",
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess, Rules: []dsl.Rule{dsl.Allow.For(sys.ExitGroup, sys.RtSigreturn)}},
			policy()},
		{"kill thread", "warning", "kill-thread", policy(dsl.KillThread.For(sys.Read)), policy(dsl.KillProcess.For(sys.Read))},
		{"kill thread for other ABIs", "note", "kill-thread",
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess, BadArch: dsl.KillThread, Rules: []dsl.Rule{vital}},
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess, BadArch: eperm, Rules: []dsl.Rule{vital}}},
		{"trap", "note", "trap", policy(dsl.Trap(0).For(sys.Read)), policy(eperm.For(sys.Read))},
		{"errno 0", "warning", "errno", policy(dsl.ErrnoNumber(0).For(sys.Read)), policy(dsl.ErrnoNumber(1).For(sys.Read))},
		{"a deny list", "warning", "deny-list",
			otherwise(dsl.Allow, policy(eperm.For(sys.Mount))),
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Allow, Newer: dsl.Newer{Than: sys.Listns, Action: enosys}, Rules: []dsl.Rule{eperm.For(sys.Mount)}}},
		{"other ABIs", "error", "foreign-abi",
			dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess, BadArch: dsl.Allow, Rules: []dsl.Rule{vital}},
			policy()},
		{"a stage without threads", "warning", "stage",
			after(policy(stages.When(dsl.Raw(1).Ne(dsl.Int(1))), dsl.Allow.For(sys.Prctl)), policy()),
			after(policy(stages.When(dsl.Raw(1).Le(dsl.Int(1)))), policy())},
		{"a stage before the last without threads", "warning", "stage",
			after(after(policy(stages.When(dsl.Raw(1).Ne(dsl.Int(1))), dsl.Allow.For(sys.Prctl)), policy(stages)), policy()),
			after(after(policy(stages), policy(stages)), policy())},
	} {
		t.Run(c.name, func(t *testing.T) {
			match := func(f gen.Finding) bool { return f.Rule == c.rule && f.Severity == c.severity }
			if found := lint(t, c.bad); !slices.ContainsFunc(found, match) {
				t.Errorf("no %s %s in %+v", c.severity, c.rule, found)
			}
			tested[c.rule] = true
			if found := lint(t, c.good); slices.ContainsFunc(found, func(f gen.Finding) bool { return f.Rule == c.rule }) {
				t.Errorf("%s in %+v", c.rule, found)
			}
		})
	}
	for _, r := range gen.LintRules() {
		if !tested[r.Rule] {
			t.Errorf("%s is not tested", r.Rule)
		}
	}
}

func lint(t *testing.T, p dsl.Policy) []gen.Finding {
	t.Helper()
	found, err := gen.Lint(dsl.Named{Name: "P", Policy: &p})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestNothingIsFoundInASoundPolicy(t *testing.T) {
	p := on(policy(dsl.Allow.For(sys.Read, sys.Write, sys.Close)), dsl.AMD64, dsl.ARM64, dsl.I386)
	if found := lint(t, p); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestAFindingNamesItsRuleItsCallsAndItsABIs(t *testing.T) {
	_, file, line, _ := runtime.Caller(0)
	p := on(policy(dsl.Allow.For(sys.Ptrace, sys.Read)), dsl.AMD64, dsl.ARM64)
	found := lint(t, p)
	if len(found) != 1 {
		t.Fatalf("%+v", found)
	}
	f := found[0]
	if f.Where != file+":"+strconv.Itoa(line+1) || !slices.Equal(f.Calls, []string{"ptrace"}) || !slices.Equal(f.Arches, p.Arches) {
		t.Errorf("%+v", f)
	}
}

func TestTheWorstComesFirst(t *testing.T) {
	found := lint(t, policy(
		dsl.Allow.For(sys.Mmap), dsl.Allow.For(sys.Ptrace),
		dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Eq(dsl.Int(0))), dsl.Allow.For(sys.Clone3)))
	var got []string
	for _, f := range found {
		got = append(got, f.Severity+" "+f.Rule)
	}
	want := []string{"error clone3", "warning dangerous", "note writable-code"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestACommentWithAReasonIgnores(t *testing.T) {
	for name, c := range map[string]struct {
		text string // line 3 has the rule, line 6 the policy
		want []string
	}{
		"none":              {"\n\nrule\n\n\npolicy\n", []string{"dangerous"}},
		"on the line":       {"\n\nrule //secgen:ignore dangerous it is a debugger\n\n\npolicy\n", nil},
		"above":             {"\n\t//secgen:ignore dangerous it is a debugger\nrule\n\n\npolicy\n", nil},
		"above with others": {"//secgen:ignore trap why not\n//secgen:ignore dangerous it is a debugger\nrule\n\n\npolicy\n", []string{"unused-ignore"}},
		"beside the policy": {"\n\nrule\n\n//secgen:ignore dangerous all of them\npolicy\n", nil},
		"another check":     {"\n\nrule //secgen:ignore trap it is a debugger\n\n\npolicy\n", []string{"dangerous", "unused-ignore"}},
		"too far":           {"//secgen:ignore dangerous it is a debugger\n\nrule\n\n\npolicy\n", []string{"dangerous", "unused-ignore"}},
		"beside another":    {"\nother //secgen:ignore dangerous it is a debugger\nrule\n\n\npolicy\n", []string{"dangerous", "unused-ignore"}},
		"no check":          {"\n\nrule //secgen:ignore ptrace it is a debugger\n\n\npolicy\n", []string{"dangerous", "ignore"}},
		"nothing named":     {"\n\nrule //secgen:ignore\n\n\npolicy\n", []string{"dangerous", "ignore"}},
		"another directive": {"\n\nrule //secgen:ignored\n\n\npolicy\n", []string{"dangerous"}},
		"in a string":       {"\n\nrule \"//secgen:ignore dangerous no comment\"\n\n\npolicy\n", []string{"dangerous"}},
		"without a reason":  {"\n\nrule //secgen:ignore dangerous \n\n\npolicy\n", []string{"dangerous", "ignore"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "policy.go")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			rule := dsl.Allow.For(sys.Ptrace)
			rule.Made = []dsl.Frame{{File: file, Line: 3}}
			p := policy(rule)
			found, err := gen.Lint(dsl.Named{Name: "P", Policy: &p, Made: dsl.Frame{File: file, Line: 6}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				got = append(got, f.Rule)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// Programs of any origin can be looked at: this one, in instructions, answers by the
// number alone and with errnos that are none.
func TestAForeignProgram(t *testing.T) {
	var text []byte
	for _, i := range [][4]uint32{
		{0x20, 0, 0, 0},          // load nr
		{0x15, 0, 1, 59},         // execve?
		{0x06, 0, 0, 0x00050fff}, // errno 4095
		{0x06, 0, 0, 0x7fff0000},
	} {
		text = binary.LittleEndian.AppendUint16(text, uint16(i[0]))
		text = append(text, byte(i[1]), byte(i[2]))
		text = binary.LittleEndian.AppendUint32(text, i[3])
	}
	filters, err := gen.Read("raw", text, gen.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := gen.LintFilters(filters)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"foreign-abi", "errno", "deny-list", "twin"} {
		if !slices.ContainsFunc(found, func(f gen.Finding) bool { return f.Rule == want }) {
			t.Errorf("no %s in %+v", want, found)
		}
	}
}

// A program of several ABIs of which one is looked at.
func TestTheOtherABIsOfAForeignProgram(t *testing.T) {
	p := on(policy(), dsl.AMD64, dsl.I386)
	compiled, err := gen.Compile(dsl.Named{Name: "P", Policy: &p})
	if err != nil {
		t.Fatal(err)
	}
	filters, err := gen.Read("raw", compiled[0].Raw(), gen.ReadOptions{Arch: dsl.AMD64})
	if err != nil {
		t.Fatal(err)
	}
	found, err := gen.LintFilters(filters)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0].Severity != "note" || found[0].Rule != "foreign-abi" || !strings.Contains(found[0].Why, "i386") {
		t.Errorf("%+v", found)
	}
}

// Profiles in JSON are compiled from rules, on which there is something to find.
func TestTheRulesOfAProfile(t *testing.T) {
	filters, err := gen.Read("profile.json", []byte(`{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
		{"names": ["exit_group", "rt_sigreturn", "restart_syscall"], "action": "SCMP_ACT_ALLOW"},
		{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]}]}`), gen.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := gen.LintFilters(filters)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 || found[0].Severity != "error" || found[0].Rule != "wide-compare" || !slices.Equal(found[0].Calls, []string{"socket"}) || found[0].Where != "profile.json:3" {
		t.Errorf("%+v", found)
	}
}

func TestALoopThatMakesRulesIsToldOfOnce(t *testing.T) {
	rules := []dsl.Rule{dsl.Allow.For(sys.Read)}
	for i := range 5 {
		rules = append(rules, dsl.Allow.For(sys.Read).When(sys.Read.Fd.Eq(dsl.Int(i))))
	}
	if found := lint(t, policy(rules...)); len(found) != 1 || found[0].Rule != "unreachable" {
		t.Errorf("%+v", found)
	}
}

// What one policy of a package needs, or what comes from another package, is not the
// author's to remove.
func TestWhatOthersNeedIsNotTooMuch(t *testing.T) {
	dir := t.TempDir()
	made := func(dir string, line int, r dsl.Rule) dsl.Rule {
		r.Made = []dsl.Frame{{File: filepath.Join(dir, "policy.go"), Line: line}}
		return r
	}
	named := func(name string, p dsl.Policy) dsl.Named {
		return dsl.Named{Name: name, Policy: &p, Made: dsl.Frame{File: filepath.Join(dir, "policy.go"), Line: 100}}
	}
	all := made(dir, 1, dsl.Allow.For(sys.Read, sys.Write))
	some := dsl.Allow.For(sys.Read).When(sys.Read.Fd.Eq(dsl.Int(3)))
	own, lent := made(dir, 2, some), made("/elsewhere", 2, some)
	for _, c := range []struct {
		name     string
		policies []dsl.Named
		want     []string
	}{
		{"alone", []dsl.Named{named("P", policy(own, all))}, []string{"P redundant"}},
		{"with one that needs it", []dsl.Named{named("P", policy(own, all)), named("Q", policy(own))}, nil},
		{"with one that needs it no more", []dsl.Named{named("P", policy(own, all)), named("Q", policy(own, all))}, []string{"P redundant", "Q redundant"}},
		{"behind what decides", []dsl.Named{named("P", policy(all, own))}, []string{"P unreachable"}},
		{"from elsewhere", []dsl.Named{named("P", policy(lent, all)), named("Q", policy(all, lent))}, nil},
	} {
		found, err := gen.Lint(c.policies...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			got = append(got, f.Policy+" "+f.Rule)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A 32-bit ABI's arguments have upper halves too: int 0x80 of 64-bit code leaves its
// registers' there (arch/x86/include/asm/syscall.h, syscall_get_arguments).
func TestTheUpperHalvesOfA32BitABI(t *testing.T) {
	var text []byte
	for _, i := range [][4]uint32{
		{0x20, 0, 0, 4}, // load arch
		{0x15, 0, 4, 0x40000003},
		{0x20, 0, 0, 0}, // load nr
		{0x15, 0, 2, 54},
		{0x20, 0, 0, 28}, // load the upper half of ioctl's request
		{0x15, 0, 1, 0},
		{0x06, 0, 0, 0x80000000},
		{0x06, 0, 0, 0x7fff0000},
	} {
		text = binary.LittleEndian.AppendUint16(text, uint16(i[0]))
		text = append(text, byte(i[1]), byte(i[2]))
		text = binary.LittleEndian.AppendUint32(text, i[3])
	}
	filters, err := gen.Read("raw", text, gen.ReadOptions{Arch: dsl.I386})
	if err != nil {
		t.Fatal(err)
	}
	found, err := gen.LintFilters(filters)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(found, func(f gen.Finding) bool { return f.Rule == "wide-compare" && f.Severity == "error" }) {
		t.Errorf("%+v", found)
	}
}
