package gen_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/group"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/internal/load"
)

// readLog reads a log of strace 6.1 on Debian bookworm, with repetitions taken out.
func readLog(t *testing.T, name string) *gen.Profile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "strace", name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := gen.ReadStrace(name+".log", text, gen.StraceOptions{Arch: dsl.AMD64, Marker: "listen"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What is learned compiles and becomes filters, lint finds nothing in it, and what
// its author has to decide is said.
func TestLearnedPoliciesAreGenerated(t *testing.T) {
	dir := policyModule(t)
	for name, want := range map[string]struct {
		policies string
		remarks  []string
	}{
		"ls":        {"Run", nil},
		"git":       {"Run", []string{"openat may open any file to write"}},
		"hello":     {"Serve Start", []string{"group.GoRuntime"}},
		"memcached": {"Serve Start", []string{"openat may open any file to write", "group.GlibcThreads"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name, "policy.go")
			if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			o := gen.LearnOptions{Command: "secgen learn -strace " + name + ".log", File: name + ".json", Name: "Run"}
			remarks, err := gen.WriteLearned(t.Context(), path, readLog(t, name), o)
			if err != nil {
				t.Fatal(err)
			}
			if len(remarks) != len(want.remarks) {
				t.Errorf("remarks: %q", remarks)
			}
			for i, r := range want.remarks {
				if i < len(remarks) && !strings.Contains(remarks[i], r) {
					t.Errorf("%q, wanted one with %q", remarks[i], r)
				}
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if formatted, err := format.Source(text); err != nil || !bytes.Equal(formatted, text) {
				t.Errorf("not formatted: %v", err)
			}
			if again, _, err := gen.Learned(readLog(t, name), gen.LearnOptions{Package: name, Command: o.Command, File: o.File, Name: o.Name}); err != nil || !bytes.Equal(again, text) {
				t.Errorf("another text when written once more: %v", err)
			}
			pkg, err := load.Policies(t.Context(), load.Options{Dir: dir}, "./"+name)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			var names []string
			for _, p := range pkg.Policies {
				names = append(names, p.Name)
				if _, err := gen.Compile(p); err != nil {
					t.Errorf("%v\n%s", err, text)
				}
			}
			if got := strings.Join(slices.Sorted(slices.Values(names)), " "); got != want.policies {
				t.Errorf("the policies are %s", got)
			}
			found, err := gen.Lint(pkg.Policies...)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				t.Errorf("%s %s at %s: %v: %s", f.Severity, f.Rule, f.Where, f.Calls, f.Why)
			}
			if _, err := gen.WriteLearned(t.Context(), path, readLog(t, name), o); err == nil || !strings.Contains(err.Error(), "is there") {
				t.Errorf("it was written over: %v", err)
			}
		})
	}
}

// policyModule is the directory of a module in which policies can be written.
func policyModule(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOWORK", "off")
	dir := t.TempDir()
	mod := "module example.com/policies\n\ngo 1.26\n\nrequire github.com/secgen-dev/secgen v0.0.0\n\nreplace github.com/secgen-dev/secgen => " + root + "\n"
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// learned are the filters of what a profile becomes, by policy.
func learned(t interface{ Fatalf(string, ...any) }, p *gen.Profile) map[string][]gen.Filter {
	l, err := p.Policies("Policy")
	if err != nil {
		t.Fatalf("%v", err)
	}
	filters := map[string][]gen.Filter{}
	for _, policy := range l.Policies {
		if filters[policy.Name], err = gen.Compile(dsl.Named{Name: policy.Name, Policy: policy.Policy}); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return filters
}

const allowed = 0x7fff0000

func answerOf(t interface{ Fatalf(string, ...any) }, filters []gen.Filter, arch dsl.Arch, nr uint32, args [6]uint64) uint32 {
	for _, f := range filters {
		if ret, err := f.Answer(arch, nr, args); err == nil {
			return ret
		}
	}
	t.Fatalf("no filter for %s", arch)
	return 0
}

// call is one that a test's program made.
type call struct {
	phase string
	arch  dsl.Arch
	name  string
	args  [6]uint64
}

var someCalls = []string{"read", "close", "openat", "open", "mmap", "mmap", "mmap2", "mprotect", "clone", "socket", "socket", "socketpair", "ioctl", "fcntl", "fcntl64",
	"futex", "futex_time64", "prctl", "arch_prctl", "madvise", "kill", "sendmsg", "accept4", "setsockopt", "socketcall", "clock_nanosleep", "unlinkat", "renameat2",
	"pipe2", "personality", "fstat64", "fstat", "_llseek", "seccomp", "mount", "statx", "prlimit64", "mremap", "unshare", "copy_file_range", "execve", "brk"}

var someValues = []uint64{0, 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 16, 17, 38, 0x22, 0x32, 0x41, 0x80, 0x81, 0x89, 0x189, 0x241, 0x800, 0x802, 0x812, 0x4022, 0x80000, 0x80001, 0x80802,
	0x5401, 0x5413, 0x3d0f00, 0xd0f00, 0x1200011, 0x4111, 0x7f000000, 0x80000000, 0xffffffff, 0xffffff9c, 0x100000002, 0xffffffffffffff9c}

func aCall(arches []dsl.Arch) *rapid.Generator[call] {
	return rapid.Custom(func(t *rapid.T) call {
		c := call{
			phase: rapid.SampledFrom([]string{gen.PhaseStart, gen.PhaseServe, gen.PhaseServe, ""}).Draw(t, "phase"),
			arch:  rapid.SampledFrom(arches).Draw(t, "arch"),
			name:  rapid.SampledFrom(someCalls).Draw(t, "call"),
		}
		for i := range c.args {
			c.args[i] = rapid.SampledFrom(someValues).Draw(t, "value")
		}
		return c
	})
}

// run is some calls, with the profile of them.
type run struct {
	made    []call
	profile *gen.Profile
}

var aRun = rapid.Custom(func(t *rapid.T) run {
	arches := rapid.SampledFrom([][]dsl.Arch{
		{dsl.AMD64}, {dsl.AMD64}, {dsl.AMD64, dsl.I386}, {dsl.AMD64, dsl.ARM64}, {dsl.I386}, {dsl.ARM64, dsl.ARM}, {dsl.S390X}, {dsl.AMD64, dsl.MIPS}}).Draw(t, "arches")
	calls := rapid.SliceOfN(aCall(arches), 1, 12).Draw(t, "calls")
	if rapid.IntRange(0, 3).Draw(t, "many") == 0 { // values that are summed up
		for i := range uint64(40) {
			c := calls[0]
			for j := range c.args {
				c.args[j] ^= i*0x9e3779b9>>(5*j) | i<<8
			}
			calls = append(calls, c)
		}
	}
	counted := rapid.IntRange(0, 3).Draw(t, "counted") == 0
	r := run{profile: &gen.Profile{}}
	for _, c := range calls {
		nr, ok := abi.Lookup(string(c.arch)).Number(c.name)
		if !ok {
			continue
		}
		k := gen.ProfileKey{Program: "/bin/x", Phase: c.phase, Arch: c.arch, Number: nr}
		r.profile.Add(k, c.args)
		if counted && c.name == "socket" { // by something that does not look at arguments
			r.profile.AddCount(k, 1)
			for i := range c.args {
				c.args[i] += 12345
			}
		}
		r.made = append(r.made, c)
	}
	return r
})

// All that was seen is allowed, and no call that was not, but those that a run may not
// show.
func TestLearnedPoliciesAllowWhatWasSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := aRun.Draw(t, "run")
		if len(run.made) == 0 {
			t.Skip()
		}
		filters := learned(t, run.profile)
		names := map[string]bool{}  // by ABI; those of no ABI are on all
		if goThreads(run.profile) { // the rules begin with the group's
			for _, r := range group.GoRuntime {
				for _, call := range r.Calls {
					names[call.Name] = true
				}
			}
			names["clone3"] = true
		}
		for _, c := range run.made {
			names[string(c.arch)+" "+c.name] = true
			nr, _ := abi.Lookup(string(c.arch)).Number(c.name)
			for name, own := range filters {
				if name == "Serve" && c.phase == gen.PhaseStart {
					continue
				}
				if ret := answerOf(t, own, c.arch, nr, c.args); ret != allowed && !(goThreads(run.profile) && c.name == "prctl" && uint32(c.args[0]) == 0x53564d41) { // PR_SET_VMA, which the group fails
					t.Fatalf("%s: %+v gets %#x", name, c, ret)
				}
			}
		}
		for key := range maps.Clone(names) {
			arch, name, _ := strings.Cut(key, " ")
			for _, twin := range (dsl.Target{Name: name}).Twins() {
				names[arch+" "+twin.Name] = true
			}
		}
		for _, more := range []string{"restart_syscall", "exit", "exit_group", "rt_sigreturn", "sigreturn", "clock_gettime", "clock_getres", "gettimeofday", "time", "getcpu"} {
			names[more] = true
			for _, twin := range (dsl.Target{Name: more}).Twins() {
				names[twin.Name] = true
			}
		}
		for _, stage := range []string{"prctl", "seccomp", "mmap", "munmap"} { // for Serve, on top of Start
			names[stage] = names[stage] || len(filters) > 1
		}
		for _, arch := range run.profile.Arches() {
			for _, name := range abi.Calls() {
				nr, ok := abi.Lookup(string(arch)).Number(name)
				for policy, own := range filters {
					if ok && !names[name] && !names[string(arch)+" "+name] && answerOf(t, own, arch, nr, run.made[0].args) == allowed {
						t.Fatalf("%s: %s's %s was not seen, and is allowed", policy, arch, name)
					}
				}
			}
		}
	})
}

