package abi

import "math"

// Range is a range of numbers, both ends included.
type Range struct{ Lo, Hi uint32 }

// Arch is one ABI. The package's values are shared: do not change them.
type Arch struct {
	Name      string  // as dsl.Arch
	Family    string  // names the set of ABIs that one kernel serves side by side
	GOARCH    string  // "" if Go has no such port
	Audit     uint32  // AUDIT_ARCH_*, what seccomp_data.arch holds
	Word      int     // bits of an argument register that the ABI's entry looks at: 32 or 64
	BigEndian bool    // of seccomp_data too
	Numbers   []Range // numbers that belong to the ABI under its audit value
	Generic   []Range // numbers from which the kernel takes those of new calls
	Foreign   []Range // numbers of Numbers that some kernels take for another ABI's calls
	Note      string  // what a reader of a filter has to know besides
}

// last is the greatest number that a call can have. 0xffffffff is no call: it is
// what a filter sees of one that a tracer skipped.
const last = math.MaxUint32 - 1

// x32Bit is __X32_SYSCALL_BIT of arch/x86/include/uapi/asm/unistd.h.
const x32Bit = 0x40000000

var all = []Range{{0, last}}

// A new call gets one number everywhere: the one after the last in
// scripts/syscall.tbl (from 424, pidfd_send_signal, all tables agree, but for
// MIPS's bases and x32's bit). So the numbers have no upper bound of their own;
// where an ABI has one, the comment says why.
//
// Not every call came that way: uretprobe 335 and uprobe 336 came to amd64 (and
// so x32) later, below 424; Linux 6.12 has the former alone. Newer begins above
// the call that a policy names, so such a hole is answered by Default.
var generic = []Range{{0, math.MaxInt32}} // seccomp_data.nr is an int

// arches holds every ABI in the order of dsl/arch.go. Audit values are those of
// include/uapi/linux/audit.h: __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE | EM_*.
var arches = []*Arch{
	{
		Name: "amd64", Family: "x86", GOARCH: "amd64", Audit: 0xc000003e, Word: 64,
		// x32 has the same audit value and the numbers with bit 30.
		Numbers: []Range{{0, x32Bit - 1}},
		// 512 to 547 are x32's for ever (arch/x86/entry/syscalls/syscall_64.tbl).
		Generic: []Range{{0, 511}, {548, x32Bit - 1}},
		// Before Linux 5.4 they worked without bit 30 too (seccomp(2), Caveats).
		Foreign: []Range{{512, 547}},
	},
	{
		Name: "i386", Family: "x86", GOARCH: "386", Audit: 0x40000003, Word: 32,
		Numbers: all, Generic: generic,
	},
	{
		Name: "x32", Family: "x86", Audit: 0xc000003e, Word: 64,
		Numbers: []Range{{x32Bit, last}},
		// As amd64's. Numbers that are negative as an int never get that far
		// (arch/x86/entry/syscall_64.c, do_syscall_x32).
		Generic: []Range{{x32Bit, x32Bit + 511}, {x32Bit + 548, math.MaxInt32}},
	},
	{
		Name: "arm64", Family: "arm64", GOARCH: "arm64", Audit: 0xc00000b7, Word: 64,
		Numbers: all, Generic: generic,
	},
	{
		Name: "arm", Family: "arm64", GOARCH: "arm", Audit: 0x40000028, Word: 32,
		Numbers: all,
		// __ARM_NR_BASE, where ARM's private calls begin (arch/arm/include/uapi/asm/unistd.h).
		Generic: []Range{{0, 0x0f0000 - 1}},
	},
	{
		Name: "riscv64", Family: "riscv64", GOARCH: "riscv64", Audit: 0xc00000f3, Word: 64,
		Numbers: all, Generic: generic,
		// arch/riscv/include/asm/syscall.h, syscall_get_arch
		Note: "On riscv64 the kernel does not tell 32-bit tasks from 64-bit ones: their calls are judged by the same numbers.",
	},
	{
		Name: "s390x", Family: "s390", GOARCH: "s390x", Audit: 0x80000016, Word: 64, BigEndian: true,
		Numbers: all,
		// The filter sees int_code & 0xffff (arch/s390/include/asm/syscall.h, syscall_get_nr).
		Generic: []Range{{0, 0xffff}},
	},
	{
		Name: "s390", Family: "s390", Audit: 0x00000016, Word: 32, BigEndian: true,
		Numbers: all,
		Generic: []Range{{0, 0xffff}}, // as s390x
	},
	{
		Name: "ppc64le", Family: "ppc64le", GOARCH: "ppc64le", Audit: 0xc0000015, Word: 64,
		Numbers: all, Generic: generic,
	},
	{
		Name: "ppc64", Family: "ppc64", GOARCH: "ppc64", Audit: 0x80000015, Word: 64, BigEndian: true,
		Numbers: all, Generic: generic,
	},
	{
		Name: "ppc", Family: "ppc64", Audit: 0x00000014, Word: 32, BigEndian: true,
		Numbers: all, Generic: generic,
	},
	{
		Name: "mips", Family: "mips64", GOARCH: "mips", Audit: 0x00000008, Word: 32, BigEndian: true,
		Numbers: all, Generic: o32,
	},
	{
		Name: "mipsle", Family: "mips64le", GOARCH: "mipsle", Audit: 0x40000008, Word: 32,
		Numbers: all, Generic: o32,
	},
	{
		Name: "mips64", Family: "mips64", GOARCH: "mips64", Audit: 0x80000008, Word: 64, BigEndian: true,
		Numbers: all, Generic: n64,
	},
	{
		Name: "mips64le", Family: "mips64le", GOARCH: "mips64le", Audit: 0xc0000008, Word: 64,
		Numbers: all, Generic: n64,
	},
	{
		Name: "loong64", Family: "loong64", GOARCH: "loong64", Audit: 0xc0000102, Word: 64,
		Numbers: all, Generic: generic,
	},
}

// MIPS's three tables begin at 4000 (o32), 5000 (n64) and 6000 (n32): __NR_Linux
// in arch/mips/include/uapi/asm/unistd.h.
var (
	o32 = []Range{{4000, 4999}}
	n64 = []Range{{5000, 5999}}
)
