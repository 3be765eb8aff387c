// Command headers makes data/constants.tsv: the constants that policies need and
// golang.org/x/sys/unix lacks, or has with another value than the kernel's.
//
//	go run ./internal/tables/headers LINUX LINUX-WITH-S390 >internal/tables/data/constants.tsv
//
// LINUX is an unpacked kernel source, LINUX-WITH-S390 one that still has the
// 31-bit ABI of s390. For each ABI the headers are installed as the kernel
// installs them, compiled by clang for that target, and every constant that they
// define is evaluated. It needs make, rsync and a clang with all targets (CLANG
// names it).
//
// The table in the tree is that of Debian's linux-source-7.2 (7.2.13) and
// linux-source-6.12 (6.12.117), with clang 19.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/internal/tables"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "headers:", err)
		os.Exit(1)
	}
}

// target says how the headers of an ABI are compiled.
type target struct {
	arch   string   // the kernel's ARCH
	triple string   // clang's
	flags  []string // more for clang
}

var targets = map[string]target{
	"amd64":    {"x86", "x86_64-linux-gnu", nil},
	"i386":     {"x86", "i386-linux-gnu", nil},
	"x32":      {"x86", "x86_64-linux-gnux32", nil},
	"arm64":    {"arm64", "aarch64-linux-gnu", nil},
	"arm":      {"arm", "arm-linux-gnueabihf", nil},
	"riscv64":  {"riscv", "riscv64-linux-gnu", nil},
	"s390x":    {"s390", "s390x-linux-gnu", nil},
	"ppc64le":  {"powerpc", "powerpc64le-linux-gnu", nil},
	"ppc64":    {"powerpc", "powerpc64-linux-gnu", nil},
	"ppc":      {"powerpc", "powerpc-linux-gnu", nil},
	"mips":     {"mips", "mips-linux-gnu", nil},
	"mipsle":   {"mips", "mipsel-linux-gnu", nil},
	"mips64":   {"mips", "mips64-linux-gnuabi64", nil},
	"mips64le": {"mips", "mips64el-linux-gnuabi64", nil},
	"loong64":  {"loongarch", "loongarch64-linux-gnu", nil},
	// clang has no 31-bit s390. 32-bit PowerPC is big-endian and lays out
	// structures the same way; the headers ask for these macros only.
	"s390": {"s390", "powerpc-linux-gnu", []string{"-U__powerpc__", "-U__PPC__", "-U__powerpc", "-D__s390__"}},
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: headers LINUX LINUX-WITH-S390")
	}
	abis, xsys, err := tables.Xsys()
	if err != nil {
		return err
	}
	wanted, err := tables.Headers()
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "headers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	out := map[string]map[string]string{} // by name and ABI
	from := map[string]string{}
	seen := map[string]bool{} // names that x/sys and a header have
	for _, abi := range abis {
		t, ok := targets[abi]
		if !ok {
			return fmt.Errorf("no target for %s", abi)
		}
		source := args[0]
		if abi == "s390" {
			source = args[1]
		}
		include, err := install(tmp, source, t.arch)
		if err != nil {
			return err
		}
		values, where, err := evaluate(tmp, include, t, wanted)
		if err != nil {
			return fmt.Errorf("%s: %w", abi, err)
		}
		for name, v := range values {
			has, known := xsys[name]
			if known {
				seen[name] = true
			}
			switch {
			case strings.HasPrefix(name, "_") || strings.HasPrefix(name, "__NR_"):
			case known && has[abi] == v:
			case known, takes(patterns(wanted, where[name]), name):
				if out[name] == nil {
					out[name] = map[string]string{}
				}
				out[name][abi] = v
				from[name] = cmp.Or(from[name], where[name])
			}
		}
		fmt.Fprintf(os.Stderr, "%s: %d constants\n", abi, len(values))
	}
	fmt.Fprintf(os.Stderr, "%d of x/sys's %d names compared\n", len(seen), len(xsys))
	return write(abis, out, from)
}

// patterns gives the patterns for a header. One that is not listed, but is the
// architecture's or the generic stand-in for it, has those of all asm/ headers.
func patterns(wanted map[string][]string, header string) []string {
	if p, ok := wanted[header]; ok || !strings.HasPrefix(header, "asm") {
		return p
	}
	var all []string
	for h, p := range wanted {
		if strings.HasPrefix(h, "asm/") {
			all = append(all, p...)
		}
	}
	return all
}

