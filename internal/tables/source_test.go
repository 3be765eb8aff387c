package tables

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A kernel's own table of calls: for each ABI the file, its ABI columns, and the
// directory below arch/ whose definitions come before those for all.
type kernelTable struct {
	file, columns, dir string
	base               uint32
}

var kernelTables = map[string]kernelTable{
	"amd64":    {"arch/x86/entry/syscalls/syscall_64.tbl", "common 64", "x86", 0},
	"i386":     {"arch/x86/entry/syscalls/syscall_32.tbl", "i386", "x86", 0},
	"x32":      {"arch/x86/entry/syscalls/syscall_64.tbl", "common x32", "x86", 1 << 30},
	"arm64":    {"scripts/syscall.tbl", "common 64 renameat rlimit memfd_secret", "arm64", 0},
	"arm":      {"arch/arm/tools/syscall.tbl", "common eabi", "arm", 0},
	"riscv64":  {"scripts/syscall.tbl", "common 64 riscv rlimit memfd_secret", "riscv", 0},
	"s390x":    {"arch/s390/kernel/syscalls/syscall.tbl", "common 64", "s390", 0},
	"s390":     {"arch/s390/kernel/syscalls/syscall.tbl", "common 32", "s390", 0},
	"ppc64le":  {"arch/powerpc/kernel/syscalls/syscall.tbl", "common nospu 64", "powerpc", 0},
	"ppc64":    {"arch/powerpc/kernel/syscalls/syscall.tbl", "common nospu 64", "powerpc", 0},
	"ppc":      {"arch/powerpc/kernel/syscalls/syscall.tbl", "common nospu 32", "powerpc", 0},
	"mips":     {"arch/mips/kernel/syscalls/syscall_o32.tbl", "o32", "mips", 4000},
	"mipsle":   {"arch/mips/kernel/syscalls/syscall_o32.tbl", "o32", "mips", 4000},
	"mips64":   {"arch/mips/kernel/syscalls/syscall_n64.tbl", "n64", "mips", 5000},
	"mips64le": {"arch/mips/kernel/syscalls/syscall_n64.tbl", "n64", "mips", 5000},
	"loong64":  {"scripts/syscall.tbl", "common 64 loongarch", "loongarch", 0},
}

// entries reads the entry points of each number: that of a kernel of the ABI's
// width, and for a 32-bit ABI that of a 64-bit kernel too. (31-bit s390 has no
// kernel of its own any more; x32 never had.)
func (k kernelTable) entries(t *testing.T, root string, a arch) map[uint32][]string {
	text, err := os.ReadFile(filepath.Join(root, k.file))
	if err != nil {
		t.Skip(err)
	}
	if !strings.Contains(string(text), "\t"+k.columns[strings.LastIndex(k.columns, " ")+1:]+"\t") && a.name == "s390" {
		t.Skip("this kernel has no 31-bit ABI")
	}
	out := map[uint32][]string{}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		cells := strings.Fields(line)
		if len(cells) < 4 || !slices.Contains(strings.Fields(k.columns), cells[1]) {
			continue
		}
		n, err := strconv.ParseUint(cells[0], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		list := cells[3:]
		switch {
		case a.word == "64" || a.name == "arm": // arm's second is for its old ABI
			list = list[:1]
		case a.name == "s390" && len(list) == 2 && list[1] != "-":
			list = list[1:]
		}
		out[uint32(n)+k.base] = slices.DeleteFunc(list, func(s string) bool { return s == "-" || s == "sys_ni_syscall" || s == "noreturn" })
	}
	return out
}

// definition is a function that the kernel calls for a number.
type definition struct {
	file   string
	params []string // "type name"
}

var (
	syscallDefine = regexp.MustCompile(`\b(COMPAT_|PPC32_)?SYSCALL(32)?_DEFINE\d\(\s*`)
	asmlinkage    = regexp.MustCompile(`(?m)^(?:asmlinkage |static )?(?:long|int|unsigned long|notrace long|[\w \t]*asmlinkage[\w \t*]*)\s+\*?((?:compat_)?sys\w*_\w+)\(([^;{}()]*)\)\s*\{`)
	spaces        = regexp.MustCompile(`\s+`)
	remarks       = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
)

