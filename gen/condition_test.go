package gen_test

import (
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
)

// Conditions are read off the programs, so they look alike however they were written.
func TestConditionsAreWordedBriefly(t *testing.T) {
	for _, test := range []struct {
		arch dsl.Arch
		call dsl.Call
		cond dsl.Cond
		want string
	}{
		{dsl.AMD64, sys.Write, sys.Write.Fd.In(linux.Stdout, linux.Stderr), "fd in {Stdout, Stderr}"},
		{dsl.AMD64, sys.Write, sys.Write.Count.Le(dsl.Int(0x100000005)), "count <= 0x100000005"},
		{dsl.S390X, sys.Write, sys.Write.Count.Gt(dsl.Int(0x100000005)), "count >= 0x100000006"},
		{dsl.AMD64, sys.Write, sys.Write.Count.Eq(dsl.Int(0x100000005)), "count is 0x100000005"},
		{dsl.AMD64, sys.Write, dsl.Any(sys.Write.Count.Between(dsl.Int(2), dsl.Int(5)), sys.Write.Count.Between(dsl.Int(6), dsl.Int(1<<33))), "count is 2 to 0x200000000"},
		{dsl.AMD64, sys.Lseek, sys.Lseek.Offset.Between(dsl.Int(-5), dsl.Int(1<<32)), "offset is -5 to 0x100000000"},
		{dsl.AMD64, sys.Lseek, sys.Lseek.Offset.Lt(dsl.Int(0)), "offset < 0"},
		{dsl.I386, sys.Fallocate, sys.Fallocate.Len.Gt(dsl.Int(1 << 33)), "len >= 0x200000001"},
		{dsl.PPC, sys.Fallocate, sys.Fallocate.Len.Eq(dsl.Int(1<<33 + 7)), "len is 0x200000007"},
		{dsl.AMD64, sys.Kill, sys.Kill.Pid.Gt(dsl.Int(0)), "pid > 0"},
		{dsl.AMD64, sys.Kill, sys.Kill.Pid.Ge(dsl.Int(-1000)), "pid >= -1000"},
		{dsl.AMD64, sys.Chmod, sys.Chmod.Mode.Lacks(linux.S_ISUID, linux.S_ISGID), "mode has none of 06000"},
		{dsl.AMD64, sys.Chmod, sys.Chmod.Mode.Le(dsl.Int(0o755)), "mode <= 0755"},
		{dsl.AMD64, sys.Mmap, sys.Mmap.Prot.Has(linux.PROT_EXEC), "prot has PROT_EXEC"},
		{dsl.AMD64, sys.Mmap, dsl.Not(sys.Mmap.Prot.Has(linux.PROT_EXEC, linux.PROT_WRITE)), "prot lacks some of PROT_WRITE|PROT_EXEC"},
		{dsl.AMD64, sys.Read, sys.Read.Buf.NotNull(), "buf is not null"},
		{dsl.AMD64, sys.Read, sys.Read.Buf.IsNull(), "buf is null"},
		{dsl.AMD64, sys.Accept4, sys.Accept4.Flags.Only(linux.SOCK_NONBLOCK, linux.SOCK_CLOEXEC), "flags has only bits of SOCK_NONBLOCK|SOCK_CLOEXEC"},
		{dsl.AMD64, sys.Openat, sys.Openat.Flags.Masked(linux.O_ACCMODE).Eq(linux.O_WRONLY), "flags & O_ACCMODE is O_WRONLY"},
		{dsl.AMD64, sys.Socket, sys.Socket.Type.Masked(linux.SOCK_TYPE_MASK).In(linux.SOCK_DGRAM, linux.SOCK_RAW), "type & SOCK_TYPE_MASK in {SOCK_DGRAM, SOCK_RAW}"},
		{dsl.MIPS64, sys.Socket, sys.Socket.Type.Eq(linux.SOCK_DGRAM), "type is SOCK_DGRAM"},
		{dsl.AMD64, sys.Clone, dsl.Any(sys.Clone.Flags.Lacks(linux.CLONE_NEWUSER), sys.Clone.Flags.Has(linux.CLONE_VM, linux.CLONE_THREAD)),
			"flags has CLONE_VM|CLONE_THREAD or flags lacks CLONE_NEWUSER"},
		{dsl.AMD64, sys.Socket, dsl.Any(dsl.All(sys.Socket.Domain.Eq(linux.AF_UNIX), sys.Socket.Protocol.Eq(dsl.Int(0))), dsl.All(sys.Socket.Domain.Eq(linux.AF_INET), sys.Socket.Protocol.Eq(dsl.Int(0)))),
			"domain in {AF_UNIX, AF_INET} and protocol is 0"},
		{dsl.AMD64, sys.Fcntl, dsl.Any(sys.Fcntl.Cmd.Eq(linux.F_GETFL), dsl.All(sys.Fcntl.Cmd.Eq(linux.F_SETFL), sys.Fcntl.Fd.Ge(dsl.Int(2)))),
			"cmd is F_GETFL, or fd >= 2 and cmd is F_SETFL"},
		{dsl.AMD64, sys.Socket, dsl.Raw(0).Eq(linux.AF_INET), "domain (64 bits) is AF_INET"},
		{dsl.AMD64, sys.Mmap, dsl.Raw(2).Masked(dsl.Int(0xffffffff)).Eq(linux.PROT_READ), "prot (lower half) is PROT_READ"},
		{dsl.AMD64, sys.Mmap, dsl.Not(dsl.Raw(2).Masked(dsl.Int(-1 << 32)).Eq(dsl.Int(0))), "prot (upper half) >= 1"},
		{dsl.AMD64, sys.Write, sys.Write.Count.Ge(dsl.Int(1 << 32)), "count >= 0x100000000"},
		{dsl.AMD64, sys.Mmap, dsl.All(dsl.Raw(2).Masked(dsl.Int(0xffffffff)).Eq(dsl.Int(3)), dsl.Raw(2).Ge(dsl.Int(1<<32))),
			"prot (lower half) is PROT_READ|PROT_WRITE and prot (upper half) >= 1"},
		{dsl.AMD64, sys.Socket, dsl.Raw(0).Gt(dsl.Int(0xffffffff)), "domain (upper half) >= 1"},
		{dsl.AMD64, sys.Openat, dsl.Raw(0).Eq(linux.AT_FDCWD), "dirfd (64 bits) is 0xffffffffffffff9c"},
	} {
		before := dsl.Policy{Arches: []dsl.Arch{test.arch}, Default: dsl.KillProcess, Rules: []dsl.Rule{dsl.Allow.For(sys.Getpid)}}
		after := before
		after.Rules = []dsl.Rule{dsl.Allow.For(sys.Getpid), dsl.Allow.For(test.call).When(test.cond)}
		changes, err := gen.Diff(explained(t, before), explained(t, after))
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) != 1 || changes[0].When != test.want {
			t.Errorf("got %v, wanted %s", changes, test.want)
		}
	}
}
