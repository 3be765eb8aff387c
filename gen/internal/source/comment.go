package source

import (
	"go/build/constraint"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// comment is lines of Go that say a text, whatever it is, and do nothing else.
func comment(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n") {
		lines = append(lines, commentLine(line))
	}
	return lines
}

// commentLine is one line of Go that says a text.
func commentLine(text string) string {
	line := strings.TrimSpace("// " + printable(text))
	if constraint.IsPlusBuild(line) { // which gofmt heeds, wherever it is
		return "// " + strconv.Quote(strings.TrimSpace(line[len("//"):]))
	}
	return line
}

// Printable reports whether all of a text can be seen.
func Printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// printable writes what cannot be seen of a line, but tabs, as a string of Go's does.
func printable(line string) string {
	var b strings.Builder
	for len(line) > 0 {
		_, size := utf8.DecodeRuneInString(line)
		switch one := line[:size]; {
		case one == "\t" || Printable(one):
			b.WriteString(one)
		default:
			b.WriteString(strings.Trim(strconv.Quote(one), `"`))
		}
		line = line[size:]
	}
	return b.String()
}
