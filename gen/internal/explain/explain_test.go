package explain

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/program"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// compile makes the table and the program of the first family.
func compile(t testing.TB, p dsl.Policy) (table.Table, kernel.Program) {
	t.Helper()
	tables, err := table.Resolve(dsl.Named{Name: "Test", Policy: &p})
	if err != nil {
		t.Fatal(err)
	}
	root, _, err := tree.Build(tables[0], tree.Weights{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	insns, _ := program.Lower(root)
	return tables[0], insns
}

func TestCallsAreReadAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct {
		name, arch, text string
		lo, hi           map[int]uint32 // by slot; what is not here is not known
		err              string
	}{
		{name: "names and constants", arch: "amd64", text: "openat dirfd=AT_FDCWD flags=O_WRONLY|O_CREAT",
			lo: map[int]uint32{0: 0xffffff9c, 2: 0x41}},
		{name: "a constant of another value", arch: "mips", text: "openat flags=O_CREAT",
			lo: map[int]uint32{2: 0x100}, hi: map[int]uint32{0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0}},
		{name: "in order", arch: "amd64", text: "write 1 0x10 -1",
			lo: map[int]uint32{0: 1, 1: 0x10, 2: 0xffffffff}, hi: map[int]uint32{1: 0, 2: 0xffffffff}},
		{name: "big-endian halves are found", arch: "s390x", text: "write args[2]=0x500000001",
			lo: map[int]uint32{2: 1}, hi: map[int]uint32{2: 5}},
		{name: "by number", arch: "amd64", text: "0x101 AT_FDCWD", lo: map[int]uint32{0: 0xffffff9c}},
		{name: "a number without a name", arch: "amd64", text: "5000 7", lo: map[int]uint32{0: 7}, hi: map[int]uint32{0: 0}},
		{name: "an argument in two registers", arch: "i386", text: "truncate64 length=0x100000002",
			lo: map[int]uint32{1: 2, 2: 1}, hi: map[int]uint32{0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0}},
		{name: "a null pointer", arch: "amd64", text: "unlink NULL", lo: map[int]uint32{0: 0}, hi: map[int]uint32{0: 0}},

		{name: "a typo", arch: "amd64", text: "opennat", err: "no call opennat on amd64; did you mean openat"},
		{name: "nothing like it", arch: "amd64", text: "zzzzzzzzz", err: "no call zzzzzzzzz on amd64"},
		{name: "another ABI's call", arch: "arm64", text: "open", err: "arm64 has no call open; these have: amd64, i386"},
		{name: "an unknown argument", arch: "amd64", text: "openat flaggs=1", err: "amd64: openat (257) has no argument flaggs: it has dirfd, pathname, flags, mode"},
		{name: "one too many", arch: "amd64", text: "close 1 2", err: `"2" is one argument too many: it has fd`},
		{name: "twice", arch: "amd64", text: "close 1 fd=2", err: "fd is given twice"},
		{name: "an unknown constant", arch: "amd64", text: "openat flags=O_FOO", err: `flags: "O_FOO" is no number and no constant`},
		{name: "too large", arch: "amd64", text: "chmod mode=0x10000", err: "0x10000 does not fit its 16 bits"},
		{name: "too small", arch: "amd64", text: "close -2147483649", err: "does not fit its 32 bits"},
		{name: "no call", arch: "amd64", text: "fd=1", err: "name the call before it"},
		{name: "no number of a call", arch: "amd64", text: "0x100000000", err: "no number that a call can have"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(abi.Lookup(c.arch), strings.Fields(c.text))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got error %v, wanted %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for slot := range slots {
				lo, hi := got.slotWords(slot)
				for w, want := range map[table.Word]map[int]uint32{lo: c.lo, hi: c.hi} {
					v, known := want[slot]
					if got.known[w] != known || got.words[w] != v {
						t.Errorf("slot %d, word %d: got %#x, known %v; wanted %#x, %v", slot, w, got.words[w], got.known[w], v, known)
					}
				}
			}
		})
	}
}

