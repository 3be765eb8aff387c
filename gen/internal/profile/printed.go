package profile

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// arguments divides what strace prints behind a call's parenthesis into arguments
// and, from the equals sign on, the result. What is missing of a call that did not
// return is missing.
func arguments(text string) (args []string, result string) {
	depth, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += quoted(text[i:]) - 1
		case '/':
			if strings.HasPrefix(text[i:], "/*") {
				if end := strings.Index(text[i:], "*/"); end > 0 {
					i += end + 1
				}
			}
		case '<':
			i += decorated(text, i)
		case '(', '[', '{':
			depth++
		case ']', '}':
			depth--
		case ')':
			if depth--; depth < 0 {
				return appendText(args, text[from:i]), strings.TrimSpace(text[i+1:])
			}
		case ',':
			if depth == 0 {
				args = appendText(args, text[from:i])
				from = i + 1
			}
		}
	}
	return appendText(args, text[min(from, len(text)):]), ""
}

func appendText(args []string, text string) []string {
	if text = strings.TrimSpace(text); text == "" {
		return args
	}
	return append(args, text)
}

// quoted is how long the string is that a text begins with.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// decorated is how long what -y and -Y add to a number at its end is, such as </dev/null>;
// 0 if there is nothing.
func decorated(text string, at int) int {
	if at == 0 || !strings.ContainsRune("0123456789D", rune(text[at-1])) || strings.HasPrefix(text[at:], "<<") {
		return 0
	}
	for i := at + 1; i < len(text); i++ {
		// Within, > is escaped, but for the arrow between the ends of a connection.
		if text[i] == '>' && text[i-1] != '-' {
			return i - at
		}
	}
	return 0
}

// reordered are calls whose arguments strace does not print one by one in the order
// of the registers.
var reordered = []string{"_llseek", "arm_fadvise64_64"}

// known are the values of those of a call's arguments that a policy could go by and
// whose text tells.
func known(arch *abi.Arch, call string, texts []string) map[string]uint64 {
	values := map[string]uint64{}
	if call == "clone3" && len(texts) > 0 {
		if v, ok := clone3Flags(arch, texts[0]); ok {
			values["flags"] = v
		}
	}
	if slices.Contains(reordered, call) {
		return values
	}
	args := arch.Args(call)
	for i, text := range texts {
		name, value, named := strings.Cut(text, "=")
		at := slices.IndexFunc(args, func(a abi.Arg) bool { return named && a.Name == name })
		if at < 0 {
			at, value = i, text
		}
		if at >= len(args) || !matters(call, args[at]) {
			continue
		}
		if v, ok := valueOf(arch, value); ok {
			unused := 64 - args[at].Bits
			values[args[at].Name] = v << unused >> unused
		}
	}
	return values
}

// clone3Flags reads {flags=…, exit_signal=…}: what clone would get for flags.
func clone3Flags(arch *abi.Arch, text string) (uint64, bool) {
	var sum uint64
	fields, _ := arguments(strings.TrimPrefix(text, "{"))
	seen := false
	for _, f := range fields {
		name, value, _ := strings.Cut(strings.TrimSuffix(f, "}"), "=")
		if name != "flags" && name != "exit_signal" {
			continue
		}
		v, ok := valueOf(arch, value)
		if !ok {
			return 0, false
		}
		seen = seen || name == "flags"
		sum |= v
	}
	return sum, seen
}

var (
	remarks    = regexp.MustCompile(`/\*.*?\*/`)
	decoration = regexp.MustCompile(`^(-?\d+|AT_FDCWD)<.*>(?:\(deleted\))?$`) // -y names the file of a descriptor, -Y the process
	realtime   = regexp.MustCompile(`^SIGRT_(\d+)$`)
	ioc        = regexp.MustCompile(`^_IOC\(([^,]*), *(\w+), *(\w+), *(\w+)\)$`)
)

// valueOf reads numbers and constants joined by |, as strace prints them.
func valueOf(arch *abi.Arch, text string) (uint64, bool) {
	text = strings.TrimSpace(remarks.ReplaceAllString(text, ""))
	text = decoration.ReplaceAllString(text, "$1")
	if v, ok := request(arch, text); ok {
		return v, true
	}
	var sum uint64
	for term := range strings.SplitSeq(text, "|") {
		v, ok := termOf(arch, strings.TrimSpace(term))
		if !ok {
			return 0, false
		}
		sum |= v
	}
	return sum, true
}

// synonyms are what strace calls values that package linux has no such name for.
var synonyms = map[string]uint64{"NULL": 0, "SIG_0": 0, "SCHED_OTHER": 0}

func termOf(arch *abi.Arch, text string) (uint64, bool) {
	for name := range strings.SplitSeq(text, " or ") { // names of one value
		if v, ok := arch.Const(name); ok {
			return v.Bits, true
		}
	}
	if v, ok := synonyms[text]; ok {
		return v, true
	}
	if n, err := strconv.ParseUint(text, 0, 64); err == nil {
		return n, true
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return uint64(n), true
	}
	if m := realtime.FindStringSubmatch(text); m != nil {
		n, err := strconv.ParseUint(m[1], 10, 8)
		return 32 + n, err == nil // SIGRTMIN of all ABIs
	}
	return 0, false
}

// request reads a request of ioctl's without a name, _IOC(direction, type, number,
// size), in the form of include/uapi/asm-generic/ioctl.h.
func request(arch *abi.Arch, text string) (uint64, bool) {
	m := ioc.FindStringSubmatch(text)
	if m == nil || strings.HasPrefix(arch.Name, "mips") || strings.HasPrefix(arch.Name, "ppc") {
		return 0, false
	}
	var direction uint64
	for d := range strings.SplitSeq(m[1], "|") {
		switch d {
		case "_IOC_NONE":
		case "_IOC_WRITE":
			direction |= 1
		case "_IOC_READ":
			direction |= 2
		default:
			return 0, false
		}
	}
	sum := direction << 30
	for i, shift := range []int{8, 0, 16} {
		n, err := strconv.ParseUint(m[2+i], 0, 14)
		if err != nil {
			return 0, false
		}
		sum |= n << shift
	}
	return sum, true
}
