package main

import (
	"fmt"
	"strings"
)

// machine is a kernel and what runs it. Everything needed to boot is built into
// Debian's kernels: the console, the initramfs and seccomp.
type machine struct {
	GOARCH   string
	Sibling  string // GOARCH of the 32-bit ABI that the kernel serves too, if Go has it
	Suite    string // of Debian
	Debian   string // Debian's name of the architecture
	Flavour  string // the kernel is what linux-image-Flavour depends on; if empty, it is built of the suite's source with cache.config
	QEMU     string // the program, and options
	Console  string // kernel parameters
	Packages string // the suite's with the program and its firmware, where the host's will not do
}

const serial = " -serial stdio"

var machines = []machine{
	{"amd64", "386", "bookworm", "amd64", "cloud-amd64", "qemu-system-x86_64 -M pc -cpu qemu64" + serial, "console=ttyS0 reboot=t", ""},
	{"amd64", "386", "sid", "amd64", "cloud-amd64", "qemu-system-x86_64 -M pc -cpu qemu64" + serial, "console=ttyS0 reboot=t", ""},
	{"386", "", "bookworm", "i386", "686", "qemu-system-i386 -M pc -cpu qemu32" + serial, "console=ttyS0 reboot=t", ""},
	{"arm64", "arm", "bookworm", "arm64", "cloud-arm64", "qemu-system-aarch64 -M virt -cpu cortex-a57" + serial, "console=ttyAMA0", ""},
	{"arm64", "arm", "sid", "arm64", "cloud-arm64", "qemu-system-aarch64 -M virt -cpu cortex-a57" + serial, "console=ttyAMA0", ""},
	{"arm", "", "bookworm", "armhf", "armmp-lpae", "qemu-system-arm -M virt -cpu cortex-a15" + serial, "console=ttyAMA0", ""},
	{"riscv64", "", "sid", "riscv64", "riscv64", "qemu-system-riscv64 -M virt -bios default" + serial, "console=ttyS0", ""},
	{"s390x", "", "bookworm", "s390x", "s390x", "qemu-system-s390x -M s390-ccw-virtio -cpu max -chardev stdio,id=c -device sclpconsole,chardev=c", "console=ttysclp0", ""},
	{"ppc64le", "", "bookworm", "ppc64el", "powerpc64le", "qemu-system-ppc64 -M pseries,x-vof=on -cpu power9" + serial, "console=hvc0", ""},
	{"mips64le", "mipsle", "bookworm", "mips64el", "5kc-malta", "qemu-system-mips64el -M malta -cpu MIPS64R2-generic" + serial, "console=ttyS0", ""},
	{"mipsle", "", "bookworm", "mipsel", "4kc-malta", "qemu-system-mipsel -M malta -cpu 34Kf" + serial, "console=ttyS0", ""},
	// QEMU 7.2, which is bookworm's, cannot load the firmware, and without it the kernel panics.
	{"loong64", "", "sid", "loong64", "loong64", "qemu-system-loongarch64 -M virt -cpu la464-loongarch-cpu -bios " + firmware + serial, "console=ttyS0",
		"qemu-system-misc qemu-efi-loongarch64"},
}

// builtMachine has a kernel that says what is in its cache of verdicts, and serves
// x32. It has no ACPI, so it cannot power off; if it restarts, QEMU ends.
var builtMachine = machine{"amd64", "386", "bookworm", "amd64", "", "qemu-system-x86_64 -M pc -cpu qemu64" + serial, "console=ttyS0 reboot=t -- restart", ""}

// built reports whether the kernel is built here.
func (m machine) built() bool { return m.Flavour == "" }

// abis are those whose numbers a guest of goarch uses: a GOARCH, or x32.
func (m machine) abis(goarch string) []string {
	switch {
	case goarch == "":
		return nil
	case goarch == "amd64" && m.built():
		return []string{goarch, "x32"}
	}
	return []string{goarch}
}

func (m machine) String() string {
	if m.built() {
		return m.GOARCH + " (built)"
	}
	return m.GOARCH + " (" + m.Suite + ")"
}

// chosen lists the machines of these architectures; all, if there is none.
func chosen(arches string) ([]machine, error) {
	if arches == "" {
		return machines, nil
	}
	var list []machine
	for arch := range strings.SplitSeq(arches, ",") {
		before := len(list)
		for _, m := range machines {
			if m.GOARCH == arch {
				list = append(list, m)
			}
		}
		if len(list) == before {
			return nil, fmt.Errorf("no machine for %q; there are %s", arch, known())
		}
	}
	return list, nil
}

func known() string {
	var names []string
	for _, m := range machines {
		if len(names) == 0 || names[len(names)-1] != m.GOARCH {
			names = append(names, m.GOARCH)
		}
	}
	return strings.Join(names, " ")
}