func TestAuditRecordsAreRead(t *testing.T) {
	const record = `type=1326 audit(1700000000.123:45): auid=1000 pid=7 comm="x" exe="/x" sig=31 arch=%A syscall=%S compat=0 ip=0x7f00 code=0x80000000`
	for _, c := range []struct{ arch, call, want, name, err string }{
		{arch: "c000003e", call: "435", want: "amd64", name: "clone3"},
		{arch: "c000003e", call: "1073741825", want: "x32", name: "write"},
		{arch: "40000003", call: "4", want: "i386", name: "write"},
		{arch: "c000003e", call: "-1", want: "amd64"},
		{arch: "x86_64", call: "clone3", err: "without ausearch's -i"},
		{arch: "c000003e", call: "clone3", err: "without ausearch's -i"},
		{arch: "deadbeef", call: "1", err: "no architecture that secgen knows"},
	} {
		text := strings.NewReplacer("%A", c.arch, "%S", c.call).Replace(record)
		for _, words := range [][]string{{text}, strings.Fields(text)} {
			if !IsRecord(words) {
				t.Fatalf("%q is no record", words)
			}
			got, err := ParseRecord(words)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%s %s: got error %v, wanted %s", c.arch, c.call, err, c.err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s %s: %v", c.arch, c.call, err)
				continue
			}
			if c.call == "-1" { // belongs to either
				if got.Nr != skipped {
					t.Errorf("number %d", got.Nr)
				}
				continue
			}
			if got.Arch.Name != c.want || got.Name != c.name || *got.Logged != 0x80000000 {
				t.Errorf("%s %s: got %s, logged %#x", c.arch, c.call, got.Title(), *got.Logged)
			}
		}
	}
	if IsRecord([]string{"openat", "flags=1"}) {
		t.Error("a call is no record")
	}
}

// Whatever is known of a call, the answers are those that the program gives to
// some arguments, and the rules that may decide give all of them.
func TestAnswersAndRulesAgreeWithTheProgram(t *testing.T) {
	tbl, p := compile(t, dsl.Policy{
		Arches: []dsl.Arch{dsl.AMD64, dsl.I386}, Default: dsl.KillProcess, BadArch: dsl.KillThread,
		Newer: dsl.Newer{Than: sys.Mseal, Action: dsl.Errno(linux.ENOSYS)},
		Rules: []dsl.Rule{
			dsl.Allow.For(sys.Kill).When(dsl.Any(sys.Kill.Pid.Lt(dsl.Int(-2)), sys.Kill.Sig.Between(dsl.Int(1), dsl.Int(3)))),
			dsl.Log.For(sys.Kill).When(dsl.Not(sys.Kill.Pid.Eq(dsl.Int(1)))),
			dsl.Trap(3).For(sys.Lseek).When(sys.Lseek.Offset.Gt(dsl.Int(1<<30)), sys.Lseek.Whence.Eq(dsl.Int(1))),
			dsl.Allow.For(sys.Lseek).When(sys.Lseek.Offset.Le(dsl.Int(5))),
			dsl.Allow.For(sys.Openat).When(sys.Openat.Flags.Has(linux.O_CREAT)),
			dsl.Errno(linux.EPERM).For(sys.Openat),
			dsl.Allow.For(sys.Read),
		},
	})
	calls := []string{"kill", "lseek", "openat", "read", "close", "listns"}
	values := []uint32{0, 1, 2, 3, 5, 6, 0x40, 0x41, 1 << 30, 0x7fffffff, 0x80000000, 0xfffffffd, 0xffffffff}
	rapid.Check(t, func(t *rapid.T) {
		arch := abi.Lookup(rapid.SampledFrom([]string{"amd64", "i386", "x32"}).Draw(t, "arch"))
		nr, ok := arch.Number(rapid.SampledFrom(calls).Draw(t, "call"))
		if !ok {
			nr = 600
		}
		c := Unknown(arch, nr)
		data := c.words // with all that is not known filled in
		for w := argumentWords; w < 16; w++ {
			if c.known[w] {
				continue
			}
			data[w] = rapid.SampledFrom(values).Draw(t, "value")
			if rapid.Bool().Draw(t, "known") {
				c.set(w, data[w])
			}
		}
		ret, _ := kernel.Run(p, data)
		list, err := Answers(c, p)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(list, func(a Answer) bool { return a.Ret == ret }) {
			t.Fatalf("the program answers %#x, which is not in %v", ret, list)
		}
		rules := Rules(tbl, c)
		for _, a := range list {
			if !slices.ContainsFunc(rules, func(r Rule) bool { return r.Ret == a.Ret }) {
				t.Fatalf("no rule of %v gives %v", rules, a)
			}
		}
		full := c
		for w := range full.known {
			full.known[w] = true
		}
		full.words = data
		if rules = Rules(tbl, full); len(rules) != 1 || rules[0].Ret != ret {
			t.Fatalf("the rules %v do not give %#x", rules, ret)
		}
		if list, err = Answers(full, p); err != nil || len(list) != 1 || list[0] != (Answer{Ret: ret}) {
			t.Fatalf("got %v, %v, wanted %#x alone", list, err, ret)
		}
		got, steps, assumed := Path(p, full)
		if _, executed := kernel.Run(p, data); got != ret || len(steps) != executed || assumed {
			t.Fatalf("the path of %d instructions gives %#x, the program %#x in %d", len(steps), got, ret, executed)
		}
		if last := p[steps[len(steps)-1].PC]; last.Op != kernel.Return || last.K != ret {
			t.Fatalf("the path ends at %v", last)
		}
	})
}

