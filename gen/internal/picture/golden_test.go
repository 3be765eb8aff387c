package picture

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden lets read and close through, and mmap and mprotect without PROT_EXEC; of the
// other calls, those with greater numbers fail, and the others end the process.
var golden = kernel.Program{
	{Op: kernel.LoadWord, K: 4},
	{Op: kernel.JumpEqual, K: 0xc000003e, Jf: 10},
	{Op: kernel.LoadWord, K: 0},
	{Op: kernel.JumpGreaterEq, K: 9, Jt: 4}, // mmap
	{Op: kernel.JumpEqual, K: 0, Jt: 1},     // read
	{Op: kernel.JumpEqual, K: 3, Jf: 6},     // close
	{Op: kernel.Return, K: 0x7fff0000},
	{Op: kernel.Jump},
	{Op: kernel.JumpEqual, K: 9, Jt: 1},
	{Op: kernel.JumpEqual, K: 10, Jf: 3}, // mprotect
	{Op: kernel.LoadWord, K: 32},
	{Op: kernel.JumpAnyBit, K: 4, Jf: 2}, // prot
	{Op: kernel.Return, K: 0x80000000},
	{Op: kernel.Return, K: 0x00050001},
	{Op: kernel.Return, K: 0x7fff0000},
}

func TestGolden(t *testing.T) {
	if err := kernel.Check(golden); err != nil {
		t.Fatal(err)
	}
	tree := Build("golden", abi.Lookup("amd64"), golden)
	for name, got := range map[string]string{"golden.txt": tree.Text(), "golden.dot": tree.DOT(), "golden.svg": tree.SVG()} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is otherwise now (make update rewrites it):\n%s", path, got)
		}
	}
}