// definitions finds every entry point in a kernel's source.
func definitions(t *testing.T, root string) map[string][]definition {
	out := map[string][]definition{}
	for _, dir := range []string{"arch", "block", "drivers/pci", "drivers/char", "fs", "init", "io_uring", "ipc", "kernel", "lib", "mm", "net", "security"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".c") {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(raw), "SYSCALL") && !strings.Contains(string(raw), "sys") {
				return err
			}
			text := remarks.ReplaceAllString(string(raw), "")
			file, _ := filepath.Rel(root, path)
			for _, at := range syscallDefine.FindAllStringIndex(text, -1) {
				parts := split(text[at[1]:])
				d := definition{file, pairs(parts[1:])}
				macro := text[at[0]:at[1]]
				compat := strings.HasPrefix(macro, "COMPAT_")
				if !compat {
					out["sys_"+parts[0]] = append(out["sys_"+parts[0]], d)
				}
				// The latter two define both.
				if compat || strings.HasPrefix(macro, "PPC32_") || strings.HasPrefix(macro, "SYSCALL32_") {
					out["compat_sys_"+parts[0]] = append(out["compat_sys_"+parts[0]], d)
				}
			}
			for _, m := range asmlinkage.FindAllStringSubmatch(text, -1) {
				params := split(m[2] + ")")
				if len(params) == 1 && (params[0] == "void" || params[0] == "") {
					params = nil
				}
				out[m[1]] = append(out[m[1]], definition{file, params})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// split takes the arguments of a macro, up to the parenthesis that ends it.
func split(text string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')' && depth > 0:
			depth--
		case r == ')' || r == ',' && depth == 0:
			out = append(out, strings.TrimSpace(spaces.ReplaceAllString(text[from:i], " ")))
			from = i + 1
			if r == ')' {
				return out
			}
		}
	}
	return out
}

// halves are the macros that stand for a 64-bit parameter, in one register of a
// 64-bit kernel and in two of a 32-bit task.
var halves = regexp.MustCompile(`^(?:SC_ARG64|(?:compat_)?arg_u64\w*|SC_VAL64)\((?:\w+, *)?(\w+)\)$`)

// pairs joins types and names.
func pairs(parts []string) []string {
	var out []string
	for i := 0; i < len(parts); i++ {
		if m := halves.FindStringSubmatch(parts[i]); m != nil {
			out = append(out, "u64 "+m[1])
			continue
		}
		if i+1 < len(parts) {
			out = append(out, parts[i]+" "+parts[i+1])
			i++
		}
	}
	return out
}

// class is what a filter has to know of a C type: how wide it is and whether it is
// signed.
type class struct{ bits, sign string }

var classes = map[class]string{
	{"16", "u"}:   "umode_t old_uid_t old_gid_t",
	{"32", "s"}:   "int pid_t clockid_t key_serial_t timer_t __s32 s32 mqd_t rwf_t key_t compat_pid_t compat_int_t compat_timer_t compat_off_t compat_long_t compat_ssize_t",
	{"32", "u"}:   "unsigned|unsigned int|uint|u_int|u32|__u32|uid_t|gid_t|qid_t|enum landlock_rule_type|compat_ulong_t|compat_size_t|compat_uint_t|compat_uptr_t|compat_old_sigset_t|compat_aio_context_t|aio_context32_t|compat_mode_t|compat_dev_t",
	{"word", "s"}: "long off_t ssize_t time_t __kernel_long_t",
	{"word", "u"}: "unsigned long|unsigned long int|size_t|aio_context_t|uintptr_t|old_sigset_t",
	{"64", "s"}:   "loff_t s64",
	{"64", "u"}:   "u64 __u64",
	{"ptr", "-"}:  "cap_user_header_t cap_user_data_t __sighandler_t __sigrestore_t",
}

var (
	qualifier = regexp.MustCompile(`\b(const|__user|volatile)\b`)
	byType    = map[string]class{}
)

func init() {
	for c, list := range classes {
		sep := " "
		if strings.Contains(list, "|") {
			sep = "|"
		}
		for s := range strings.SplitSeq(list, sep) {
			byType[s] = c
		}
	}
}