func TestAPathGoesThroughEveryKindOfInstruction(t *testing.T) {
	p := kernel.Program{
		{Op: kernel.LoadWord, K: 16}, // args[0], lower half
		{Op: kernel.And, K: 0xff},
		{Op: kernel.ToX},
		{Op: kernel.LoadWord, K: 24},
		{Op: kernel.Store, K: 3},
		{Op: kernel.JumpGreater | kernel.UseX, Jt: 0, Jf: 4}, // args[1] > args[0] & 0xff
		{Op: kernel.LoadMem, K: 3},
		{Op: kernel.Div | kernel.UseX},
		{Op: kernel.Jump, K: 0},
		{Op: kernel.ReturnA},
		{Op: kernel.Return, K: kernel.RetAllow},
	}
	if err := kernel.Check(p); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"dup2 0x105 9": "0 load oldfd|1 A = oldfd & 0xff|2 X = (oldfd & 0xff)|3 load newfd|4 M[3] = newfd|5 newfd > X? yes|6 load M[3]|7 A = A / X|8 go on|9 return A",
		"dup2 5 4":     "0 load oldfd|1 A = oldfd & 0xff|2 X = (oldfd & 0xff)|3 load newfd|4 M[3] = newfd|5 newfd > X? no, to 10|10 return allow",
		"dup2 0 4":     "0 load oldfd|1 A = oldfd & 0xff|2 X = (oldfd & 0xff)|3 load newfd|4 M[3] = newfd|5 newfd > X? yes|6 load M[3]|7 A = A / X", // division by zero ends it
	} {
		c, err := Parse(abi.Lookup("amd64"), strings.Fields(text))
		if err != nil {
			t.Fatal(err)
		}
		_, steps, assumed := Path(p, c)
		var got []string
		for _, s := range steps {
			got = append(got, fmt.Sprint(s.PC, " ", s.Text))
		}
		if strings.Join(got, "|") != want || assumed {
			t.Errorf("%s:\ngot    %s\nwanted %s", text, strings.Join(got, "|"), want)
		}
	}
}

func TestNearNamesAreTheClosestFirst(t *testing.T) {
	names := []string{"open", "openat", "openat2", "close", "read", "pread64"}
	if got := near("opennat", names); !slices.Equal(got, []string{"openat", "openat2"}) {
		t.Error(got)
	}
	if got := near("raed", names); len(got) > 0 {
		t.Error(got)
	}
	if got := near("reed", names); !slices.Equal(got, []string{"read"}) {
		t.Error(got)
	}
}

func TestBigEndianHalvesGoWhereTheKernelPutsThem(t *testing.T) {
	_, p := compile(t, dsl.Policy{
		Arches: []dsl.Arch{dsl.S390X}, Default: dsl.KillProcess,
		Rules: []dsl.Rule{dsl.Allow.For(sys.Write).When(sys.Write.Count.Eq(dsl.Int(0x500000001)))},
	})
	for text, want := range map[string]uint32{
		"write count=0x500000001":   kernel.RetAllow,
		"write args[2]=0x500000001": kernel.RetAllow,
		"write count=0x100000005":   0x80000000,
	} {
		c, err := Parse(abi.Lookup("s390x"), strings.Fields(text))
		if err != nil {
			t.Fatal(err)
		}
		if list, err := Answers(c, p); err != nil || len(list) != 1 || list[0].Ret != want {
			t.Errorf("%s: got %v, %v, wanted %#x", text, list, err, want)
		}
		if ret, _, _ := Path(p, c); ret != want {
			t.Errorf("%s: the path gives %#x, wanted %#x", text, ret, want)
		}
	}
}

func TestTheShareOfASetIsThatOfItsWords(t *testing.T) {
	for _, c := range []struct {
		set  meaning.Set
		want float64
	}{
		{meaning.Set{Spans: []meaning.Span{{Lo: 0, Hi: 0xffffffff}}}, 1},
		{meaning.Set{Spans: []meaning.Span{{Lo: 0, Hi: 0x7fffffff}, {Lo: 0xc0000000, Hi: 0xffffffff}}}, 0.75},
		{meaning.Set{Not: true, Cubes: []meaning.Cube{{Mask: 3, Value: 1}, {Mask: 3, Value: 2}}}, 0.5},
		{meaning.Set{Not: true, Cubes: []meaning.Cube{{Mask: 7, Value: 1}}}, 0.875},
	} {
		if got := shareOf(c.set); got != c.want {
			t.Errorf("%v: got %v, wanted %v", c.set, got, c.want)
		}
	}
}
