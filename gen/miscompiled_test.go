package gen_test

import (
	"encoding/binary"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// Programs that other generators made, or would have made, of these policies.
// What differs is listed whole, so a program is wrong in that alone.
func TestDiffFindsKnownMiscompilations(t *testing.T) {
	requests := make([]dsl.Value, 127)
	for i := range requests {
		requests[i] = dsl.Int(0x5401 + i)
	}
	for file, test := range map[string]struct {
		intended dsl.Policy
		want     []gen.Change
	}{
		"shared-comparison": {
			dsl.Policy{Default: dsl.KillThread, BadArch: dsl.KillThread, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Times).When(dsl.Raw(0).Gt(dsl.Int(0x100000005))),
				dsl.Allow.For(sys.Times).When(dsl.Raw(0).Lt(dsl.Int(2))),
			}},
			[]gen.Change{{Kind: "widened", Arch: dsl.AMD64, Call: "times", When: "buf is 2 to 0xffffffff",
				Old: "kill thread", New: "allow", Witness: "times(buf=0x2)"}},
		},
		"truncated-jump": {
			dsl.Policy{Default: dsl.KillProcess, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.In(requests...)),
				dsl.Errno(linux.ENOTTY).For(sys.Ioctl),
			}},
			[]gen.Change{
				{Kind: "widened", Arch: dsl.AMD64, Call: "write", When: "buf (lower half) is 0x5401 to 0x547f",
					Old: "kill process", New: "allow", Witness: "write(fd=0x0, buf=0x5401, count=0x0)"},
				{Kind: "changed", Arch: dsl.AMD64, Call: "write", When: "buf (lower half) is not 0x5401 to 0x547f",
					Old: "kill process", New: "errno(ENOTTY)", Witness: "write(fd=0x0, buf=0x0, count=0x0)"},
			},
		},
		"halves": {
			dsl.Policy{Default: dsl.KillProcess, Rules: []dsl.Rule{
				dsl.Allow.For(sys.Read).When(sys.Read.Count.Lt(dsl.Int(0x100000010))),
			}},
			[]gen.Change{{Kind: "widened", Arch: dsl.AMD64, Call: "read", When: "count (lower half) <= 0xf and count (upper half) >= 2",
				Old: "kill process", New: "allow", Witness: "read(fd=0x0, buf=0x0, count=0x200000000)"}},
		},
		"full-width": {
			dsl.Policy{Default: dsl.Allow, Rules: []dsl.Rule{
				dsl.Errno(linux.EPERM).For(sys.Ioctl).When(sys.Ioctl.Request.Eq(linux.TIOCSTI)),
			}},
			[]gen.Change{{Kind: "widened", Arch: dsl.AMD64, Call: "ioctl", When: "request is TIOCSTI and request (upper half) >= 1",
				Old: "errno(EPERM)", New: "allow", Witness: "ioctl(fd=0x0, request=0x100005412, argp=0x0)"}},
		},
	} {
		t.Run(file, func(t *testing.T) {
			test.intended.Arches = []dsl.Arch{dsl.AMD64}
			intended, err := gen.Compile(dsl.Named{Name: "Intended", Policy: &test.intended})
			if err != nil {
				t.Fatal(err)
			}
			wrong, err := gen.Read(file, assembled(t, "testdata/miscompiled/"+file+".txt"), gen.ReadOptions{Arch: dsl.AMD64})
			if err != nil {
				t.Fatal(err)
			}
			got, err := gen.Diff(intended, wrong)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			for _, c := range got {
				confirm(t, c, intended[0], wrong[0])
			}
		})
	}
}

// confirm runs both programs on a change's witness.
func confirm(t *testing.T, c gen.Change, old, new gen.Filter) {
	arch := abi.Lookup(string(c.Arch))
	name, list, _ := strings.Cut(strings.TrimSuffix(c.Witness, ")"), "(")
	nr, ok := arch.Number(name)
	if !ok {
		t.Fatalf("the witness %s is no call", c.Witness)
	}
	var args [6]uint64
	for text := range strings.SplitSeq(list, ", ") {
		arg, value, _ := strings.Cut(text, "=")
		v, err := strconv.ParseUint(value, 0, 64)
		slot := -1
		for _, a := range arch.Args(name) {
			if a.Name == arg {
				slot = a.Slot
			}
		}
		if err != nil || slot < 0 {
			t.Fatalf("%s of the witness %s is no argument", text, c.Witness)
		}
		args[slot] = v
	}
	rets := map[string]uint32{"allow": 0x7fff0000, "kill process": 0x80000000, "kill thread": 0,
		"errno(EPERM)": 0x00050001, "errno(ENOTTY)": 0x00050019}
	for f, want := range map[*gen.Filter]string{&old: c.Old, &new: c.New} {
		ret, known := rets[want]
		if got, _ := kernel.Run(f.Program, words(arch, nr, args)); !known || got != ret {
			t.Errorf("%s answers %#x to %s, not %s", f.Policy, got, c.Witness, want)
		}
	}
}

// assembled is a table of instructions, a line each with their four numbers, as
// the bytes that a raw program on a little-endian machine has.
func assembled(t *testing.T, file string) []byte {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var program []byte
	for i, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		var n [4]uint64
		for j, bits := range []int{16, 8, 8, 32} {
			if len(fields) != len(n) {
				t.Fatalf("%s:%d: %q is no instruction", file, i+1, line)
			}
			if n[j], err = strconv.ParseUint(fields[j], 0, bits); err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
		}
		program = binary.LittleEndian.AppendUint16(program, uint16(n[0]))
		program = append(program, byte(n[1]), byte(n[2]))
		program = binary.LittleEndian.AppendUint32(program, uint32(n[3]))
	}
	return program
}
