package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// config is of the kernel that lab -cache runs: what is not in it is off.
//
//go:embed cache.config
var config string

// buildable reports what is missing here to build a kernel.
func buildable(ctx context.Context) error {
	if runtime.GOARCH != "amd64" {
		return errors.New("it is built on amd64 alone")
	}
	var missing []string
	for _, tool := range []string{"gcc", "make", "ld", "flex", "bison", "bc", "xz"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	cpp := exec.CommandContext(ctx, "gcc", "-E", "-x", "c", "-")
	cpp.Stdin = strings.NewReader("#include <gelf.h>\n")
	if _, err := output(cpp); err != nil {
		missing = append(missing, "gelf.h")
	}
	if len(missing) > 0 {
		return fmt.Errorf("to build it, %s is missing (Debian: apt-get install gcc libc6-dev make flex bison bc xz-utils libelf-dev)", strings.Join(missing, ", "))
	}
	return nil
}

// build makes a kernel in root from the source in Debian's package, and moves it
// to image.
func build(ctx context.Context, deb, root, image string) error {
	run := func(name string, args ...string) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = root
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // and nothing of a make that runs the lab
		if _, err := output(cmd); err != nil {
			return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
		}
		return nil
	}
	if err := run("dpkg-deb", "--extract", deb, "."); err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(root, "usr/src/linux-source-*.tar.xz"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("%s has %d archives of the source: %v", filepath.Base(deb), len(archives), err)
	}
	if err := os.WriteFile(filepath.Join(root, "config"), []byte(config), 0o644); err != nil {
		return err
	}
	if err := errors.Join(os.Mkdir(filepath.Join(root, "linux"), 0o755), run("tar", "-xf", archives[0], "-C", "linux", "--strip-components=1")); err != nil {
		return err
	}
	if err := run("make", "-C", "linux", "ARCH=x86_64", "KCONFIG_ALLCONFIG="+filepath.Join(root, "config"), "allnoconfig"); err != nil {
		return err
	}
	chosen, err := os.ReadFile(filepath.Join(root, "linux/.config"))
	if err != nil {
		return err
	}
	if dropped := dropped(config, string(chosen)); len(dropped) > 0 {
		return fmt.Errorf("the kernel cannot have %s", strings.Join(dropped, " "))
	}
	if err := run("make", "-C", "linux", "ARCH=x86_64", fmt.Sprintf("-j%d", runtime.NumCPU()), "bzImage"); err != nil {
		return err
	}
	return os.Rename(filepath.Join(root, "linux/arch/x86/boot/bzImage"), image)
}

// dropped lists the options that are wanted and were not chosen, as those are
// whose dependencies are not met.
func dropped(wanted, chosen string) []string {
	has := strings.Split(chosen, "\n")
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(wanted), "\n"), func(line string) bool {
		return strings.HasPrefix(line, "#") || slices.Contains(has, line)
	})
}