// classOf reads a parameter, "type name".
func classOf(param string) (class, bool) {
	s := strings.TrimSpace(spaces.ReplaceAllString(qualifier.ReplaceAllString(param, ""), " "))
	if strings.Contains(s, "*") {
		return class{"ptr", "-"}, true
	}
	for _, typ := range []string{s[:max(0, strings.LastIndex(s, " "))], s} {
		if c, ok := byType[typ]; ok {
			return c, true
		}
	}
	return class{}, false
}

// place finds the parameters in the slots where the ABI passes them: 64-bit ones
// of a 32-bit ABI in two, from an even slot on where the ABI wants that.
func place(a arch, params []string, compat bool) map[string]string {
	aligned := a.word == "32" && !compat && (a.name == "arm" || strings.HasPrefix(a.name, "mips") || a.name == "ppc")
	out := map[string]string{}
	slot := 0
	for _, p := range params {
		c, ok := classOf(p)
		wide := ok && c.bits == "64" && a.word == "32"
		if wide && (aligned || compat && a.name != "i386" && a.name != "s390") && slot%2 == 1 {
			slot++
		}
		out[strconv.Itoa(slot)] = p
		if wide {
			slot++
			out[strconv.Itoa(slot)] = p
		}
		slot++
	}
	return out
}

// The tables' widths, signs and slots are those of the functions that the kernel's
// own tables name for each ABI, as its source declares them, but where
// data/widths.tsv has a source for less. $SECGEN_LINUX is an unpacked kernel
// source, such as Debian's linux-source-6.12 (which still has s390).
func TestArgumentsAreThoseOfTheSource(t *testing.T) {
	root := os.Getenv("SECGEN_LINUX")
	if root == "" {
		t.Skip("SECGEN_LINUX names no kernel source: unpack Debian's linux-source-6.12 or a newer one")
	}
	defs := definitions(t, root)
	arches, err := readArches()
	if err != nil {
		t.Fatal(err)
	}
	ns, calls := load(t)
	for _, a := range arches {
		t.Run(a.name, func(t *testing.T) {
			entries := kernelTables[a.name].entries(t, root, a)
			compared, missing := 0, []string{}
			for _, name := range slices.Sorted(maps.Keys(ns[a.name])) {
				for _, entry := range entries[ns[a.name][name]] {
					// MIPS's __sys_clone saves registers and calls sys_clone.
					found := own(defs[strings.TrimPrefix(entry, "__")], kernelTables[a.name].dir)
					if len(found) == 0 {
						missing = append(missing, entry)
						continue
					}
					var wrong []string
					for _, d := range found {
						if s := differs(a, calls[name], d, strings.HasPrefix(entry, "compat_")); s != "" {
							wrong = append(wrong, d.file+": "+entry+"("+strings.Join(d.params, ", ")+"): "+s)
						}
					}
					compared++
					if len(wrong) == len(found) {
						t.Errorf("%s", strings.Join(wrong, "\n\t"))
					}
				}
			}
			t.Logf("%d entry points compared; not found: %s", compared, strings.Join(missing, " "))
			if compared < 250 {
				t.Errorf("only %d", compared)
			}
		})
	}
}

// own takes the definitions of an ABI's own directory, if there are any, else those
// for all architectures.
func own(defs []definition, dir string) []definition {
	var here, all []definition
	for _, d := range defs {
		switch {
		case strings.HasPrefix(d.file, "arch/"+dir+"/"):
			here = append(here, d)
		case !strings.HasPrefix(d.file, "arch/"):
			all = append(all, d)
		}
	}
	if here != nil {
		return slices.DeleteFunc(here, func(d definition) bool { return strings.Contains(d.file, "/um/") })
	}
	return all
}

