package golden

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/internal/load"
)

// A stripped binary carries its own architecture's array and no other.
func TestABinaryCarriesOnlyItsOwnArray(t *testing.T) {
	pkg, err := load.Policies(context.Background(), load.Options{}, "./plain/policy")
	if err != nil {
		t.Fatal(err)
	}
	filters, err := gen.Compile(pkg.Policies[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, goarch := range []string{"amd64", "arm64", "riscv64"} {
		bin := filepath.Join(t.TempDir(), "server")
		cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", bin, "./testdata/server")
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", goarch, err, out)
		}
		text, err := os.ReadFile(bin)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range filters {
			own := string(f.Arches[0]) == goarch
			if has := bytes.Contains(text, image(f)); has != own {
				t.Errorf("%s's binary: array of %s is there: %v", goarch, f.Arches[0], has)
			}
		}
	}
}

// image is a program as it lies in memory of a little-endian machine.
func image(f gen.Filter) []byte {
	var b []byte
	for _, r := range f.Program {
		b = binary.LittleEndian.AppendUint16(b, r.Op)
		b = append(b, r.Jt, r.Jf)
		b = binary.LittleEndian.AppendUint32(b, r.K)
	}
	return b
}

// Every golden file builds for every GOARCH that it names, depends on the
// standard library alone, and does not break a build elsewhere.
func TestFilesBuildEverywhere(t *testing.T) {
	goCommand := func(env []string, args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v go %s: %v\n%s", env, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	files, err := filepath.Glob("*/filter_linux.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	dirs := map[string][]string{} // by GOARCH
	var all []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		dir := "./" + filepath.Dir(f)
		all = append(all, dir)
		for _, goarch := range []string{"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x"} {
			if strings.Contains(string(text), `"`+goarch+`"`) {
				dirs[goarch] = append(dirs[goarch], dir)
			}
		}
	}
	for goarch, own := range dirs {
		goCommand([]string{"GOOS=linux", "GOARCH=" + goarch}, append([]string{"vet"}, own...)...)
	}
	// Elsewhere the file is not there, and its stand-in is.
	for _, goos := range []string{"darwin", "windows"} {
		goCommand([]string{"GOOS=" + goos}, "vet", "../example/memcached/filter")
	}
	deps := goCommand([]string{"GOOS=linux"}, append([]string{"list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}, all...)...)
	for _, dep := range strings.Fields(deps) {
		if !strings.HasPrefix(dep, "github.com/secgen-dev/secgen/golden/") {
			t.Errorf("a generated file depends on %s", dep)
		}
	}
}
