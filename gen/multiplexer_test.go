package gen_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// A call that makes others fails where rules limit those, unless a rule names it.
func TestWhatRulesLimitNoMultiplexerDoes(t *testing.T) {
	const enosys = "errno(ENOSYS)"
	unix := dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Eq(linux.AF_UNIX))
	eperm := dsl.Errno(linux.EPERM)
	open := func(rules ...dsl.Rule) dsl.Policy {
		p := policy(append(rules, dsl.Allow.For(sys.Read))...)
		p.Default = dsl.Allow
		return p
	}
	for _, c := range []struct {
		name   string
		policy dsl.Policy
		arches []dsl.Arch
		call   string
		action string
		rule   string
	}{
		{"a condition", policy(unix), []dsl.Arch{dsl.I386, dsl.S390X, dsl.S390, dsl.PPC64LE, dsl.PPC64, dsl.PPC, dsl.MIPS, dsl.MIPSLE}, "socketcall 1", enosys, "the rules on socket"},
		{"a condition on a call of the other", policy(unix), []dsl.Arch{dsl.I386}, "ipc 1", "kill process", "Default"},
		{"no condition", policy(dsl.Allow.For(sys.Socket), dsl.Log.For(sys.Bind)), []dsl.Arch{dsl.I386}, "socketcall 1", "kill process", "Default"},
		{"a denial", open(eperm.For(sys.Connect)), []dsl.Arch{dsl.I386, dsl.S390X}, "socketcall 3", enosys, "the rules on connect"},
		{"a supervisor's call", open(dsl.Notify.For(sys.Connect)), []dsl.Arch{dsl.I386}, "socketcall 3", enosys, "the rules on connect"},
		{"a denial of a call that the ABI has in no other way", open(eperm.For(sys.Semop, sys.Msgget)), []dsl.Arch{dsl.I386}, "ipc 1", enosys, "the rules on semop, msgget"},
		{"a rule on it", policy(unix, dsl.Allow.For(sys.Socketcall).When(sys.Socketcall.Call.Eq(dsl.Int(3)))), []dsl.Arch{dsl.I386}, "socketcall 3", "allow", "rule 2"},
		{"a rule on it for others", policy(unix, dsl.Allow.For(sys.Socketcall).On(dsl.S390X)), []dsl.Arch{dsl.I386, dsl.S390X}, "socketcall 1", enosys, "the rules on socket"},
		{"a condition elsewhere", policy(unix.On(dsl.AMD64), dsl.Allow.For(sys.Socket)), []dsl.Arch{dsl.I386, dsl.AMD64}, "socketcall 1", "kill process", "Default"},
	} {
		filters, err := gen.Compile(dsl.Named{Name: "Policy", Policy: new(on(c.policy, c.arches...))})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		arches := c.arches
		if strings.HasSuffix(c.name, "others") || strings.HasSuffix(c.name, "elsewhere") {
			arches = arches[:1]
		}
		for _, arch := range arches {
			e, err := gen.Explain(filters, arch, c.call)
			if err != nil {
				t.Fatal(err)
			}
			if e.Verdicts[0].Action != c.action || len(e.Verdicts) != 1 || len(e.Rules) != 1 || e.Rules[0].Text != c.rule {
				t.Errorf("%s: on %s, %s gets %+v by %+v, wanted %s by %s", c.name, arch, c.call, e.Verdicts, e.Rules, c.action, c.rule)
			}
		}
	}
}

