package explain

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// FuzzCall: whatever is read as a call or as an audit record, and whatever is not
// known of it, the interpreter gives one of the answers, and the path ends with its.
func FuzzCall(f *testing.F) {
	_, p := compile(f, dsl.Policy{
		Arches: []dsl.Arch{dsl.AMD64, dsl.I386}, Default: dsl.KillProcess,
		Rules: []dsl.Rule{
			dsl.Allow.For(sys.Read),
			dsl.Allow.For(sys.Openat).When(sys.Openat.Flags.Lacks(linux.O_CREAT)),
			dsl.Errno(linux.EACCES).For(sys.Openat).When(sys.Openat.Dirfd.Eq(linux.AT_FDCWD)),
			dsl.Allow.For(sys.Mmap).When(sys.Mmap.Length.Between(dsl.Int(1), dsl.Int(1<<33))).On(dsl.AMD64),
		},
	})
	for _, text := range []string{
		"read", "openat AT_FDCWD NULL O_WRONLY|O_CREAT 0644", "openat flags=O_CREAT", "mmap args[1]=0x200000001", "-1 -1 -2",
		"type=1326 audit(1.1:1): auid=0 sig=31 arch=c000003e syscall=257 compat=0 ip=0x1 code=0x80000000",
	} {
		f.Add(uint8(0), text, pack(p))
	}
	f.Add(uint8(1), "truncate64 length=0x100000002", pack([]instruction{
		{Op: kernel.LoadWord, K: 24}, {Op: kernel.ToX}, {Op: kernel.LoadWord, K: 32}, {Op: kernel.Add | kernel.UseX}, {Op: kernel.Store, K: 3},
		{Op: kernel.LoadMem, K: 3}, {Op: kernel.JumpGreater, Jt: 1, K: 2}, {Op: kernel.Return}, {Op: kernel.Return, K: kernel.RetAllow},
	}))
	f.Fuzz(func(t *testing.T, arch uint8, text string, program []byte) {
		words := strings.Fields(text)
		p := unpack(program)
		if len(words) == 0 || kernel.Check(p) != nil || slices.ContainsFunc(p, costly) {
			return
		}
		c, err := readCall(abi.Arches()[int(arch)%len(abi.Arches())], words)
		if err != nil {
			return
		}
		list, err := Answers(c, p)
		if err != nil {
			return
		}
		want, _ := kernel.Run(p, c.words)
		if ret, steps, _ := Path(p, c); ret != want || len(steps) == 0 {
			t.Fatalf("the path ends with %#x, and the interpreter with %#x", ret, want)
		}
		if !slices.Contains(c.known[:], false) && len(list) != 1 {
			t.Fatalf("all is known, and there are the answers %v", list)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 50 {
			full := c.words
			for w, known := range c.known {
				if !known && r.IntN(3) > 0 {
					full[w] = p[r.IntN(len(p))].K + uint32(r.IntN(3)) - 1
				}
			}
			ret, _ := kernel.Run(p, full)
			if !slices.ContainsFunc(list, func(a Answer) bool { return a.Ret == ret }) {
				t.Fatalf("%x gets %#x, which is none of %v", full, ret, list)
			}
		}
	})
}

func readCall(arch *abi.Arch, words []string) (Call, error) {
	if IsRecord(words) {
		return ParseRecord(words)
	}
	return Parse(arch, words)
}

// costly are instructions that the proof mostly gives up on, after a second or more.
func costly(ins instruction) bool {
	op := ins.Op &^ kernel.UseX
	return op == kernel.Mul || op == kernel.Div || ins.Op == kernel.ReturnA
}

func pack(p []instruction) (text []byte) {
	for _, ins := range p {
		text = append(binary.LittleEndian.AppendUint16(text, ins.Op), ins.Jt, ins.Jf)
		text = binary.LittleEndian.AppendUint32(text, ins.K)
	}
	return text
}

func unpack(text []byte) (p []instruction) {
	for ; len(text) >= 8; text = text[8:] {
		p = append(p, instruction{Op: binary.LittleEndian.Uint16(text), Jt: text[2], Jf: text[3], K: binary.LittleEndian.Uint32(text[4:])})
	}
	return p
}