// The source that is written means what the policies do that the other tests look at.
func TestLearnedSourceMeansItsPolicies(t *testing.T) {
	dir := policyModule(t)
	for seed := range 8 {
		run := aRun.Example(seed)
		if len(run.made) == 0 {
			continue
		}
		name := fmt.Sprintf("p%d", seed)
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name, "policy.go")
		if _, err := gen.WriteLearned(t.Context(), path, run.profile, gen.LearnOptions{}); err != nil {
			t.Fatal(err)
		}
		pkg, err := load.Policies(t.Context(), load.Options{Dir: dir}, "./"+name)
		if err != nil {
			t.Fatal(err)
		}
		want := learned(t, run.profile)
		if len(pkg.Policies) != len(want) {
			t.Errorf("%d policies are written of %d", len(pkg.Policies), len(want))
		}
		for _, p := range pkg.Policies {
			got, err := gen.Compile(p)
			if err != nil {
				t.Fatal(err)
			}
			if changes, err := gen.Diff(want[p.Name], got); err != nil || len(changes) > 0 {
				t.Errorf("%s: %v %+v", p.Name, err, changes)
			}
		}
	}
}

// A call is allowed by the ABI by which it was made, with the arguments that it had there.
func TestLearnedPoliciesAllowCallsWhereTheyWereSeen(t *testing.T) {
	type made struct {
		arch dsl.Arch
		call string
		args [6]uint64
	}
	p := &gen.Profile{}
	for _, c := range []made{
		{dsl.AMD64, "openat", [6]uint64{0, 0, 0}}, {dsl.AMD64, "openat", [6]uint64{0, 0, 1}}, {dsl.I386, "openat", [6]uint64{0, 0, 0}},
		{dsl.AMD64, "write", [6]uint64{}}, {dsl.AMD64, "exit", [6]uint64{}}, {dsl.I386, "read", [6]uint64{}},
		{dsl.AMD64, "close", [6]uint64{}}, {dsl.I386, "close", [6]uint64{}}, {dsl.I386, "fcntl64", [6]uint64{0, 3}}, {dsl.AMD64, "newfstatat", [6]uint64{}},
	} {
		nr, ok := abi.Lookup(string(c.arch)).Number(c.call)
		if !ok {
			t.Fatal(c)
		}
		p.Add(gen.ProfileKey{Program: "/bin/x", Arch: c.arch, Number: nr}, c.args)
	}
	filters := learned(t, p)["Policy"]
	for c, want := range map[made]bool{
		{dsl.AMD64, "openat", [6]uint64{0, 0, 0}}: true, {dsl.AMD64, "openat", [6]uint64{0, 0, 1}}: true,
		{dsl.I386, "openat", [6]uint64{0, 0, 0}}: true, {dsl.I386, "openat", [6]uint64{0, 0, 1}}: false,
		{dsl.AMD64, "write", [6]uint64{}}: true, {dsl.I386, "write", [6]uint64{}}: false,
		{dsl.AMD64, "read", [6]uint64{}}: false, {dsl.I386, "read", [6]uint64{}}: true,
		{dsl.AMD64, "close", [6]uint64{}}: true, {dsl.I386, "close", [6]uint64{}}: true,
		{dsl.I386, "fcntl64", [6]uint64{0, 3}}: true, {dsl.I386, "fcntl", [6]uint64{0, 3}}: true, {dsl.AMD64, "fcntl", [6]uint64{0, 3}}: false,
		{dsl.AMD64, "newfstatat", [6]uint64{}}: true, {dsl.I386, "fstatat64", [6]uint64{}}: false,
		{dsl.AMD64, "exit", [6]uint64{}}: true, {dsl.I386, "exit", [6]uint64{}}: true, // needed though it was not seen
	} {
		nr, _ := abi.Lookup(string(c.arch)).Number(c.call)
		if got := answerOf(t, filters, c.arch, nr, c.args) == allowed; got != want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	text, _, err := gen.Learned(p, gen.LearnOptions{})
	if err != nil || !strings.Contains(string(text), "sys.Close,      // 2\n") ||
		!strings.Contains(string(text), "dsl.Allow.For(dsl.Twins(sys.Fcntl64)).When(sys.Fcntl64.Cmd.Eq(linux.F_GETFL)).On(dsl.I386)") {
		t.Errorf("%v\n%s", err, text)
	}
}

// As many values as a profile tells apart are named; of more, it is said that any is
// allowed.
func TestManyValuesAreLimitedOrToldOf(t *testing.T) {
	for _, n := range []uint64{32, 33} {
		p := &gen.Profile{}
		for i := range n {
			for call, args := range map[uint32][6]uint64{16: {0, 0x5400 + i}, 157: {i + 1}, 72: {0, 1000 + i}, 41: {i + 1, 1}, 3: {i}, 59: {}} { // ioctl, prctl, fcntl, socket, close, execve
				p.Add(gen.ProfileKey{Program: "/bin/x", Arch: dsl.AMD64, Number: call}, args)
			}
		}
		_, remarks, err := gen.Learned(p, gen.LearnOptions{})
		const many = "fcntl.cmd, ioctl.request, prctl.option, socket.domain: more different values than are kept, so any value is allowed."
		if err != nil || slices.Contains(remarks, many) != (n > 32) {
			t.Errorf("%d values: %v %q", n, err, remarks)
		}
		filters := learned(t, p)["Policy"]
		for call, args := range map[uint32][6]uint64{16: {0, 0x5412 + 100}, 157: {100}, 72: {0, 2000}, 41: {100, 1}} {
			if got := answerOf(t, filters, dsl.AMD64, call, args) == allowed; got != (n > 32) {
				t.Errorf("%d values: call %d with %v: %v", n, call, args, got)
			}
		}
	}
}

// What is learned can be loaded, or there is an error.
func TestLearnedIsSourceThatLoads(t *testing.T) {
	p := &gen.Profile{}
	p.AddCount(gen.ProfileKey{Arch: dsl.AMD64, Number: 0xffffffff}, 1)
	if text, _, err := gen.Learned(p, gen.LearnOptions{}); err != nil || !strings.Contains(string(text), "dsl.Number(-1)") {
		t.Errorf("%v\n%s", err, text)
	}
	openat := gen.ProfileKey{Arch: dsl.AMD64, Number: 257}
	p.AddKnown(openat, map[string]uint64{"flags": 0xffffffffff})
	if text, _, err := gen.Learned(p, gen.LearnOptions{}); err == nil || !strings.Contains(err.Error(), "openat") || !strings.Contains(err.Error(), "flags") {
		t.Errorf("%v\n%s", err, text)
	}
}

// Names that others chose are words of the documentation, and nothing else.
func TestLearnedDeclaresItsPoliciesAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }), rapid.SampledFrom([]string{
			"x\n\n\ty\nfunc init() { println(\"PWNED by name\") }\n\nz", "x\r\r\ty\rvar Z int", "+build ignore", "*/ func init() {} /*", "\n\n//go:build ignore\n", "a\u2028b"}))
		p := &gen.Profile{}
		for i := range rapid.IntRange(1, 6).Draw(t, "programs") {
			k := gen.ProfileKey{Program: name.Draw(t, "program"), Thread: name.Draw(t, "thread"), Arch: dsl.AMD64, Number: uint32(i)}
			k.Phase = rapid.SampledFrom([]string{"", gen.PhaseStart, gen.PhaseServe}).Draw(t, "phase")
			p.AddCount(k, 1)
		}
		o := gen.LearnOptions{Command: name.Draw(t, "command"), File: name.Draw(t, "file")}
		if k := p.Keys()[0]; rapid.Bool().Draw(t, "one") {
			o.Program = k.Program
		}
		text, remarks, err := gen.Learned(p, o)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), "policy.go", text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.IMPORT && (g.Tok != token.VAR ||
				!slices.Contains([]string{"Policy", "serve", "Serve", "Start"}, g.Specs[0].(*ast.ValueSpec).Names[0].Name)) {
				t.Fatalf("something else is declared:\n%s", text)
			}
		}
		if bytes.Contains(text, []byte("\n//go:")) || strings.ContainsFunc(strings.Join(remarks, ""), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q\n%s", remarks, text)
		}
	})
}