// A condition on a call is one on its twin.
func TestTwinsShareConditions(t *testing.T) {
	twins := dsl.Twins(sys.Futex, sys.Fcntl, sys.Lseek, sys.Select)
	for _, c := range []struct {
		arch         dsl.Arch
		rule         dsl.Rule
		call, action string
	}{
		{dsl.I386, dsl.Allow.For(twins), "select", "allow"},
		{dsl.MIPS64, dsl.Allow.For(twins), "_newselect", "allow"},
		{dsl.I386, dsl.Allow.For(dsl.Twins(sys.Futex)).When(sys.Futex.FutexOp.Eq(linux.FUTEX_WAKE)), "futex_time64 0 FUTEX_WAKE", "allow"},
		{dsl.I386, dsl.Allow.For(dsl.Twins(sys.Futex)).When(sys.Futex.FutexOp.Eq(linux.FUTEX_WAKE)), "futex_time64 0 FUTEX_WAIT", "kill process"},
		{dsl.ARM, dsl.Allow.For(dsl.Twins(sys.Fcntl)).When(sys.Fcntl.Cmd.Eq(linux.F_GETFL)), "fcntl64 0 F_GETFL", "allow"},
		{dsl.ARM, dsl.Allow.For(dsl.Twins(sys.Lseek)).When(sys.Lseek.Whence.Eq(linux.SEEK_SET)), "_llseek 0 0 0 0 SEEK_SET", "allow"},
		{dsl.ARM, dsl.Allow.For(dsl.Twins(sys.Lseek)).When(sys.Lseek.Whence.Eq(linux.SEEK_SET)), "_llseek 0 0 SEEK_SET 0 SEEK_END", "kill process"},
		{dsl.S390X, dsl.Allow.For(dsl.Twins(sys.Futex)).When(sys.Futex.FutexOp.Eq(linux.FUTEX_WAKE)), "futex 0 FUTEX_WAKE", "allow"},
	} {
		filters, err := gen.Compile(dsl.Named{Name: "Policy", Policy: new(on(policy(c.rule), c.arch))})
		if err != nil {
			t.Errorf("%s: %v", c.call, err)
			continue
		}
		e, err := gen.Explain(filters, c.arch, c.call)
		if err != nil || e.Verdicts[0].Action != c.action || len(e.Verdicts) != 1 {
			t.Errorf("on %s, %s gets %+v (%v), wanted %s", c.arch, c.call, e.Verdicts, err, c.action)
		}
	}
}

// What is named like another form of a call is one of its twins, and so is what came
// with 64-bit time.
func TestTwinsAreThoseOfTheTables(t *testing.T) {
	others := []string{"getdents64"} // which 64-bit ABIs have too
	for _, call := range abi.Calls() {
		var names []string
		for _, twin := range (dsl.Target{Name: call}).Twins() {
			if !abi.Known(twin.Name) {
				t.Errorf("no ABI has %s, a twin of %s", twin.Name, call)
			}
			names = append(names, twin.Name)
		}
		for _, suffix := range []string{"_time64", "64", "_64", "32"} {
			stem, ok := strings.CutSuffix(call, suffix)
			if ok && abi.Known(stem) && !slices.Contains(others, call) && !slices.Contains(names, stem) {
				t.Errorf("%s is no twin of %s", call, stem)
			}
		}
		if nr, ok := abi.Lookup("i386").Number(call); ok && nr >= 403 && nr <= 423 && len(names) == 0 {
			t.Errorf("%s is nothing's twin", call)
		}
	}
}

// A policy under observation denies nothing, not even by what it implies.
func TestObservedPoliciesAnswerMultiplexersByDefault(t *testing.T) {
	p := dsl.Policy{
		Arches: []dsl.Arch{dsl.I386, dsl.AMD64}, Default: dsl.KillProcess,
		Newer: dsl.Newer{Than: sys.Listns, Action: dsl.Errno(linux.ENOSYS)},
		Rules: []dsl.Rule{dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Eq(linux.AF_UNIX)), dsl.Errno(linux.EACCES).For(sys.Open)},
	}
	observed := dsl.Observe(p)
	for policy, wants := range map[*dsl.Policy][5]uint32{&p: {0x50000 | 38, 0x50000 | 13, 0x80000000, 0x50000 | 38, 0x80000000}, &observed: {0x7ffc0000, 0x7ffc0000, 0x7ffc0000, 0x7ffc0000, 0x7ffc0000}} {
		filters, err := gen.Compile(dsl.Named{Name: "P", Policy: policy})
		if err != nil {
			t.Fatal(err)
		}
		for i, call := range []struct {
			arch dsl.Arch
			nr   uint32
		}{{dsl.I386, 102}, {dsl.I386, 5}, {dsl.I386, 3}, {dsl.AMD64, 1000}, {dsl.X32, 0x40000000}} { // socketcall, open, read, newer, and an ABI that is not listed
			if got, err := filters[0].Answer(call.arch, call.nr, [6]uint64{}); err != nil || got != wants[i] {
				t.Errorf("%s's %d: %#x, want %#x, %v", call.arch, call.nr, got, wants[i], err)
			}
		}
	}
}
