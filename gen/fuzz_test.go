package gen

import (
	"cmp"
	"encoding/json"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// goFile is what of a file that secgen writes Read looks at.
const goFile = generatedBy + `; DO NOT EDIT.
package p
var Serve = secgenFilter{"Serve", serveProgram, 0x2}
func serveProgram() []secgenInstruction {
	switch runtime.GOARCH {
	case "amd64", "386":
		return serveAMD64[:]
	}
	return nil
}
var serveAMD64 = [...]secgenInstruction{
	{0x0020, 0x00, 0x00, 0x00000000},
	{0x0015, 0x00, 0x01, 0x0000003b},
	{0x0006, 0x00, 0x00, 0x00050001},
	{0x0006, 0x00, 0x00, 0x7fff0000},
}
`

// FuzzRead: what Read accepts, the kernel would too, and it is the same when it is
// read again as a raw program. A profile's filter answers calls near the program's
// constants as the profile's table does.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],"syscalls":[
		{"names":["read","write"],"action":"SCMP_ACT_ALLOW"},
		{"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}]},
		{"names":["personality"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":8,"op":"SCMP_CMP_GE"},{"index":1,"value":4294967295,"op":"SCMP_CMP_NE"}]}]}`), "")
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_ALLOW","archMap":[{"architecture":"SCMP_ARCH_S390X","subArchitectures":["SCMP_ARCH_S390"]}],"flags":["SECCOMP_FILTER_FLAG_LOG"],"syscalls":[
		{"name":"socket","action":"SCMP_ACT_ERRNO","errno":"EINVAL","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},{"index":0,"value":40,"op":"SCMP_CMP_LT"}],"includes":{"minKernel":"4.8","caps":["CAP_BPF"]},"excludes":{"arches":["arm"]}}]}`), "s390x")
	f.Add([]byte(goFile), "")
	f.Add([]byte(generatedBy+"\npackage p\nvar ()\n"), "")
	raw := Filter{Arches: []dsl.Arch{dsl.S390X}, Program: []bpf.RawInstruction{
		{Op: kernel.LoadWord, K: 16}, {Op: kernel.And, K: 3}, {Op: kernel.JumpEqual, Jf: 1, K: 2}, {Op: kernel.Return}, {Op: kernel.Return, K: 0x7fff0000},
	}}
	f.Add(raw.Raw(), "s390x")
	f.Fuzz(func(t *testing.T, text []byte, arch string) {
		readAgain(t, text, dsl.Arch(arch))
	})
}

// FuzzGoFile: the same for what is left of a Go file of secgen's when tokens are
// deleted and doubled.
func FuzzGoFile(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 10, 20, 1, 30, 20})
	f.Fuzz(func(t *testing.T, edits []byte) {
		file := token.NewFileSet().AddFile("", -1, len(goFile))
		var s scanner.Scanner
		s.Init(file, []byte(goFile), nil, 0)
		var tokens []string
		for {
			_, tok, lit := s.Scan()
			if tok == token.EOF {
				break
			}
			tokens = append(tokens, cmp.Or(lit, tok.String()))
		}
		for ; len(edits) >= 3; edits = edits[3:] {
			i, j := int(edits[1])%(len(tokens)+1), int(edits[2])%(len(tokens)+1)
			if edits[0]%2 == 0 && i <= j {
				tokens = slices.Delete(tokens, i, j)
			} else if j < len(tokens) {
				tokens = slices.Insert(tokens, i, tokens[j])
			}
		}
		readAgain(t, []byte(generatedBy+"\n"+strings.Join(tokens, " ")), "")
	})
}

// FuzzProfile: the same for profiles that mostly make sense.
func FuzzProfile(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		text, err := json.Marshal(drawProfile(t))
		if err != nil {
			t.Fatal(err)
		}
		arch := rapid.SampledFrom([]dsl.Arch{"", dsl.AMD64, dsl.S390}).Draw(t, "arch")
		readAgain(t, text, arch)
	}))
}

func drawProfile(t *rapid.T) map[string]any {
	action := func() string {
		return "SCMP_ACT_" + rapid.SampledFrom([]string{"ALLOW", "ERRNO", "KILL", "KILL_PROCESS", "LOG", "NOTIFY", "TRACE", "TRAP"}).Draw(t, "action")
	}
	list := func(names ...string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(names), 0, 3).Draw(t, "names")
	}
	var rules []any
	for range rapid.IntRange(0, 6).Draw(t, "rules") {
		var args []any
		for range rapid.IntRange(0, 3).Draw(t, "args") {
			args = append(args, map[string]any{
				"index": rapid.IntRange(0, 5).Draw(t, "index"), "value": drawValue(byRapid(t), 64), "valueTwo": drawValue(byRapid(t), 64),
				"op": "SCMP_CMP_" + rapid.SampledFrom([]string{"EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"}).Draw(t, "op"),
			})
		}
		rules = append(rules, map[string]any{
			"names": append(list("read", "open", "clone", "socketcall", "newcall"), "write"), "action": action(), "args": args,
			"errnoRet": rapid.Uint16().Draw(t, "errno"),
			"includes": map[string]any{"arches": list("amd64", "x86", "s390x", "vax")},
			"excludes": map[string]any{"caps": list("CAP_BPF"), "arches": list("i386", "s390")},
		})
	}
	return map[string]any{
		"defaultAction": action(), "syscalls": rules,
		"architectures": list("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_S390X", "SCMP_ARCH_S390", "SCMP_ARCH_SH"),
	}
}

// readAgain reads a file, and its filters again as raw programs.
func readAgain(t interface{ Fatalf(string, ...any) }, text []byte, arch dsl.Arch) {
	filters, err := Read("file", text, ReadOptions{Arch: arch})
	if err != nil {
		if strings.Contains(err.Error(), "please report this") {
			t.Fatalf("%v", err)
		}
		return
	}
	for _, f := range filters {
		again, err := Read("raw", f.Raw(), ReadOptions{Arch: f.Arches[0]})
		if err != nil || !slices.Equal(again[0].Program, f.Program) {
			t.Fatalf("%v came back as %v, %v", f.Program, again, err)
		}
		if len(f.table.Parts) > 0 {
			tryNear(t, f, mutant{program: f.Program})
		}
	}
}
