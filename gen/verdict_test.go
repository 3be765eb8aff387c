package gen_test

import (
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// abis are facts of linux/audit.h and the system call tables, written down here
// again so that a mistake in the project's own tables is seen.
var abis = map[dsl.Arch]struct {
	audit                                         uint32
	big                                           bool
	read, write, kill, chmod, pread64, brk, clone uint32
}{
	dsl.AMD64: {0xc000003e, false, 0, 1, 62, 90, 17, 12, 56},
	dsl.I386:  {0x40000003, false, 3, 4, 37, 15, 180, 45, 120},
	dsl.ARM:   {0x40000028, false, 3, 4, 37, 15, 180, 45, 120},
	dsl.MIPS:  {0x00000008, true, 4003, 4004, 4037, 4015, 4200, 4045, 4120},
	dsl.S390X: {0x80000016, true, 3, 4, 37, 15, 180, 45, 120},
}

// data is struct seccomp_data for arguments given as whole slots.
func data(arch dsl.Arch, nr uint32, slots ...uint64) (d [16]uint32) {
	d[0], d[1] = nr, abis[arch].audit
	for i, v := range slots {
		lo, hi := 4+2*i, 5+2*i
		if abis[arch].big {
			lo, hi = hi, lo
		}
		d[lo], d[hi] = uint32(v), uint32(v>>32)
	}
	return d
}

// What conditions mean, ABI by ABI, on both sides of every turning point.
func TestConditionsMeanWhatTheySay(t *testing.T) {
	const high = 0xdead00000000 // rubbish in the upper half of a register
	minus := func(n int64) uint64 { return uint64(-n) }
	for _, c := range []struct {
		call   dsl.Call
		cond   dsl.Cond
		arch   dsl.Arch
		slot   int
		holds  []uint64
		others []uint64
	}{
		{sys.Write, sys.Write.Fd.Eq(dsl.Int(2)), dsl.AMD64, 0, []uint64{2, 2 | high}, []uint64{1, 3, 2 << 32}},
		{sys.Write, sys.Write.Fd.NotIn(dsl.Int(1), dsl.Int(2)), dsl.S390X, 0, []uint64{0, 3, high}, []uint64{1, 2, 2 | high}},
		{sys.Kill, sys.Kill.Pid.Lt(dsl.Int(0)), dsl.AMD64, 0, []uint64{minus(1), 0xffffffff, 0x80000000}, []uint64{0, 1, 0x7fffffff}},
		{sys.Kill, sys.Kill.Pid.Le(dsl.Int(-2)), dsl.MIPS, 0, []uint64{minus(2), 0x80000000}, []uint64{minus(1), 0, 5}},
		{sys.Kill, sys.Kill.Pid.Gt(dsl.Int(-1)), dsl.ARM, 0, []uint64{0, 0x7fffffff}, []uint64{0xffffffff, 0x80000000}},
		{sys.Kill, sys.Kill.Pid.Ge(dsl.Int(1)), dsl.S390X, 0, []uint64{1, 1 | high}, []uint64{0, minus(1)}},
		{sys.Kill, sys.Kill.Pid.Between(dsl.Int(-1), dsl.Int(1)), dsl.I386, 0, []uint64{0xffffffff, 0, 1}, []uint64{0xfffffffe, 2}},
		{sys.Chmod, sys.Chmod.Mode.Le(dsl.Int(0o755)), dsl.AMD64, 1, []uint64{0o755, 0x10000 | 0o755, 0}, []uint64{0o756, 0xffff}},
		{sys.Chmod, sys.Chmod.Mode.Has(dsl.Int(0o600)), dsl.MIPS, 1, []uint64{0o600, 0o644}, []uint64{0o400, 0o200}},
		{sys.Write, sys.Write.Count.Lt(dsl.Int(1 << 33)), dsl.AMD64, 2, []uint64{0, 1<<33 - 1}, []uint64{1 << 33, 1 << 34, 1 << 63}},
		{sys.Write, sys.Write.Count.Le(dsl.Int(4096)), dsl.I386, 2, []uint64{4096, 4096 | high}, []uint64{4097, 0xffffffff}},
		{sys.Write, sys.Write.Count.Gt(dsl.Int(1 << 33)), dsl.S390X, 2, []uint64{1<<33 + 1, 1 << 63}, []uint64{1 << 33, 5}},
		{sys.Pread64, sys.Pread64.Offset.Lt(dsl.Int(0)), dsl.AMD64, 3, []uint64{minus(1), 1 << 63}, []uint64{0, 1<<63 - 1}},
		{sys.Pread64, sys.Pread64.Offset.Ge(dsl.Int(-1)), dsl.S390X, 3, []uint64{minus(1), 0, 1<<63 - 1}, []uint64{minus(2), 1 << 63}},
		{sys.Brk, sys.Brk.Addr.In(dsl.Int(0), dsl.Int(1<<32)), dsl.AMD64, 0, []uint64{0, 1 << 32}, []uint64{1, 1<<32 + 1, 1 << 33}},
		{sys.Clone, sys.Clone.Flags.Has(linux.CLONE_VM, linux.CLONE_THREAD), dsl.AMD64, 0, []uint64{0x10100, 0x10100 | high, 0xffffffff}, []uint64{0x100, 0x10000}},
		{sys.Clone, sys.Clone.Flags.Lacks(linux.CLONE_NEWUSER), dsl.S390X, 1, []uint64{0, 0x10000000 << 1}, []uint64{0x10000000, 0x10000000 | high}},
		{sys.Clone, sys.Clone.Flags.Only(linux.CLONE_VM), dsl.ARM, 0, []uint64{0, 0x100}, []uint64{0x101, 0x80000000}},
		{sys.Read, sys.Read.Buf.IsNull(), dsl.AMD64, 1, []uint64{0}, []uint64{1, 1 << 32}},
		{sys.Read, sys.Read.Buf.NotNull(), dsl.S390X, 1, []uint64{1, 1 << 63}, []uint64{0}},
		{sys.Read, dsl.Raw(2).Eq(dsl.Int(5)), dsl.AMD64, 2, []uint64{5}, []uint64{5 | high}},
		{sys.Read, dsl.Raw(2).Eq(dsl.Int(5)), dsl.MIPS, 2, []uint64{5, 5 | high}, []uint64{6}},
		{sys.Read, dsl.Not(dsl.Raw(2).Masked(dsl.Int(0xf0)).In(dsl.Int(0), dsl.Int(0x10))), dsl.I386, 2, []uint64{0x20, 0xff}, []uint64{0, 0x1f, 0x100}},
	} {
		p := dsl.Policy{Arches: []dsl.Arch{c.arch}, Default: dsl.KillProcess, Rules: []dsl.Rule{dsl.Allow.For(c.call).When(c.cond)}}
		filters, err := gen.Compile(dsl.Named{Name: "P", Policy: &p})
		if err != nil {
			t.Errorf("%+v: %v", c.cond, err)
			continue
		}
		name := dsl.Allow.For(c.call).Calls[0].Name
		a := abis[c.arch]
		nr := map[string]uint32{"read": a.read, "write": a.write, "kill": a.kill, "chmod": a.chmod, "pread64": a.pread64, "brk": a.brk, "clone": a.clone}[name]
		for want, values := range map[uint32][]uint64{0x7fff0000: c.holds, 0x80000000: c.others} {
			for _, v := range values {
				slots := make([]uint64, 6)
				slots[c.slot] = v
				if got, _ := kernel.Run(filters[0].Program, data(c.arch, nr, slots...)); got != want {
					t.Errorf("%s %s: slot %d = %#x: %#x, wanted %#x, for %+v", c.arch, name, c.slot, v, got, want, c.cond)
				}
			}
		}
	}
}

// A 64-bit argument of a 32-bit ABI lies in two slots, which differ.
func TestSplitArgumentsAreReadFromBothSlots(t *testing.T) {
	for _, c := range []struct {
		arch   dsl.Arch
		lo, hi int
	}{{dsl.I386, 3, 4}, {dsl.ARM, 4, 5}, {dsl.MIPS, 5, 4}} {
		p := dsl.Policy{Arches: []dsl.Arch{c.arch}, Default: dsl.KillProcess,
			Rules: []dsl.Rule{dsl.Allow.For(sys.Pread64).When(sys.Pread64.Offset.Between(dsl.Int(1<<32+5), dsl.Int(3<<32)))}}
		filters, err := gen.Compile(dsl.Named{Name: "P", Policy: &p})
		if err != nil {
			t.Fatal(err)
		}
		for v, want := range map[uint64]uint32{
			1<<32 + 4: 0x80000000, 1<<32 + 5: 0x7fff0000, 2 << 32: 0x7fff0000, 3 << 32: 0x7fff0000, 3<<32 + 1: 0x80000000, 5: 0x80000000, 1 << 63: 0x80000000,
		} {
			slots := make([]uint64, 6)
			slots[c.lo], slots[c.hi] = v&0xffffffff, v>>32
			if got, _ := kernel.Run(filters[0].Program, data(c.arch, abis[c.arch].pread64, slots...)); got != want {
				t.Errorf("%s: offset %#x: %#x, wanted %#x", c.arch, v, got, want)
			}
		}
	}
}

// Newer answers numbers that no rule names, and those alone.
func TestNewerLeavesNamedCallsToTheirRulesAndTheDefault(t *testing.T) {
	p := dsl.Policy{
		Arches: []dsl.Arch{dsl.AMD64, dsl.X32}, Default: dsl.KillProcess,
		Newer: dsl.Newer{Than: sys.Statmount, Action: dsl.Errno(linux.ENOSYS)},
		Rules: []dsl.Rule{
			dsl.Allow.For(sys.Read),
			dsl.Allow.For(sys.Mseal).When(sys.Mseal.Flags.Eq(dsl.Int(0))),
		},
	}
	filters, err := gen.Compile(dsl.Named{Name: "P", Policy: &p})
	if err != nil {
		t.Fatal(err)
	}
	const kill, allow, enosys = 0x80000000, 0x7fff0000, 0x00050026
	for _, c := range []struct {
		nr   uint32
		arg  uint64
		want uint32
	}{
		{0, 0, allow}, {1, 0, kill}, // named, and older without a name
		{457, 0, kill}, {458, 0, enosys}, {470, 0, enosys}, // statmount and what follows
		{462, 0, allow}, {462, 1, kill}, // mseal is named: its condition decides, and then the default
		{511, 0, enosys}, {512, 0, kill}, {547, 0, kill}, {548, 0, enosys}, // x32's own range
		{0x3fffffff, 0, enosys}, {0xffffffff, 0, kill}, // the last number, and a call that a tracer skipped
		{0x40000000 | 457, 0, kill}, {0x40000000 | 458, 0, enosys}, {0x40000000 | 520, 0, kill}, {0x80000000, 0, kill},
	} {
		slots := []uint64{0, 0, c.arg, 0, 0, 0}
		if got, _ := kernel.Run(filters[0].Program, data(dsl.AMD64, c.nr, slots...)); got != c.want {
			t.Errorf("number %#x, flags %d: %#x, wanted %#x", c.nr, c.arg, got, c.want)
		}
	}
}
