//go:build linux

package notify

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestMemory(t *testing.T) {
	page := os.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(memory)
	long := strings.Repeat("x", page)
	copy(memory[page-3:], "over the edge\x00")
	copy(memory[2*page-4:], "end\x00")
	if err := unix.Mprotect(memory[2*page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	l, result := under(t, 0, func() answered { return call(uintptr(unsafe.Pointer(&memory[0]))) })
	r := receive(t, l)
	at := func(i int) uint64 { return r.Args[0] + uint64(i) }

	for _, c := range []struct {
		name  string
		at    uint64
		limit int
		want  string
		err   string
	}{
		{"over two pages", at(page - 3), 4096, "over the edge", ""},
		{"with no byte to spare", at(page - 3), 14, "over the edge", ""},
		{"too long", at(page - 3), 13, "", "does not end within 13 bytes"},
		{"empty", at(0), 10, "", ""},
		{"at the end of what is mapped", at(2*page - 4), 4096, "end", ""},
		{"where nothing is mapped", at(2 * page), 10, "", "reading memory at"},
		{"at null", 0, 10, "", "reading memory at 0x0 of"},
	} {
		if got, err := r.CString(c.at, c.limit); got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	b := make([]byte, 100)
	if n, err := r.Memory(b, at(2*page-4)); n != 4 || err != nil || string(b[:4]) != "end\x00" {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n, err := r.Memory(nil, 0); n != 0 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := r.Memory(b, at(2*page)); !errors.Is(err, unix.EFAULT) {
		t.Error(err)
	}
	copy(memory, long) // no zero before that of "over the edge" then
	if got, err := r.CString(at(0), 2*page); err != nil || len(got) != page+10 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := r.Value(0); err != nil {
		t.Error(err)
	}
	<-result
}