// differs compares the parameters of a call on an ABI with a definition.
func differs(a arch, c *call, d definition, compat bool) string {
	at := place(a, d.params, compat)
	on := func(k class) string {
		if k.bits == "word" || k.bits == "ptr" {
			return a.word
		}
		return k.bits
	}
	for _, p := range c.on[a.name] {
		for _, slot := range []string{p.slot, p.high} {
			if slot == "-" || slot == "unseen" {
				continue
			}
			declared, ok := at[slot]
			if knownParameters[c.name+" "+cmp.Or(last(declared), p.name)] != "" {
				continue
			}
			if !ok {
				return fmt.Sprintf("it has no %s in slot %s", p.name, slot)
			}
			k, ok := classOf(declared)
			if !ok {
				return fmt.Sprintf("the type of %s is unknown", declared)
			}
			switch {
			case p.high != "-" && (on(k) == "32" || k.bits == "64"): // a half
			case on(k) != p.width(a) && p.cut == "":
				return fmt.Sprintf("%s has %s bits, here %s", declared, on(k), p.width(a))
			case (k.bits == "ptr") != (p.bits == "ptr") && !compat:
				return fmt.Sprintf("%s is a pointer, or %s is", declared, p.name)
			case k.sign != p.sign && k.bits != "ptr" && p.bits != "ptr" && !compat:
				return fmt.Sprintf("%s is %s, here %s", declared, k.sign, p.sign)
			}
		}
	}
	for slot, declared := range at {
		if n, _ := strconv.Atoi(slot); n > 5 || pad.MatchString(declared) || knownParameters[c.name+" "+last(declared)] != "" {
			continue
		}
		if !slices.ContainsFunc(c.on[a.name], func(p param) bool { return p.slot == slot || p.high == slot }) {
			return fmt.Sprintf("%s is missing", declared)
		}
	}
	return ""
}

// pad matches parameters that no kernel looks at.
var pad = regexp.MustCompile(`\b(unused\d?|_*pad\d?|__dummy|r4|reg[46]|r6)$`)

// last is the name of a parameter.
func last(param string) string { return param[strings.LastIndexAny(param, " *")+1:] }

// knownParameters are those that are declared, in one definition or another, as
// the kernel does not use them.
var knownParameters = map[string]string{
	"preadv pos_h":            "shifted out where a register has 64 bits: data/slots.tsv",
	"preadv2 pos_h":           "as preadv's",
	"pwritev pos_h":           "as preadv's",
	"pwritev2 pos_h":          "as preadv's",
	"futimesat dfd":           "fs/utimes.c hands the time32 form's unsigned int on as an int",
	"utimensat dfd":           "as futimesat's",
	"mq_open mode":            "ipc/mqueue.c, do_mq_open takes the compat_mode_t as a umode_t",
	"sync_file_range flags":   "arch/x86/kernel/sys_ia32.c hands the int on as an unsigned int",
	"mmap offset":             "mm/mmap.c, ksys_mmap_pgoff takes PowerPC's and MIPS's off_t in pages, as an unsigned long",
	"personality personality": "arch/powerpc/kernel/syscalls.c: ksys_personality takes PowerPC's unsigned long as an unsigned int",
	"readahead a3":            "arch/mips/kernel/linux32.c has a half in a u64",
	"readahead count":         "as a3",
	"bpf attr_common":         "new in Linux 7.2",
	"bpf size_common":         "new in Linux 7.2",
}

// The comparison finds what it is for, without a kernel's source.
func TestDiffers(t *testing.T) {
	arches, err := readArches()
	if err != nil {
		t.Fatal(err)
	}
	_, calls := load(t)
	for _, test := range []struct{ abi, call, params, want string }{
		{"amd64", "openat", "int dfd, const char __user * filename, int flags, umode_t mode", ""},
		{"amd64", "openat", "long dfd, const char __user * filename, int flags, umode_t mode", "long dfd has 64 bits, here 32"},
		{"amd64", "openat", "int dfd, const char __user * filename, unsigned flags, umode_t mode", "unsigned flags is u, here s"},
		{"amd64", "openat", "int dfd, unsigned long filename, int flags, umode_t mode", "unsigned long filename is a pointer, or pathname is"},
		{"amd64", "openat", "int dfd, const char __user * filename, int flags", "it has no mode in slot 3"},
		{"amd64", "close", "unsigned int fd, int flags", "int flags is missing"},
		{"amd64", "close", "frob fd", "the type of frob fd is unknown"},
		{"s390x", "clone", "unsigned long newsp, unsigned long clone_flags, int * a, int * b, unsigned long tls", ""},
		{"arm", "truncate64", "const char * path, loff_t length", ""},
		{"i386", "truncate64", "const char * path, int unused, loff_t length", "loff_t length is missing"},
	} {
		a := arches[slices.IndexFunc(arches, func(a arch) bool { return a.name == test.abi })]
		if got := differs(a, calls[test.call], definition{params: split(test.params + ")")}, false); got != test.want {
			t.Errorf("%s %s(%s): got %q, want %q", test.abi, test.call, test.params, got, test.want)
		}
	}
}
