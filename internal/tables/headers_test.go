package tables

import (
	"cmp"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// cross says where Debian keeps the kernel's headers for an ABI, and what they ask
// the compiler for.
type cross struct {
	pkg     string // linux-libc-dev-PKG-cross
	triple  string // installs into /usr/TRIPLE/include; several: the headers serve all of them
	defines string
}

var crosses = map[string]cross{
	"amd64":    {"amd64", "x86_64-linux-gnu", "__x86_64__ __LP64__"},
	"i386":     {"i386", "i686-linux-gnu x86_64-linux-gnu", "__i386__"},
	"x32":      {"x32", "x86_64-linux-gnux32 x86_64-linux-gnu", "__x86_64__ __ILP32__"},
	"arm64":    {"arm64", "aarch64-linux-gnu", "__aarch64__ __LP64__"},
	"arm":      {"armhf", "arm-linux-gnueabihf", "__arm__ __ARM_EABI__"},
	"riscv64":  {"riscv64", "riscv64-linux-gnu", "__riscv __LP64__ __riscv_xlen=64"},
	"s390x":    {"s390x", "s390x-linux-gnu", "__s390x__ __s390__ __LP64__"},
	"s390":     {"s390x", "s390x-linux-gnu", "__s390__"},
	"ppc64le":  {"ppc64el", "powerpc64le-linux-gnu", "__powerpc64__ __powerpc__ __LP64__"},
	"ppc64":    {"ppc64", "powerpc64-linux-gnu", "__powerpc64__ __powerpc__ __LP64__"},
	"ppc":      {"powerpc", "powerpc-linux-gnu", "__powerpc__"},
	"mips":     {"mips", "mips-linux-gnu", "__mips__ __MIPSEB__ " + mipsABIs + " _MIPS_SIM=_ABIO32 _MIPS_SZLONG=32"},
	"mipsle":   {"mipsel", "mipsel-linux-gnu", "__mips__ __MIPSEL__ " + mipsABIs + " _MIPS_SIM=_ABIO32 _MIPS_SZLONG=32"},
	"mips64":   {"mips64", "mips64-linux-gnuabi64", "__mips__ __MIPSEB__ " + mipsABIs + " __mips64 _MIPS_SIM=_ABI64 _MIPS_SZLONG=64"},
	"mips64le": {"mips64el", "mips64el-linux-gnuabi64", "__mips__ __MIPSEL__ " + mipsABIs + " __mips64 _MIPS_SIM=_ABI64 _MIPS_SZLONG=64"},
	"loong64":  {"loong64", "loongarch64-linux-gnu", "__loongarch__ __LP64__"},
}

const mipsABIs = "__linux__ _ABIO32=1 _ABIN32=2 _ABI64=3"

// include is where the headers are: below $SECGEN_HEADERS, below /usr, or, on a
// machine of that kind, where everybody's are.
func (c cross) include() []string {
	for triple := range strings.FieldsSeq(c.triple) {
		for _, dirs := range [][]string{
			{filepath.Join(os.Getenv("SECGEN_HEADERS"), triple, "include")},
			{filepath.Join("/usr", triple, "include")},
			{filepath.Join("/usr/include", triple), "/usr/include"},
		} {
			if _, err := os.Stat(filepath.Join(dirs[0], "asm/unistd.h")); err == nil {
				return dirs
			}
		}
	}
	return nil
}

// The kernel's headers, as Debian has them for each architecture, have the numbers
// and the values of the tables. They may be older than the tables, so what the
// tables have besides is only reported.
func TestTheTablesAreThoseOfTheHeaders(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc, to preprocess the headers")
	}
	ns, _ := load(t)
	arches, cs := loadConstants(t)
	for _, a := range arches {
		t.Run(a.name, func(t *testing.T) {
			c := crosses[a.name]
			dirs := c.include()
			if dirs == nil {
				t.Skipf("no kernel headers for %s: install linux-libc-dev-%s-cross, or unpack it and set SECGEN_HEADERS to its usr", a.name, c.pkg)
			}
			macros := preprocess(t, a, dirs)
			t.Run("numbers", func(t *testing.T) { compareNumbers(t, macros, ns[a.name]) })
			t.Run("constants", func(t *testing.T) { compareConstants(t, macros, a.name, cs) })
		})
	}
}

