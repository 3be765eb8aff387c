package gen

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/example/memcached/policy"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

func TestCountsAreReadAsStracePrintsThem(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	for _, columns := range []string{"", "-Utime_total,name,calls"} {
		path := filepath.Join(t.TempDir(), "counts")
		args := []string{"-f", "-c", "-o", path}
		if columns != "" {
			args = append(args, columns)
		}
		if out, err := exec.Command("strace", append(args, "sh", "-c", "cat /dev/null; cat /does/not/exist; true")...).CombinedOutput(); !strings.Contains(string(out), "exist") {
			t.Skipf("strace does not run here: %v: %s", err, out)
		}
		w, err := ReadWeights("default", path)
		if columns != "" { // what is counted is not in the last column
			if err == nil {
				t.Error("counts of calls were read from a table that ends otherwise")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if w.Counts["openat"] < 3 || w.Counts["execve"] < 1 || w.Counts["total"] != 0 || w.Counts["reboot"] != 0 {
			t.Errorf("counted %v", w.Counts)
		}
	}
}

func TestWhatAreNoCountsIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "no counts of calls",
		"nothing of the kind\n":           "no counts of calls",
		`{"read": 1, "raed": 2}`:          "unknown call raed",
		`{"read": -1}`:                    "-1 is no count",
		`{"read": "many"}`:                "no map of calls to counts",
		"seconds calls syscall\nx y read": "line 2: ",
		"seconds syscall\n1 read":         "line 2: there is no column of calls",
	} {
		if w, err := ReadCounts("counts", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, w, err)
		}
	}
	if _, err := ReadWeights("heavy", ""); err == nil {
		t.Error("there are weights called heavy")
	}
	if _, err := ReadWeights("uniform", os.DevNull); err == nil {
		t.Error("uniform weights and counts went together")
	}
}

// Weights decide what is fast, and nothing else.
func TestACallThatIsMadeOftenExecutesLess(t *testing.T) {
	p := dsl.Named{Name: "Serve", Policy: &policy.Serve}
	plain, err := Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct {
		name string
		nr   uint32
	}{{"futex", 202}, {"sendmsg", 46}, {"accept4", 288}, {"openat", 257}} {
		heavy, err := Weights{Counts: map[string]float64{call.name: 1e6, "read": 1}}.Compile(p)
		if err != nil {
			t.Fatal(err)
		}
		data := [16]uint32{0: call.nr, 1: 0xc000003e}
		_, before := kernel.Run(plain[0].Program, data)
		_, after := kernel.Run(heavy[0].Program, data)
		if after >= before {
			t.Errorf("%s: %d instructions executed, and %d without weights", call.name, after, before)
		}
		if changes, err := Diff(plain, heavy); err != nil || len(changes) > 0 {
			t.Errorf("%s: weights change the meaning: %v, %v", call.name, changes, err)
		}
	}
}
