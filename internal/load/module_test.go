package load

import (
	"archive/zip"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// copyDSL copies this repository's dsl, without its tests and subpackages,
// into the module at dir, with old replaced by new in its text.
func copyDSL(t *testing.T, dir, old, new string) {
	t.Helper()
	files, err := filepath.Glob("../../dsl/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("dsl is not where it was: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "dsl"), 0o755); err != nil {
		t.Fatal(err)
	}
	replaced := old == ""
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		changed := string(text)
		if old != "" {
			changed = strings.ReplaceAll(changed, old, new)
			replaced = replaced || changed != string(text)
		}
		if err := os.WriteFile(filepath.Join(dir, "dsl", filepath.Base(f)), []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !replaced {
		t.Fatalf("dsl has no %q", old)
	}
}

// publish puts the module at dir into a file-system proxy (go help goproxy).
func publish(t *testing.T, proxy, dir, module, version string) {
	t.Helper()
	at := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list":            version + "\n",
		version + ".info": `{"Version":"` + version + `"}`,
		version + ".mod":  string(mod),
	} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	tree := os.DirFS(dir)
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		w, err := z.Create(path.Join(module+"@"+version, name))
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}