// The arguments that make a difference are limited to what was seen.
func TestLearnedPoliciesDenyWhatWasNotSeen(t *testing.T) {
	ls := learned(t, readLog(t, "ls"))["Policy"]
	memcached := learned(t, readLog(t, "memcached"))
	for text, test := range map[string]struct {
		filters []gen.Filter
		call    string
		args    [6]uint64
		want    uint32
	}{
		"open to read":                        {ls, "openat", [6]uint64{0xffffff9c, 1, 0x80000}, allowed},
		"open to write":                       {ls, "openat", [6]uint64{0xffffff9c, 1, 0x80001}, 0x80000000},
		"make a file":                         {ls, "openat", [6]uint64{0xffffff9c, 1, 0x80040}, 0x80000000},
		"map a library's code":                {ls, "mmap", [6]uint64{0, 4096, 5, 0x812, 3}, allowed},
		"make memory executable":              {ls, "mmap", [6]uint64{0, 4096, 5, 0x22, 0}, 0x80000000},
		"map memory writable and executable":  {ls, "mmap", [6]uint64{0, 4096, 7, 0x22, 0}, 0x80000000},
		"make what is mapped executable":      {ls, "mprotect", [6]uint64{0, 4096, 5}, 0x80000000},
		"type into the terminal":              {ls, "ioctl", [6]uint64{0, 0x5412}, 0x80000000},
		"ask the name service":                {ls, "socket", [6]uint64{1, 0x80801}, allowed},
		"connect to the network":              {ls, "socket", [6]uint64{2, 0x80801}, 0x80000000},
		"make a thread":                       {memcached["Start"], "clone", [6]uint64{0x3d0f00}, allowed},
		"make a process":                      {memcached["Start"], "clone", [6]uint64{0x1200011}, 0x80000000},
		"make a thread as clone3 does":        {memcached["Start"], "clone3", [6]uint64{1, 88}, 0x00050026},
		"ask netlink of routes":               {memcached["Start"], "socket", [6]uint64{16, 0x80003, 0}, allowed},
		"ask netlink of keys":                 {memcached["Start"], "socket", [6]uint64{16, 0x80003, 6}, 0x80000000},
		"accept once it serves":               {memcached["Serve"], "accept4", [6]uint64{3, 1, 1, 0x800}, allowed},
		"open a file once it serves":          {memcached["Serve"], "openat", [6]uint64{0xffffff9c, 1, 0}, 0x80000000},
		"execute another program":             {memcached["Serve"], "execve", [6]uint64{}, 0x80000000},
		"put Serve on top":                    {memcached["Start"], "seccomp", [6]uint64{1, 1}, allowed},
		"make a listener, which would give":   {memcached["Start"], "seccomp", [6]uint64{1, 8}, 0x80000000},
		"go without new privileges":           {memcached["Start"], "prctl", [6]uint64{38, 1}, allowed},
		"make a call newer than all of these": {ls, "", [6]uint64{}, 0x00050026},
	} {
		t.Run(text, func(t *testing.T) {
			nr, ok := abi.Lookup("amd64").Number(test.call)
			if !ok {
				nr = 500
			}
			if ret := answerOf(t, test.filters, dsl.AMD64, nr, test.args); ret != test.want {
				t.Errorf("%#x", ret)
			}
		})
	}
}

