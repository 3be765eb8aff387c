package gen_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/gen"
)

func TestIdentify(t *testing.T) {
	const junk = 0xdead << 32 // callers leave it above an int
	for _, c := range []struct {
		name      string
		audit     uint32
		number    int32
		registers [6]uint64
		want      string
	}{
		{"ints", 0xc000003e, 257, [6]uint64{junk | 0xffffff9c, 0x7fff0000, junk | 0x80000, 0o644}, "amd64 openat dirfd=-100 pathname=2147418112 flags=524288 mode=420"},
		{"no arguments", 0xc000003e, 39, [6]uint64{1, 2}, "amd64 getpid"},
		{"x32", 0xc000003e, 0x40000027, [6]uint64{}, "x32 getpid"},
		{"a value in two registers", 0x40000003, 180, [6]uint64{3, 0x1000, 5, 0xfffffffe, 0xffffffff}, "i386 pread64 fd=3 buf=4096 count=5 offset=-2"},
		{"the upper one first", 0x00000008, 4200, [6]uint64{3, 0x1000, 5, 0, 1, 7}, "mips pread64 fd=3 buf=4096 count=5 offset=4294967303"},
		{"arguments in another order", 0x80000016, 120, [6]uint64{0x1000, 17}, "s390x clone flags=17 stack=4096"},
		{"no call", 0xc000003e, 5000, [6]uint64{}, "amd64 no call matches 5000 on amd64"},
		{"a skipped call", 0xc000003e, -1, [6]uint64{}, "amd64 no call matches -1 on amd64"},
		{"no architecture", 1, 1, [6]uint64{}, " no architecture has the audit value 0x1"},
	} {
		arch, call, err := gen.Identify(c.audit, c.number)
		text := fmt.Sprint(arch, " ", call.Name)
		if err != nil {
			text = fmt.Sprint(arch, " ", err)
		}
		for _, a := range call.Args {
			if v, ok := a.In(c.registers); ok {
				text += fmt.Sprintf(" %s=%v", a.Name, v)
			}
		}
		if !strings.HasPrefix(text, c.want) {
			t.Errorf("%s: %s, not %s", c.name, text, c.want)
		}
	}
}
