//go:build linux

package probe

import (
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestForeignNumbersAreThoseOfTheHeaders(t *testing.T) {
	for header, calls := range map[string][]call{"asm/unistd_32.h": i386Calls, "asm/unistd_x32.h": x32Calls} {
		text, err := exec.Command("gcc", "-E", "-dM", "-include", header, "-xc", "/dev/null").CombinedOutput()
		if err != nil {
			t.Skipf("needs gcc and %s (apt-get install gcc linux-libc-dev): %v: %s", header, err, text)
		}
		for _, c := range calls {
			name := strings.Fields(c.name)[0]
			m := regexp.MustCompile(`#define __NR_` + name + ` (?:\(__X32_SYSCALL_BIT \+ )?(\d+)\b`).FindStringSubmatch(string(text))
			if m == nil || m[1] != strconv.Itoa(int(c.number)) {
				t.Errorf("%s: %s is %d here, %q there", header, c.name, c.number, m)
			}
		}
	}
}
