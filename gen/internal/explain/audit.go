package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// IsRecord reports whether the words are an audit record of seccomp's, type 1326,
// as the kernel logs it (kernel/auditsc.c, audit_seccomp), rather than a call.
func IsRecord(words []string) bool {
	_, arch := field(words, "arch")
	_, call := field(words, "syscall")
	return arch && call
}

// ParseRecord reads the call of an audit record. Such a record says nothing of
// arguments.
func ParseRecord(words []string) (Call, error) {
	text, _ := field(words, "arch")
	audit, err := strconv.ParseUint(text, 16, 32)
	if err != nil {
		return Call{}, fmt.Errorf("arch=%s in the audit record is no number in hexadecimal: paste it as the kernel wrote it, without ausearch's -i", text)
	}
	text, _ = field(words, "syscall")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return Call{}, fmt.Errorf("syscall=%s in the audit record is no number: paste it as the kernel wrote it, without ausearch's -i", text)
	}
	arch := Owner(uint32(audit), uint32(n))
	if arch == nil {
		return Call{}, fmt.Errorf("arch=%x in the audit record is no architecture that secgen knows", audit)
	}
	c := Unknown(arch, uint32(n))
	if text, ok := field(words, "code"); ok {
		code, err := strconv.ParseUint(text, 0, 32)
		if err != nil {
			return Call{}, fmt.Errorf("code=%s in the audit record is no number", text)
		}
		logged := uint32(code)
		c.Logged = &logged
	}
	return c, nil
}

// Owner is the ABI that a number belongs to under an audit value; a skipped
// call's number belongs to the first. It is nil if there is none.
func Owner(audit, nr uint32) *abi.Arch {
	var first *abi.Arch
	for _, a := range abi.Arches() {
		if a.Audit != audit {
			continue
		}
		if slices.ContainsFunc(a.Numbers, func(r abi.Range) bool { return r.Lo <= nr && nr <= r.Hi }) {
			return a
		}
		if first == nil {
			first = a
		}
	}
	return first
}

// field is the value of name=value among words, which may themselves be several.
func field(words []string, name string) (string, bool) {
	for _, w := range strings.Fields(strings.Join(words, " ")) {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return v, true
		}
	}
	return "", false
}
