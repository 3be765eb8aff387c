package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// initramfs is an archive for the kernel to unpack into memory: cpio's newc format,
// Documentation/driver-api/early-userspace/buffer-format.rst. A name that ends in a
// slash is a directory; all files may be executed.
func initramfs(files map[string][]byte) []byte {
	var b bytes.Buffer
	inode := 0
	entry := func(name string, mode int, text []byte) {
		inode++
		// magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", inode, mode, 0, 0, 1, 0, len(text), 0, 0, 0, 0, len(name)+1, 0)
		b.WriteString(name)
		pad(&b, 1)
		b.Write(text)
		pad(&b, 0)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if dir, ok := bytes.CutSuffix([]byte(name), []byte("/")); ok {
			entry(string(dir), 0o040755, nil)
		} else {
			entry(name, 0o100755, files[name])
		}
	}
	entry("TRAILER!!!", 0, nil)
	return b.Bytes()
}

// pad adds at least so many zeros, and as many as lead to the next multiple of 4.
func pad(b *bytes.Buffer, least int) {
	for ; least > 0 || b.Len()%4 != 0; least-- {
		b.WriteByte(0)
	}
}
