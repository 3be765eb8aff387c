package main

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/lab/internal/exam"
)

// The guest passes its exams on the kernel that runs the tests, too.
func TestTheGuestOnThisKernel(t *testing.T) {
	i := slices.IndexFunc(machines, func(m machine) bool { return m.GOARCH == runtime.GOARCH })
	if runtime.GOOS != "linux" || i < 0 {
		t.Skip("a Linux of an architecture that the lab has is needed")
	}
	t.Chdir("..")
	policies, err := policies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, goarch := range []string{runtime.GOARCH, machines[i].Sibling} {
		if _, err := guest(t.Context(), dir, goarch); err != nil {
			t.Fatal(err)
		}
		list, err := exams(machines[i], goarch, policies)
		if err != nil || len(list) == 0 {
			t.Fatal(len(list), err)
		}
		for _, e := range list {
			r := sit(t, filepath.Join(dir, "guest-"+goarch), dir, e)
			if r.Error != "" || r.Failed > 0 || r.Checked < len(e.Calls) {
				t.Errorf("%s, %s: %+v", goarch, e.Name, r)
			}
		}
	}
}

// sit has a guest sit an exam.
func sit(t *testing.T, guest, dir string, e exam.Policy) (r exam.Report) {
	t.Helper()
	var b bytes.Buffer
	name := filepath.Join(dir, "exam")
	if err := gob.NewEncoder(&b).Encode(e); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), guest, name)
	cmd.Env = []string{"GOGC=off", "GODEBUG=asyncpreemptoff=1"}
	out, err := cmd.CombinedOutput()
	_, text, ok := strings.Cut(string(out), exam.Line)
	if err != nil || !ok {
		t.Fatalf("%s: %v\n%s", e.Name, err, out)
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Whatever a program can return, some call of its exams gets it.
func TestExamsAskForEveryAnswer(t *testing.T) {
	t.Chdir("..")
	policies, err := policies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		for _, f := range p.filters {
			missing := map[uint32]bool{}
			for _, i := range f.Program {
				if i.Op == 0x06 { // BPF_RET
					missing[i.K] = true
				}
			}
			calls := 0
			for _, arch := range append(siblings(f.Arches), f.Arches...) {
				e, err := newExam(p.name, f, arch, 64)
				if err != nil {
					t.Fatal(err)
				}
				calls += len(e.Calls)
				for _, c := range e.Calls {
					delete(missing, c.Want)
				}
			}
			for answer := range missing {
				if answer != 0x80000000 { // which may be for ABIs that the lab has not
					t.Errorf("%s on %v: none of %d calls gets %#x", p.name, f.Arches, calls, answer)
				}
			}
		}
	}
}

func siblings(arches []dsl.Arch) []dsl.Arch {
	var list []dsl.Arch
	for _, m := range machines {
		if m.Sibling != "" && slices.Contains(arches, arch(m.GOARCH)) {
			list = append(list, arch(m.Sibling))
		}
	}
	return list
}

func TestInitramfs(t *testing.T) {
	archive := initramfs(map[string][]byte{"proc/": nil, "init": []byte("hello")})
	got := map[string]string{}
	for rest := archive; ; {
		var field [13]int // after the magic number
		for i := range field {
			if _, err := fmt.Sscanf(string(rest[6+8*i:14+8*i]), "%08x", &field[i]); err != nil {
				t.Fatal(err)
			}
		}
		name := string(rest[110 : 110+field[11]-1])
		text := (110 + field[11] + 3) &^ 3
		got[name] = fmt.Sprintf("%o %s", field[1], rest[text:text+field[6]])
		if name == "TRAILER!!!" {
			break
		}
		rest = rest[(text+field[6]+3)&^3:]
	}
	want := map[string]string{"proc": "40755 ", "init": "100755 hello", "TRAILER!!!": "0 "}
	if !maps.Equal(got, want) || len(archive)%4 != 0 {
		t.Errorf("%q", got)
	}
}

// Whatever the number, calls of x32 get one answer, and do not happen, under policies
// that do not list it.
func TestExamsOfX32AreAboutRefusals(t *testing.T) {
	t.Chdir("..")
	policies, err := policies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range policies {
		f, ok := p.on(builtMachine)
		if !ok || slices.Contains(f.Arches, dsl.X32) {
			continue
		}
		e, err := newExam(p.name, f, dsl.X32, 64)
		if err != nil || len(e.Calls) < 300 {
			t.Fatal(p.name, len(e.Calls), err)
		}
		for _, c := range e.Calls {
			if c.Nr>>30 != 1 || c.Want != e.Calls[0].Want || exam.Seen(c.Want) == exam.Passes {
				t.Errorf("%s: number %#x gets %#x", p.name, c.Nr, c.Want)
			}
		}
	}
}
