package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func TestMain(m *testing.M) {
	becomeCommand()
	testscript.Main(m, map[string]func(){"secgen": main})
}

// Scripts run the command as a user would, in a directory of their own. $SECGEN
// is the root of this repository, for replace directives; $GOPROXY is a
// file-system proxy that has this repository as version $VERSION, and the
// modules that it needs.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	proxy, version := publish(t, root)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// waitfor waits until a file is there.
			"waitfor": func(ts *testscript.TestScript, neg bool, args []string) {
				for range 600 {
					if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
				ts.Fatalf("%s never came", args[0])
			},
		},
		Condition: func(what string) (bool, error) {
			// told: the kernel tells this process the filters of others.
			if what != "told" {
				return false, fmt.Errorf("no condition %s", what)
			}
			status, err := os.ReadFile("/proc/self/status")
			return os.Getuid() == 0 && strings.Contains(string(status), "\nSeccomp:\t0\n"), err
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("SECGEN", root)
			e.Setenv("GOPROXY", "file://"+proxy+",file://"+goEnv(t, "GOMODCACHE")+"/cache/download")
			e.Setenv("VERSION", version)
			e.Setenv("MODPROXY", e.Getenv("GOPROXY"))
			e.Setenv("GONOSUMDB", "*")
			e.Setenv("GOFLAGS", "-modcacherw -trimpath")
			e.Setenv("GOMODCACHE", e.WorkDir+"/modcache")
			e.Setenv("GOCACHE", goEnv(t, "GOCACHE"))
			e.Setenv("GOTOOLCHAIN", "local")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
	})
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// publish makes a file-system module proxy (go help goproxy) of this
// repository.
func publish(t *testing.T, root string) (dir, version string) {
	t.Helper()
	dir = t.TempDir()
	at := filepath.Join(dir, "github.com/secgen-dev/secgen/@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(at, "new.zip")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	version = "v0.0.0-test"
	if err := zip.Create(f, module.Version{Path: "github.com/secgen-dev/secgen", Version: version}, sources(t, root)); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list":            version + "\n",
		version + ".info": fmt.Sprintf(`{"Version":%q}`, version),
		version + ".mod":  string(mod),
	} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(archive, filepath.Join(at, version+".zip")); err != nil {
		t.Fatal(err)
	}
	return dir, version
}

func TestRunAnswersWithExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--help", okay, "generate"},
		{"generate --help", okay, "go tool secgen generate -o filter_linux.go ./policy"},
		{"--version", okay, "secgen"},
		{"", trouble, "secgen: expected one of"},
		{"frobnicate", trouble, "unexpected argument frobnicate"},
		{"generate", trouble, `expected "<package>"`},
		{"check ./policy", trouble, "say which file to check"},
		{"generate --other x.go ./testdata/nothing", trouble, "secgen: "},
		{"generate ./testdata/nothing", trouble, "testdata/nothing"},
	} {
		var said strings.Builder
		if code := run(context.Background(), strings.Fields(c.args), &said, &said); code != c.code || !strings.Contains(said.String(), c.want) {
			t.Errorf("secgen %s: exit code %d, wanted %d, and %q in:\n%s", c.args, code, c.code, c.want, &said)
		}
	}
}

// sources are the files that belong to the repository, and not what was built
// there.
func sources(t *testing.T, root string) []zip.File {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("needs git and a checkout: %v", err)
	}
	var files []zip.File
	for _, name := range strings.Fields(string(out)) {
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() {
			files = append(files, sourceFile{root, name})
		}
	}
	return files
}

// sourceFile is a file of the repository, as zip.Create wants it.
type sourceFile struct{ root, name string }

func (s sourceFile) Path() string                 { return filepath.ToSlash(s.name) }
func (s sourceFile) Lstat() (os.FileInfo, error)  { return os.Lstat(filepath.Join(s.root, s.name)) }
func (s sourceFile) Open() (io.ReadCloser, error) { return os.Open(filepath.Join(s.root, s.name)) }
