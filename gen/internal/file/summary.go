package file

import (
	"fmt"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// summary is what a filter costs, in numbers that the reviewer can count again.
func (f Filter) summary() string {
	size := fmt.Sprintf("%d instructions, at most %d executed", len(f.Program), kernel.Longest(f.Program))
	parts := f.Table.Parts
	if len(parts) == 1 {
		return fmt.Sprintf("%s: %s; of the calls named above, %s. Proved equal to the policy.", f.arches(), size, f.decided(parts[0]))
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = fmt.Sprintf("of %s's calls named above, %s", p.Arch.Name, f.decided(p))
	}
	return fmt.Sprintf("%s: one program of %s; %s. Proved equal to the policy.", f.arches(), size, strings.Join(texts, "; "))
}

// decided counts the calls that rules name by what the kernel does for them.
func (f Filter) decided(p table.Part) string {
	cached, run := 0, 0
	for _, nr := range named(p) {
		if p.Arch.Cached(nr) && kernel.Cached(f.Program, p.Arch.Audit, nr) {
			cached++
		} else {
			run++
		}
	}
	return fmt.Sprintf("%d decided by the kernel's cache, %d by running the filter", cached, run)
}

// remarks are what a reviewer has to know about an ABI besides.
func (f Filter) remarks() []string {
	var lines []string
	for _, p := range f.Table.Parts {
		if len(p.Missing) > 0 {
			for i, line := range wrap(p.Missing, 100) {
				if i == 0 {
					line = "Not on " + p.Arch.Name + ": " + line
				}
				lines = append(lines, line)
			}
			lines[len(lines)-1] += "."
		}
		if p.Arch.Note != "" {
			lines = append(lines, p.Arch.Note)
		}
	}
	return lines
}