// knownDifferences are names whose value the tables have from newer headers than
// Debian's, or that are second names. (What data/corrections.tsv has is known too.)
var knownDifferences = map[string]string{
	"DM_VERSION_MINOR":  "counts",
	"FUTEX_CMD_MASK":    "lacks the bits of two more flags since Linux 7.2",
	"MOVE_MOUNT__MASK":  "has one more flag since Linux 6.5",
	"PKEY_ACCESS_MASK":  "has more flags on arm64 since Linux 6.12",
	"RTAX_FEATURE_MASK": "has one more flag since Linux 6.7",

	"__NR_sync_file_range2": "arm: arm_sync_file_range",
}

func loadConstants(t *testing.T) ([]arch, *constants) {
	dir, err := xsysDir()
	if err != nil {
		t.Fatal(err)
	}
	arches, err := readArches()
	if err != nil {
		t.Fatal(err)
	}
	cs, err := readXsys(dir, arches)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"constants.tsv", "corrections.tsv"} {
		if err := cs.overlay(arches, file); err != nil {
			t.Fatal(err)
		}
	}
	return arches, cs
}

// ofLibc are the headers that the kernel's include and no package of the kernel
// has. For macros it is enough that they are there.
var ofLibc = []string{
	"stddef.h", "stdint.h", "stdbool.h", "string.h", "time.h", "unistd.h", "limits.h",
	"sys/types.h", "sys/time.h", "sys/ioctl.h", "sys/socket.h", "netinet/in.h",
}

var macro = regexp.MustCompile(`(?m)^#define (\w+) .`)

// preprocess expands every macro that has no parameters, of all headers in
// data/headers.tsv that are there.
func preprocess(t *testing.T, a arch, dirs []string) map[string]string {
	t.Helper()
	tmp := t.TempDir()
	for _, h := range ofLibc {
		file := filepath.Join(tmp, h)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	headers, err := Headers()
	if err != nil {
		t.Fatal(err)
	}
	var head strings.Builder
	head.WriteString("#include <linux/types.h>\n") // __BITS_PER_LONG, for those that forgot it
	for _, h := range slices.Sorted(maps.Keys(headers)) {
		for _, dir := range dirs {
			if _, err := os.Stat(filepath.Join(dir, h)); err == nil {
				fmt.Fprintf(&head, "#include <%s>\n", h)
				break
			}
		}
	}
	args := []string{"-E", "-P", "-undef", "-nostdinc", "-isystem", tmp, "-D__BYTE_ORDER__=0", "-D__SIZEOF_POINTER__=" + map[string]string{"32": "4", "64": "8"}[a.word]}
	for _, dir := range dirs {
		args = append(args, "-isystem", dir)
	}
	for d := range strings.FieldsSeq(crosses[a.name].defines) {
		args = append(args, "-D"+d)
	}
	gcc := func(text string, more ...string) string {
		cmd := exec.Command("gcc", slices.Concat(args, more, []string{"-"})...)
		cmd.Stdin = strings.NewReader(text)
		var messages strings.Builder
		cmd.Stderr = &messages
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gcc: %v\n%s", err, &messages)
		}
		return string(out)
	}
	names := map[string]bool{}
	for _, m := range macro.FindAllStringSubmatch(gcc(head.String(), "-dM"), -1) {
		names[m[1]] = true
	}
	text := head.String()
	for name := range names {
		text += fmt.Sprintf("\n@%q %s\n", name, name)
	}
	out := map[string]string{}
	for line := range strings.SplitSeq(gcc(text), "\n") {
		if name, value, ok := strings.Cut(strings.TrimPrefix(line, `@"`), `" `); ok && strings.HasPrefix(line, "@") {
			out[name] = value
		}
	}
	return out
}

