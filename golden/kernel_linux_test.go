package golden

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/load"
	"github.com/secgen-dev/secgen/runtime/install"
)

// programEnv makes the test binary a child that installs a program.
const programEnv = "SECGEN_GOLDEN_PROGRAM"

func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(programEnv); ok {
		fmt.Println(child(text))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(text string) error {
	var program []install.Instruction
	if err := json.Unmarshal([]byte(text), &program); err != nil {
		return err
	}
	fmt.Println("installing")
	_, err := install.NotifyThisThread("golden", program, 0) // a listener does for any
	return err
}

// The kernel checks a program before it takes it, whatever architecture the
// program is for. One for another architecture then ends the child, which is how
// the test sees that it was taken.
func TestTheKernelTakesEveryProgram(t *testing.T) {
	policies, err := filepath.Glob("*/policy")
	if err != nil || len(policies) == 0 {
		t.Fatal(policies, err)
	}
	for _, dir := range policies {
		t.Run(filepath.Dir(dir), func(t *testing.T) {
			t.Parallel()
			pkg, err := load.Policies(context.Background(), load.Options{}, "./"+dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pkg.Policies {
				filters, err := gen.Compile(p)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range filters {
					taken(t, f)
				}
			}
		})
	}
}

func taken(t *testing.T, f gen.Filter) {
	t.Helper()
	var program []install.Instruction
	for _, r := range f.Program {
		program = append(program, install.Instruction{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K})
	}
	text, err := json.Marshal(program)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Whatever becomes of a Go program under it, even if it cannot exit.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), programEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	if !bytes.HasPrefix(out, []byte("installing\n")) || bytes.Contains(out, []byte("nothing installed")) {
		t.Errorf("%v: %v\n%s", f.Arches, err, out)
	}
}
