package gen_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
)

// explained compiles a policy to explain.
func explained(t *testing.T, p dsl.Policy) []gen.Filter {
	t.Helper()
	filters, err := gen.Compile(dsl.Named{Name: "Serve", Policy: &p})
	if err != nil {
		t.Fatal(err)
	}
	return filters
}

// rows is decisions as text.
func rows(d gen.Decisions) []string {
	var lines []string
	for _, r := range d.Rows {
		names := r.Else
		if names == "" {
			names = strings.Join(r.Calls, " ")
		}
		line := r.Action + ": " + names
		if r.When != "" {
			line += ": " + r.When
		}
		lines = append(lines, line)
	}
	return lines
}

func TestDecisionsAreReadOffThePrograms(t *testing.T) {
	p := dsl.Policy{
		Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.KillProcess,
		Rules: []dsl.Rule{
			dsl.Allow.For(sys.Read, sys.Close),
			dsl.Allow.For(sys.Write, sys.Fsync).When(sys.Write.Fd.Eq(dsl.Int(2))),
			dsl.Allow.For(sys.Mmap).When(sys.Mmap.Prot.Has(linux.PROT_EXEC)),
			dsl.Errno(linux.ENOSYS).For(sys.Clone3),
		},
	}
	list, err := gen.Decide(explained(t, p), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 {
		t.Fatalf("%d tables", len(list))
	}
	d := list[0]
	rest := d.Rows[len(d.Rows)-2]
	want := []string{
		"allow: close read",
		"errno(ENOSYS): clone3",
		"allow: fsync write: fd is Stderr",
		"kill process: fsync write: otherwise",
		"allow: mmap: prot has PROT_EXEC",
		"kill process: mmap: otherwise",
		fmt.Sprintf("kill process: everything else: %d calls, and numbers without a name", len(rest.Calls)),
		"kill process: all calls through the numbers of i386 and x32",
	}
	if got := rows(d); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwanted\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(rest.Calls) != d.Calls-6 || d.Allowed != 2 || d.Cached != 2 {
		t.Errorf("%d calls of %d are the rest, %d allowed, %d cached", len(rest.Calls), d.Calls, d.Allowed, d.Cached)
	}
}

func TestDecisionsTellNumbersWithoutANameApart(t *testing.T) {
	p := dsl.Policy{
		Arches: []dsl.Arch{dsl.ARM64}, Default: dsl.Allow, BadArch: dsl.Errno(linux.ENOSYS),
		Newer: dsl.Newer{Than: sys.Mseal, Action: dsl.Errno(linux.ENOSYS)},
		Rules: []dsl.Rule{
			dsl.KillProcess.For(sys.Ptrace, dsl.Number(-1)),
			dsl.Log.For(dsl.Number(300)).When(dsl.Raw(1).Eq(dsl.Int(7))),
		},
	}
	list, err := gen.Decide(explained(t, p), "arm64")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(rows(list[0]), "\n") + "\n"
	for _, want := range []string{
		"kill process: ptrace\n",
		"log: numbers without a name, such as 300: args[1] is 7\n",
		"allow: numbers without a name, such as 300: otherwise\n",
		"errno(ENOSYS): numbers without a name, such as 472\n",
		"kill process: number -1, a call that a tracer skipped\n",
		"errno(ENOSYS): all calls through the numbers of arm\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestAProgramThatTellsABIsApartHasATableForEach(t *testing.T) {
	p := dsl.Policy{Arches: []dsl.Arch{dsl.AMD64, dsl.I386}, Default: dsl.KillProcess, Rules: []dsl.Rule{dsl.Allow.For(sys.Read)}}
	raw, err := gen.Read("filter.bpf", explained(t, p)[0].Raw(), gen.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := gen.Decide(raw, "")
	if err != nil {
		t.Fatal(err)
	}
	var arches []string
	for _, d := range list {
		arches = append(arches, string(d.Arch)+" "+rows(d)[0])
	}
	if want := []string{"amd64 allow: read", "i386 allow: read"}; !reflect.DeepEqual(arches, want) {
		t.Errorf("got %q, wanted %q", arches, want)
	}
}

func TestOneCallIsExplained(t *testing.T) {
	filters := explained(t, dsl.Policy{
		Arches: []dsl.Arch{dsl.AMD64, dsl.I386, dsl.ARM64}, Default: dsl.KillProcess, BadArch: dsl.KillThread,
		Newer: dsl.Newer{Than: sys.Mseal, Action: dsl.Errno(linux.ENOSYS)},
		Rules: []dsl.Rule{
			dsl.Allow.For(sys.Read),
			dsl.Allow.For(sys.Openat).When(sys.Openat.Flags.Lacks(linux.O_CREAT)),
			dsl.Errno(linux.EACCES).For(sys.Openat).When(sys.Openat.Dirfd.Eq(linux.AT_FDCWD)),
		},
	})
	for _, c := range []struct {
		arch        dsl.Arch
		call        string
		verdicts    string
		rules       string
		cached      bool
		assumed     bool
		logged      string
		anotherGave bool
		err         string
	}{
		{call: "read", verdicts: "allow", rules: "rule 1", cached: true},
		{call: "openat flags=O_RDONLY", verdicts: "allow", rules: "rule 2"},
		{call: "openat AT_FDCWD NULL O_WRONLY|O_CREAT 0644", verdicts: "errno(EACCES)", rules: "rule 3"},
		{call: "openat 3 NULL O_WRONLY|O_CREAT 0644", verdicts: "kill process", rules: "Default"},
		{call: "openat flags=O_CREAT", verdicts: "errno(EACCES) if dirfd is AT_FDCWD; kill process otherwise", rules: "rule 3, Default", assumed: true},
		{call: "close 5", verdicts: "kill process", rules: "Default"},
		{call: "listns", verdicts: "errno(ENOSYS)", rules: "Newer"},
		{call: "600", verdicts: "errno(ENOSYS)", rules: "Newer"},
		{arch: dsl.I386, call: "3", verdicts: "allow", rules: "rule 1", cached: true},
		{arch: dsl.ARM64, call: "read", verdicts: "allow", rules: "rule 1", cached: true},
		{arch: dsl.X32, call: "write", verdicts: "kill thread", rules: "BadArch"},
		{arch: dsl.RISCV64, call: "read", err: "no filter for a kernel that runs riscv64; there is one for [amd64 i386 arm64]"},
		{arch: "vax", call: "read", err: `unknown architecture "vax"`},
		{call: "", err: "no call to explain"},
		{call: "type=1326 sig=31 arch=c00000b7 syscall=57 compat=0 ip=0x1 code=0x80000000", verdicts: "kill process", rules: "Default", logged: "kill process"},
		{call: "type=1326 sig=31 arch=c00000b7 syscall=57 compat=0 ip=0x1 code=0x7ffc0000", verdicts: "kill process", rules: "Default", logged: "log", anotherGave: true},
		{arch: dsl.AMD64, call: "type=1326 arch=c00000b7 syscall=57", err: "the audit record is about arm64, not amd64"},
	} {
		e, err := gen.Explain(filters, c.arch, c.call)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: got error %v, wanted %s", c.call, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.call, err)
			continue
		}
		var verdicts, rules []string
		for _, v := range e.Verdicts {
			text := v.Action
			switch v.When {
			case "":
			case "otherwise":
				text += " otherwise"
			default:
				text += " if " + v.When
			}
			verdicts = append(verdicts, text)
		}
		for _, r := range e.Rules {
			rules = append(rules, r.Text)
		}
		if got := strings.Join(verdicts, "; "); got != c.verdicts {
			t.Errorf("%s: got %s, wanted %s", c.call, got, c.verdicts)
		}
		if got := strings.Join(rules, ", "); got != c.rules {
			t.Errorf("%s: given by %s, wanted %s", c.call, got, c.rules)
		}
		if e.Cached != c.cached || e.Assumed != c.assumed || e.Logged != c.logged || e.Other != c.anotherGave {
			t.Errorf("%s: cached %v, assumed %v, logged %q, another's %v", c.call, e.Cached, e.Assumed, e.Logged, e.Other)
		}
		if last := e.Executed[len(e.Executed)-1].Text; last != "return "+e.Result {
			t.Errorf("%s: the path ends with %q, the result is %s", c.call, last, e.Result)
		}
	}
}

func TestAReasonHasTheAuthorsLines(t *testing.T) {
	filters := explained(t, policy(dsl.Allow.For(sys.Read), helper(sys.Write.Fd.Eq(dsl.Int(1)))))
	here := line() - 1
	e, err := gen.Explain(filters, "", "write 1")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("explain_test.go:%d", here); len(e.Rules) != 1 || !strings.Contains(e.Rules[0].Place, "mistakes_test.go:") || !strings.Contains(e.Rules[0].Place, want) {
		t.Errorf("got %v, wanted the helper's line and %s", e.Rules, want)
	}
}
