package tables

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed data/*.tsv
var data embed.FS

// rows reads data/name: lines of tab-separated cells under a line of column
// names, with # comments. columns are what the caller expects to find.
func rows(name string, columns ...string) ([][]string, error) {
	text, err := data.ReadFile("data/" + name)
	if err != nil {
		return nil, err
	}
	return parse(name, string(text), columns)
}

func parse(name, text string, columns []string) ([][]string, error) {
	var out [][]string
	header := false
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != len(columns) {
			return nil, fmt.Errorf("data/%s:%d: %d cells, want %d", name, i+1, len(cells), len(columns))
		}
		if !header {
			if !slices.Equal(cells, columns) {
				return nil, fmt.Errorf("data/%s:%d: columns are %q, want %q", name, i+1, cells, columns)
			}
			header = true
			continue
		}
		out = append(out, cells)
	}
	if !header {
		return nil, fmt.Errorf("data/%s: there is no line of column names", name)
	}
	return out, nil
}

// arch is one ABI, as data/arches.tsv has it.
type arch struct {
	name      string
	numbers   string // GOARCH of its numbers in x/sys, "-" if there is none
	constants string // GOARCH of its constants in x/sys
	word      string // bits of a register
}

func readArches() ([]arch, error) {
	rs, err := rows("arches.tsv", "name", "xsys", "constants", "word")
	if err != nil {
		return nil, err
	}
	var out []arch
	for _, r := range rs {
		out = append(out, arch{r[0], r[1], r[2], r[3]})
	}
	return out, nil
}

// named expands a comma-separated list of ABIs; "*" is all of them.
func named(arches []arch, list string) ([]string, error) {
	var all, out []string
	for _, a := range arches {
		all = append(all, a.name)
	}
	if list == "*" {
		return all, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("no ABI %q in data/arches.tsv", name)
		}
		out = append(out, name)
	}
	return out, nil
}

// Headers gives data/headers.tsv: for each header the patterns of the names that
// are wanted of it.
func Headers() (map[string][]string, error) {
	rs, err := rows("headers.tsv", "header", "wanted")
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, r := range rs {
		out[r[0]] = nil
		if r[1] != "-" {
			out[r[0]] = strings.Fields(r[1])
		}
	}
	return out, nil
}
