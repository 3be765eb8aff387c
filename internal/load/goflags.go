package load

import "strings"

// flags undo what GOFLAGS may say for programs that are to be shipped or
// tested: the race detector and its like need cgo, as some other build modes
// do, and -trimpath would take the author's positions away. What else GOFLAGS
// says, such as -tags and -mod, holds. No version control system is asked for
// a stamp that nobody reads.
var flags = []string{
	"-race=false", "-msan=false", "-asan=false", "-cover=false",
	"-buildmode=default", "-trimpath=false", "-buildvcs=false",
}

// linkerFlags adds to those in goflags: without cgo, external linking is
// refused; without symbols and DWARF (a trace needs neither), linking takes a
// quarter less time.
func linkerFlags(goflags string) string {
	return "-ldflags=" + strings.TrimSpace(flagIn(goflags, "ldflags")+" -linkmode=internal -s -w")
}

// flagIn returns the value that goflags give to a flag; the last one holds.
func flagIn(goflags, flag string) string {
	last := ""
	for _, f := range fields(goflags) {
		if name, value, _ := strings.Cut(f, "="); name == "-"+flag || name == "--"+flag {
			last = value
		}
	}
	return last
}

// fields splits GOFLAGS as cmd/internal/quoted does: at spaces, where a field
// may be quoted as a whole.
func fields(s string) []string {
	const space = " \t\r\n"
	var fs []string
	for {
		s = strings.TrimLeft(s, space)
		if s == "" {
			return fs
		}
		end := space
		if s[0] == '\'' || s[0] == '"' {
			end, s = s[:1], s[1:]
		}
		i := strings.IndexAny(s, end)
		if i < 0 {
			return append(fs, s)
		}
		fs, s = append(fs, s[:i]), s[i+1:]
	}
}