// One program of a profile is learned alone, and a profile without calls is nothing
// to learn from.
func TestLearnedIsForSomething(t *testing.T) {
	p := &gen.Profile{}
	if _, _, err := gen.Learned(p, gen.LearnOptions{}); err == nil || !strings.Contains(err.Error(), "no calls") {
		t.Errorf("of nothing was learned: %v", err)
	}
	p.AddCount(gen.ProfileKey{Program: "/usr/bin/a", Arch: dsl.AMD64, Number: 0}, 1)
	p.AddCount(gen.ProfileKey{Program: "/usr/bin/b", Arch: dsl.AMD64, Number: 59}, 1)
	p.AddCount(gen.ProfileKey{Program: "/usr/bin/b", Arch: dsl.AMD64, Number: 1}, 1234)
	p.AddCount(gen.ProfileKey{Program: "/usr/bin/b", Arch: dsl.AMD64, Number: 0x3fff}, 1)
	text, remarks, err := gen.Learned(p, gen.LearnOptions{Program: "b", Name: "B"})
	if err != nil || strings.Contains(string(text), "sys.Read,") || !strings.Contains(string(text), "sys.Write), // 1,234") ||
		!strings.Contains(string(text), "dsl.Allow.For(dsl.Number(16383)).On(dsl.AMD64)") {
		t.Errorf("%v\n%s", err, text)
	}
	if len(remarks) != 1 || !strings.Contains(remarks[0], "16383 (amd64)") {
		t.Errorf("%q", remarks)
	}
	if _, _, err := gen.Learned(p, gen.LearnOptions{Program: "c"}); err == nil || !strings.Contains(err.Error(), "no program c; it has a, b") {
		t.Errorf("%v", err)
	}
	if _, remarks, err := gen.Learned(p, gen.LearnOptions{}); err != nil || !strings.Contains(fmt.Sprint(remarks), "2 programs (a, b)") {
		t.Errorf("%v %q", err, remarks)
	}
	if _, _, err := gen.Learned(p, gen.LearnOptions{Name: "policy"}); err == nil {
		t.Error("a policy that no one can see")
	}
}