var (
	suffix = regexp.MustCompile(`(?i)\b(0x[0-9a-f]+|[0-9]+)(u|l|ul|ull|ll|lu|llu)\b`)
	sizeof = regexp.MustCompile(`sizeof\((\w+)\)`)
	sizes  = map[string]string{"char": "1", "int": "4", "__u32": "4", "__s32": "4", "__u64": "8", "__s64": "8", "__u8": "1", "__u16": "2"}
)

// integer evaluates a C expression of integers, of no type; false if it is none.
func integer(expr string) (constant.Value, bool) {
	expr = suffix.ReplaceAllString(expr, "$1")
	expr = sizeof.ReplaceAllStringFunc(expr, func(s string) string {
		return cmp.Or(sizes[sizeof.FindStringSubmatch(s)[1]], s)
	})
	v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, strings.ReplaceAll(expr, "~", "^"))
	if err != nil || v.Value == nil || v.Value.Kind() != constant.Int {
		return nil, false
	}
	return v.Value, true
}

func compareNumbers(t *testing.T, macros map[string]string, calls map[string]uint32) {
	known, err := notCalls()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for name, expr := range macros {
		call, ok := strings.CutPrefix(name, "__NR_")
		if !ok {
			continue
		}
		v, ok := integer(expr)
		if !ok || known.MatchString(call) || call != strings.ToLower(call) || knownDifferences[name] != "" {
			continue
		}
		have[call] = true
		if n, ok := calls[call]; !ok || strconv.FormatUint(uint64(n), 10) != v.ExactString() {
			t.Errorf("%s: the headers have %s, the tables %d, %v", call, v, n, ok)
		}
	}
	if len(have) < 300 {
		t.Errorf("only %d numbers in the headers", len(have))
	}
	var more []string
	for call := range calls {
		if !have[call] {
			more = append(more, call)
		}
	}
	slices.Sort(more)
	t.Logf("%d calls compared; the tables have besides: %s", len(have), strings.Join(more, " "))
}

func compareConstants(t *testing.T, macros map[string]string, abi string, cs *constants) {
	corrected, err := rows("corrections.tsv", "name", "abis", "value", "source")
	if err != nil {
		t.Fatal(err)
	}
	known := maps.Clone(knownDifferences)
	for _, r := range corrected {
		known[r[0]] = r[3]
	}
	compared := 0
	for _, vs := range []values{cs.values, cs.errnos} {
		for _, name := range slices.Sorted(maps.Keys(vs)) {
			v, ok := integer(macros[name])
			if !ok {
				continue
			}
			got, has := vs[name][abi]
			compared++
			if (!has || !same(got, v)) && known[name] == "" {
				t.Errorf("%s: the headers have %s, the tables %q", name, v, got)
			}
		}
	}
	t.Logf("%d constants compared", compared)
}

// same reports whether a decimal number is a value, or its 32 bits as C has them:
// in an int, 1 << 31 is negative, and in an unsigned ~0 is not.
func same(decimal string, v constant.Value) bool {
	d := constant.MakeFromLiteral(decimal, token.INT, 0)
	if negative, ok := strings.CutPrefix(decimal, "-"); ok {
		d = constant.UnaryOp(token.SUB, constant.MakeFromLiteral(negative, token.INT, 0), 0)
	}
	diff := constant.BinaryOp(d, token.SUB, v)
	for _, bits := range []uint{32, 64} {
		wrap := constant.Shift(constant.MakeInt64(1), token.SHL, bits)
		if constant.Compare(diff, token.EQL, wrap) || constant.Compare(diff, token.EQL, constant.UnaryOp(token.SUB, wrap, 0)) {
			return true
		}
	}
	return constant.Sign(diff) == 0
}
