//go:build !linux || !(amd64 || arm64)

package attach

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/net/bpf"
)

// Install returns an error: it is for Linux on amd64 and arm64.
func Install(_ context.Context, pid int, name string, _ []bpf.RawInstruction, _ uint32) (Report, error) {
	return Report{}, fmt.Errorf("seccomp filter %s: nothing installed in process %d: that is for Linux on amd64 and arm64, and this is %s on %s",
		name, pid, runtime.GOOS, runtime.GOARCH)
}