// takes reports whether a name is among the patterns, and not among those with !.
func takes(patterns []string, name string) bool {
	taken := false
	for _, p := range patterns {
		p, not := strings.CutPrefix(p, "!")
		if ok, _ := path.Match(p, name); ok {
			if not {
				return false
			}
			taken = true
		}
	}
	return taken
}

// install runs the kernel's headers_install and returns the include directory.
func install(tmp, source, arch string) (string, error) {
	dir := filepath.Join(tmp, filepath.Base(source), arch)
	include := filepath.Join(dir, "usr", "include")
	if _, err := os.Stat(include); err == nil {
		return include, nil
	}
	build := filepath.Join(dir, "build")
	if err := os.MkdirAll(build, 0o755); err != nil {
		return "", err
	}
	cmd := exec.Command("make", "-s", "-C", source, "headers_install", "ARCH="+arch, "O="+build, "INSTALL_HDR_PATH="+filepath.Join(dir, "usr"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make headers_install ARCH=%s: %w\n%s", arch, err, out)
	}
	return include, nil
}

// stubs stand in for the little that the kernel's headers take from libc's.
var stubs = map[string]string{
	"stddef.h":     "#pragma once\ntypedef __SIZE_TYPE__ size_t;\n#define NULL ((void *)0)\n#define offsetof(t, m) __builtin_offsetof(t, m)\n",
	"stdint.h":     "#pragma once\ntypedef __UINT8_TYPE__ uint8_t; typedef __UINT16_TYPE__ uint16_t; typedef __UINT32_TYPE__ uint32_t; typedef __UINT64_TYPE__ uint64_t; typedef __INT32_TYPE__ int32_t; typedef __INT64_TYPE__ int64_t; typedef __UINTPTR_TYPE__ uintptr_t;\n",
	"stdbool.h":    "#define bool _Bool\n",
	"string.h":     "",
	"time.h":       "#include <linux/time.h>\n",
	"unistd.h":     "",
	"sys/types.h":  "",
	"sys/time.h":   "#include <linux/time.h>\n",
	"sys/ioctl.h":  "#include <linux/ioctl.h>\n",
	"sys/socket.h": "#pragma once\ntypedef unsigned short sa_family_t;\nstruct sockaddr { sa_family_t sa_family; char sa_data[14]; };\n",
	"netinet/in.h": "",
	"limits.h":     "",
}

var (
	define = regexp.MustCompile(`^#define ([A-Za-z]\w*) .`)
	marker = regexp.MustCompile(`^# \d+ "([^"]*)"`)
	enumer = regexp.MustCompile(`(?s)\benum\b[^{};()]*\{([^}]*)\}`)
	ident  = regexp.MustCompile(`(?m)(?:^|,)\s*([A-Za-z]\w*)\s*(?:=|,|$)`)
	failed = regexp.MustCompile(`(?m)^[^:\n]*probe\.c:(\d+):\d+: error:`)
	global = regexp.MustCompile(`(?m)^@([vn])_(\w+) = .*global i(?:64|8) (-?\d+)`)
)

// evaluate gives every integer constant that the headers define for a target,
// in decimal, and the header that defines it.
func evaluate(tmp, include string, t target, headers map[string][]string) (values, where map[string]string, err error) {
	stub := filepath.Join(tmp, "stub")
	for name, text := range stubs {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(stub, name)), 0o755); err != nil {
			return nil, nil, err
		}
		if err := os.WriteFile(filepath.Join(stub, name), []byte(text), 0o644); err != nil {
			return nil, nil, err
		}
	}
	var head strings.Builder
	head.WriteString("#include <stddef.h>\n#include <stdint.h>\n#include <linux/time.h>\n")
	for _, h := range slices.Sorted(maps.Keys(headers)) {
		if _, err := os.Stat(filepath.Join(include, h)); err == nil {
			fmt.Fprintf(&head, "#include <%s>\n", h)
		}
	}
	probe := filepath.Join(tmp, "probe.c")
	clang := func(args ...string) ([]byte, []byte, error) {
		flags := append([]string{"--target=" + t.triple, "-nostdinc", "-isystem", include, "-isystem", stub, "-ferror-limit=0", "-w", "-o", "-"}, t.flags...)
		cmd := exec.Command(cmp.Or(os.Getenv("CLANG"), "clang-19"), slices.Concat(flags, args, []string{probe})...)
		var out, messages bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &messages
		err := cmd.Run()
		return out.Bytes(), messages.Bytes(), err
	}

	if err := os.WriteFile(probe, []byte(head.String()), 0o644); err != nil {
		return nil, nil, err
	}
	text, messages, err := clang("-E", "-dD")
	if err != nil {
		return nil, nil, fmt.Errorf("%w\n%s", err, messages)
	}
	where = names(text, include)

	lines := strings.Count(head.String(), "\n")
	candidates := slices.Sorted(maps.Keys(where))
	for {
		var b strings.Builder
		b.WriteString(head.String())
		for _, name := range candidates {
			fmt.Fprintf(&b, "enum { e_%s = 0 * (%s) }; long long v_%[1]s = (long long)(%[1]s); signed char n_%[1]s = (%[1]s) < 0;\n", name, name)
		}
		if err := os.WriteFile(probe, []byte(b.String()), 0o644); err != nil {
			return nil, nil, err
		}
		ir, messages, err := clang("-S", "-emit-llvm")
		if err == nil {
			values, err = read(ir)
			return values, where, err
		}
		bad := map[string]bool{}
		for _, m := range failed.FindAllSubmatch(messages, -1) {
			if n, _ := strconv.Atoi(string(m[1])); n > lines {
				bad[candidates[n-lines-1]] = true
			}
		}
		if len(bad) == 0 {
			return nil, nil, fmt.Errorf("%w\n%s", err, messages)
		}
		candidates = slices.DeleteFunc(candidates, func(name string) bool { return bad[name] })
	}
}

