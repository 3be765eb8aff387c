package load

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// readOnlyEnv names the tree that a child is to load a policy of.
const readOnlyEnv = "SECGEN_LOAD_READONLY"

// Root may write to directories that are read-only by their mode, so for root
// the tree is mounted read-only, in a child with mounts of its own.
func TestReadOnlySourceTree(t *testing.T) {
	if dir := os.Getenv(readOnlyEnv); dir != "" {
		mountReadOnly(t, dir)
		loaded(t, dir, "./policy", "Serve")
		return
	}
	dir := tree(t, goMod, `
-- policy/policy.go --`+onePolicy)
	if os.Geteuid() != 0 {
		for _, d := range []string{filepath.Join(dir, "policy"), dir} {
			if err := os.Chmod(d, 0o555); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(d, 0o755) })
		}
		loaded(t, dir, "./policy", "Serve")
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestReadOnlySourceTree$", "-test.count=1")
	cmd.Env = append(os.Environ(), readOnlyEnv+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("needs to make a mount namespace: %v", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func mountReadOnly(t *testing.T, dir string) {
	t.Helper()
	for _, m := range []struct {
		source, target string
		flags          uintptr
	}{
		{"none", "/", syscall.MS_REC | syscall.MS_PRIVATE},
		{dir, dir, syscall.MS_BIND},
		{dir, dir, syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY},
	} {
		if err := syscall.Mount(m.source, m.target, "", m.flags, ""); err != nil {
			t.Fatalf("mounting %s: %v", m.target, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o644); !errors.Is(err, syscall.EROFS) {
		t.Fatalf("the tree is not read-only: %v", err)
	}
}
