package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the outputs in the README's tour, and its picture")

// The tour through sections of the README is walked as it stands there: its files
// are written, the commands of sh blocks have to succeed, and those of console
// blocks have to print what the block says.
func TestTheReadmesTour(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	readme := filepath.Join(root, "README.md")
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh")
	}
	proxy, _ := publish(t, root)
	tour := tour{t: t, dir: t.TempDir(), env: append(os.Environ(),
		"GOPROXY=file://"+proxy+",file://"+goEnv(t, "GOMODCACHE")+"/cache/download",
		"GONOSUMDB=*", "GOFLAGS=-modcacherw -trimpath", "GOMODCACHE="+t.TempDir(), "GOTOOLCHAIN=local", "GOWORK=off")}

	walked, sections := "", 0
	for section := range strings.SplitAfterSeq(string(text), "\n## ") {
		now := section
		switch title, _, _ := strings.Cut(section, "\n"); title {
		case "Five minutes", "Learning a policy", "From a profile", "Looking into filters":
			now = blocks.ReplaceAllStringFunc(section, tour.step)
			sections++
		}
		if now != section && !*update {
			t.Errorf("the tour goes otherwise now (go test ./cmd/secgen -run Readme -update rewrites it):\n%s", now)
		}
		walked += now
	}
	if sections != 4 {
		t.Fatal("the README lacks a section of the tour")
	}
	if *update {
		if err := os.WriteFile(readme, []byte(walked), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The README shows the tree of the example's second stage.
func TestTheReadmesPicture(t *testing.T) {
	var drawn, said bytes.Buffer
	args := []string{"tree", "-to", "svg", "-arch", "amd64", "../../example/memcached/filter/filter_linux.go:Serve"}
	if code := run(t.Context(), args, &drawn, &said); code != okay {
		t.Fatal(&said)
	}
	const path = "../../docs/serve.svg"
	if *update {
		if err := os.WriteFile(path, drawn.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	there, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(there, drawn.Bytes()) {
		t.Error("docs/serve.svg is another picture (make update draws it again)")
	}
}

type tour struct {
	t   *testing.T
	dir string
	env []string
}

var (
	blocks = regexp.MustCompile("(?ms)(?:`([^`\n]+)`:\n\n)?^```(go|json|sh|console)\n(.*?)^```$")
	block  = regexp.MustCompile("(?s)^(?:`([^`]+)`:\n\n)?```(go|json|sh|console)\n(.*?)```$")
)

// step does what one block says, and returns it with the outputs of now.
func (w *tour) step(text string) string {
	m := block.FindStringSubmatch(text)
	name, kind, body := m[1], m[2], m[3]
	switch kind {
	case "go", "json":
		path := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			w.t.Fatal(err)
		}
	case "sh":
		if out, err := w.shell(body).CombinedOutput(); err != nil {
			w.t.Fatalf("%s\n%v\n%s", body, err, out)
		}
	case "console":
		var b strings.Builder
		for line := range strings.Lines(body) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				// With a command after it, sh says how the first was killed.
				out, _ := w.shell("ulimit -c 0\n" + command + "\n:").CombinedOutput()
				b.WriteString(line)
				b.Write(out)
			}
		}
		return strings.Replace(text, body, b.String(), 1)
	}
	return text
}

func (w *tour) shell(script string) *exec.Cmd {
	cmd := exec.CommandContext(w.t.Context(), "sh", "-c", script)
	cmd.Dir, cmd.Env = w.dir, w.env
	return cmd
}
