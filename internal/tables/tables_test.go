package tables

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestGeneratedFilesAreFresh(t *testing.T) {
	files, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		old, err := os.ReadFile(filepath.Join("..", "..", f.Path))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(old, f.Data) {
			t.Errorf("%s is stale: run go generate ./internal/tables", f.Path)
		}
	}
	again, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		if !bytes.Equal(f.Data, again[i].Data) {
			t.Errorf("%s differs from one run to the next", f.Path)
		}
	}
}

// load reads the numbers and calls from data/ and x/sys.
func load(t *testing.T) (numbers, map[string]*call) {
	dir, err := xsysDir()
	if err != nil {
		t.Fatal(err)
	}
	arches, err := readArches()
	if err != nil {
		t.Fatal(err)
	}
	ns, err := readNumbers(dir, arches)
	if err != nil {
		t.Fatal(err)
	}
	list, err := readCalls(arches, ns)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]*call{}
	for _, c := range list {
		calls[c.name] = c
	}
	return ns, calls
}

// The kernel tells the size and the sign of each argument's declared type in
// events/syscalls/sys_enter_CALL/format.
func TestWidthsAreThoseOfTheRunningKernel(t *testing.T) {
	events := "/sys/kernel/tracing/events/syscalls"
	formats, _ := filepath.Glob(events + "/sys_enter_*/format")
	if len(formats) == 0 {
		t.Skipf("no system call events in %s: mount tracefs as root, on a kernel with CONFIG_FTRACE_SYSCALLS", events)
	}
	if strconv.IntSize != 64 {
		t.Skip("the formats of a 32-bit kernel are not those of data/calls.tsv")
	}
	rs, err := rows("calls.tsv", "call", "index", "name", "type", "bits", "sign", "source")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string][]string{}
	for _, r := range rs {
		if r[1] != "-" {
			declared[r[0]] = append(declared[r[0]], r[3])
		}
	}
	field := regexp.MustCompile(`(?m)^\tfield:(.+?)(\w+);\toffset:(\d+);\tsize:8;`)
	checked := 0
	for _, path := range formats {
		event := strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "sys_enter_")
		if name, ok := eventNames[event]; ok {
			event = name
		}
		types, ok := declared[event]
		if !ok {
			continue // no arguments, or newer than the tables
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range field.FindAllSubmatch(text, -1) {
			if offset, _ := strconv.Atoi(string(m[3])); offset >= 16 {
				got = append(got, string(m[1]))
			}
		}
		if event == "bpf" {
			types = types[:len(got)] // Linux 7.2 added two
		}
		checked++
		if plain(got) != plain(types) {
			t.Errorf("%s: the kernel has (%s), data/calls.tsv (%s)", event, plain(got), plain(types))
		}
	}
	if checked < 300 {
		t.Errorf("only %d calls checked", checked)
	}
}

// eventNames are the entry points whose name is not the call's.
var eventNames = map[string]string{
	"newstat": "stat", "newlstat": "lstat", "newfstat": "fstat", "newuname": "uname", "sendfile64": "sendfile", "umount": "umount2",
}

// plain writes C types with what matters to a filter: any pointer is a pointer.
func plain(types []string) string {
	var out []string
	for _, s := range types {
		switch {
		case strings.Contains(s, "*"):
			s = "*"
		case strings.TrimSpace(s) == "unsigned":
			s = "unsigned int"
		}
		out = append(out, strings.TrimSpace(strings.TrimPrefix(s, "const ")))
	}
	return strings.Join(out, ", ")
}

// A condition over several calls needs arguments of one name; two calls that
// differ in their 32-bit and 64-bit time alone must have the same names.
func TestTwinsHaveTheSameArguments(t *testing.T) {
	_, calls := load(t)
	for name, c := range calls {
		for _, suffix := range []string{"_time64", "64", "32"} {
			base, ok := strings.CutSuffix(name, suffix)
			other := calls[base]
			if !ok || other == nil {
				continue
			}
			if a, b := argNames(c), argNames(other); a != b && !unlike[name] {
				t.Errorf("%s has %s, %s has %s", name, a, base, b)
			}
		}
	}
}

// unlike are calls that are not their namesake with wider types.
var unlike = map[string]bool{"statfs64": true, "fstatfs64": true}

func argNames(c *call) string {
	var out []string
	for _, p := range c.params {
		out = append(out, p.name)
	}
	return strings.Join(out, " ")
}

func TestNotesAreInTheFieldsComments(t *testing.T) {
	more, err := readNotes()
	if err != nil {
		t.Fatal(err)
	}
	calls := []*call{{name: "bpf", params: []param{{name: "cmd", ctype: "int", bits: "32"}}}}
	key := [2]string{"bpf", "cmd"}
	out, err := formatCalls(nil, nil, calls, notes{key: more[key]})
	if err != nil || more[key] == "" || !bytes.Contains(out, []byte("Cmd dsl.Arg // int; "+more[key])) {
		t.Errorf("got %s, %v", out, err)
	}
	if _, err := formatNotes(nil, calls, notes{{"bpf", "nonesuch"}: "a note"}); err == nil {
		t.Error("a note on a parameter that is not there is taken")
	}
}

func TestRowsOfABadFile(t *testing.T) {
	if _, err := rows("arches.tsv", "name"); err == nil || !strings.Contains(err.Error(), "data/arches.tsv:") {
		t.Errorf("got %v, want an error that names the line", err)
	}
	if _, err := named(nil, "nonesuch"); err == nil {
		t.Error("an ABI that is not there is taken")
	}
}
