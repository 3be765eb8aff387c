package watch

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/runtime/notify"
)

// shown is the arguments with paths and socket addresses in the place of their
// pointers. They are for people: the caller can change them before the kernel looks.
// Memory that does not come (userfaultfd(2), a file system's) is not waited for.
func shown(r *notify.Request, args []gen.Given) []gen.Given {
	texts := make(chan []gen.Given, 1)
	go func() {
		copied := slices.Clone(args)
		show(r, copied)
		texts <- copied
	}()
	select {
	case copied := <-texts:
		return copied
	case <-time.After(100 * time.Millisecond):
		return args
	}
}

func show(r *notify.Request, args []gen.Given) {
	for i := range args {
		a := &args[i]
		if !a.Pointer || a.Value == 0 {
			continue
		}
		text := ""
		switch {
		case isPath(a.Argument):
			text = path(r, a.Value)
		case strings.HasPrefix(a.Type, "struct sockaddr") && i+1 < len(args):
			if length := args[i+1]; !length.Pointer { // of accept and its like, it is where the length will be
				text = address(r, a.Value, length.Value)
			}
		}
		if text != "" {
			a.Text = text
		}
	}
}

// isPath reports whether an argument is a string that ends with a zero and that the
// kernel reads: a path, or a name such as that of a file system.
func isPath(a gen.Argument) bool {
	if a.Type != "const char *" {
		return false
	}
	for _, part := range []string{"path", "name", "target", "special", "root", "put_old", "library"} {
		if strings.Contains(a.Name, part) {
			return true
		}
	}
	return false
}

func path(r *notify.Request, at uint64) string {
	s, err := r.CString(at, unix.PathMax)
	if err != nil {
		return ""
	}
	return strconv.Quote(s)
}

// address reads a struct sockaddr of some bytes.
func address(r *notify.Request, at, length uint64) string {
	b := make([]byte, min(length, 128)) // struct sockaddr_storage
	n, err := r.Memory(b, at)
	if b = b[:n]; err != nil || n < 2 {
		return ""
	}
	family := binary.NativeEndian.Uint16(b)
	switch {
	case family == unix.AF_INET && n >= 8:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:])).String()
	case family == unix.AF_INET6 && n >= 24:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), binary.BigEndian.Uint16(b[2:])).String()
	case family == unix.AF_UNIX && n == 2:
		return "unix:"
	case family == unix.AF_UNIX && b[2] == 0: // abstract
		return "unix:" + strconv.Quote("@"+string(b[3:]))
	case family == unix.AF_UNIX:
		name, _, _ := strings.Cut(string(b[2:]), "\x00")
		return "unix:" + strconv.Quote(name)
	}
	return fmt.Sprintf("family %d", family)
}