// names lists the macros without parameters and the enumerators in preprocessed
// text, with the header, relative to include, that defines each.
func names(text []byte, include string) map[string]string {
	out := map[string]string{}
	header := ""
	var code strings.Builder
	flush := func() {
		for _, m := range enumer.FindAllStringSubmatch(code.String(), -1) {
			for _, id := range ident.FindAllStringSubmatch(m[1], -1) {
				out[id[1]] = header
			}
		}
		code.Reset()
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if m := marker.FindStringSubmatch(line); m != nil {
			rel, err := filepath.Rel(include, m[1])
			if err != nil || strings.HasPrefix(rel, "..") {
				rel = ""
			}
			if rel != header {
				flush()
				header = rel
			}
			continue
		}
		if m := define.FindStringSubmatch(line); m != nil && header != "" {
			out[m[1]] = header
		}
		if !strings.HasPrefix(line, "#") {
			code.WriteString(line + "\n")
		}
	}
	flush()
	return out
}

// read takes the values out of LLVM's intermediate text.
func read(ir []byte) (map[string]string, error) {
	value, negative := map[string]int64{}, map[string]bool{}
	for _, m := range global.FindAllSubmatch(ir, -1) {
		n, err := strconv.ParseInt(string(m[3]), 10, 64)
		if err != nil {
			return nil, err
		}
		if string(m[1]) == "v" {
			value[string(m[2])] = n
		} else {
			negative[string(m[2])] = n != 0
		}
	}
	out := map[string]string{}
	for name, n := range value {
		if negative[name] {
			out[name] = strconv.FormatInt(n, 10)
		} else {
			out[name] = strconv.FormatUint(uint64(n), 10)
		}
	}
	return out, nil
}

// write prints the table: for each name its values, those of most ABIs first.
func write(abis []string, values map[string]map[string]string, from map[string]string) error {
	w := bufio.NewWriter(os.Stdout)
	fmt.Fprint(w, `# Constants of the kernel's uapi headers that golang.org/x/sys/unix lacks, or has with another value.
# Made by headers/ from Linux 7.2.13 (s390: 6.12.117); the source is the header.
#
name	abis	value	source
`)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		by := map[string][]string{}
		for _, abi := range abis {
			if v, ok := values[name][abi]; ok {
				by[v] = append(by[v], abi)
			}
		}
		vs := slices.SortedFunc(maps.Keys(by), func(x, y string) int {
			return cmp.Or(len(by[y])-len(by[x]), cmp.Compare(x, y))
		})
		for _, v := range vs {
			list := strings.Join(by[v], ",")
			if len(by[v]) == len(abis) {
				list = "*"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, list, v, from[name])
		}
	}
	return w.Flush()
}