// What an author has to decide is said, and nothing of what is as it should be.
func TestLearnedSaysWhatToDecide(t *testing.T) {
	key := func(call string) gen.ProfileKey {
		nr, ok := abi.Lookup("amd64").Number(call)
		if !ok {
			t.Fatal(call)
		}
		return gen.ProfileKey{Program: "/bin/x", Arch: dsl.AMD64, Number: nr}
	}
	p := &gen.Profile{}
	p.Add(key("execve"), [6]uint64{})
	p.Add(key("mmap"), [6]uint64{0, 4096, 3, 0x22})
	p.Add(key("openat"), [6]uint64{0, 0, 0x80000})
	if _, remarks, err := gen.Learned(p, gen.LearnOptions{}); err != nil || len(remarks) > 0 {
		t.Errorf("%v %q", err, remarks)
	}
	p.Add(key("execve"), [6]uint64{})
	p.Add(key("mmap"), [6]uint64{0, 4096, 7, 0x22})
	p.Add(key("openat"), [6]uint64{0, 0, 0x80001})
	p.Add(key("openat2"), [6]uint64{})
	p.Add(key("clone3"), [6]uint64{1, 88})
	p.AddValue(key("clone3"), "flags", 0x200000011) // CLONE_INTO_CGROUP
	p.AddCount(key("ioctl"), 3)
	text, remarks, err := gen.Learned(p, gen.LearnOptions{})
	if err != nil || !strings.Contains(string(text), "dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Eq(linux.SIGCHLD)), // 1") {
		t.Errorf("%v\n%s", err, text)
	}
	for i, want := range []string{
		"arguments are not known, and what is not known limits nothing: ioctl.", "openat may open any file to write", "openat2 is allowed with all flags",
		"execve is allowed, 2 calls", "mmap made memory writable and executable", "flags that clone does not have",
	} {
		if i >= len(remarks) || !strings.Contains(remarks[i], want) {
			t.Fatalf("remark %d of %q should say that %s", i, remarks, want)
		}
	}
}

// A profile's counts are weights.
func TestProfilesAreCounts(t *testing.T) {
	text, err := readLog(t, "ls").MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	w, err := gen.ReadCounts("ls.json", text)
	if err != nil || w.Counts["execve"] != 1 || w.Counts["openat"] < 2 || w.Counts["reboot"] != 0 {
		t.Errorf("%v %v", w.Counts, err)
	}
	if _, err := gen.ReadCounts("ls.json", []byte(`{"secgen":"profile/9"}`)); err == nil {
		t.Error("a profile of another format was read")
	}
}

// goThreads reports whether a thread was made as the Go runtime makes them.
func goThreads(p *gen.Profile) bool {
	for _, k := range p.Keys() {
		for flags := range p.Call(k).Args["flags"].Seen {
			if strings.HasPrefix(k.Name(), "clone") && uint32(flags)&^0x80000 == 0x50f00 {
				return true
			}
		}
	}
	return false
}
