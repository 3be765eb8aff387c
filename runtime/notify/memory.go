//go:build linux

package notify

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Memory reads the caller's memory from address on into b, and returns how much of b
// could be read: less than all, without an error, if what follows is not mapped. The
// supervisor must be allowed to trace the caller (ptrace(2)).
//
// What it reads is what was there. The caller's other threads can change it before
// the kernel looks, so it may decide to refuse the call, but never to Continue it.
func (r *Request) Memory(b []byte, address uint64) (int, error) {
	if len(b) == 0 {
		return 0, r.Valid()
	}
	local := []unix.Iovec{{Base: &b[0]}}
	local[0].SetLen(len(b))
	remote := []unix.RemoteIovec{{Base: uintptr(address), Len: len(b)}}
	n, err := unix.ProcessVMReadv(r.Thread, local, remote, 0)
	// Only now is it certain that it was the caller's, and not that of another
	// process with its number.
	if gone := r.Valid(); gone != nil {
		return 0, gone
	}
	if err != nil {
		return 0, r.explain(fmt.Sprintf("reading memory at %#x of", address), err)
	}
	return n, nil
}

// CString reads the string at address in the caller's memory, up to the zero that
// ends it, under the same conditions as Memory. One that does not end within limit
// bytes is an error.
func (r *Request) CString(address uint64, limit int) (string, error) {
	var text []byte
	page := uint64(os.Getpagesize())
	for len(text) < limit {
		// No further than the page, for the next may not be there.
		at := address + uint64(len(text))
		piece := make([]byte, min(page-at%page, uint64(limit-len(text))))
		n, err := r.Memory(piece, at)
		if err != nil {
			return "", err
		}
		if end := bytes.IndexByte(piece[:n], 0); end >= 0 {
			return string(append(text, piece[:end]...)), nil
		}
		text = append(text, piece[:n]...)
	}
	return "", fmt.Errorf("the string at %#x of thread %d does not end within %d bytes", address, r.Thread, limit)
}
