package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// emulator returns the program that runs a machine, and its options: the host's,
// or one that is fetched once. Its error is a skip.
func emulator(ctx context.Context, m machine) ([]string, error) {
	words := strings.Fields(m.QEMU)
	if m.Packages == "" {
		if _, err := exec.LookPath(words[0]); err != nil {
			return nil, skip{err}
		}
		return words, nil
	}
	dir, err := cache()
	if err != nil {
		return nil, skip{err}
	}
	home := filepath.Join(dir, "qemu-"+m.GOARCH)
	if _, err := os.Stat(home); err != nil {
		if err := fetchQEMU(ctx, m, dir, home); err != nil {
			return nil, skip{fmt.Errorf("no %s: %w", words[0], err)}
		}
	}
	return append(underLoader(filepath.Join(home, loaderName), home, filepath.Join(home, words[0]), "-L", home), words[1:]...), nil
}

// underLoader runs a program with a dynamic loader and libraries that are not the
// host's, and without root, as a chroot would need.
func underLoader(loader, libraries string, program ...string) []string {
	return append([]string{loader, "--library-path", libraries}, program...)
}

// What the loader and the firmware are called at home.
const (
	loaderName = "ld.so"
	firmware   = "QEMU_EFI.fd"
)

// fetchQEMU fills home with a machine's program, its firmware, and the loader and
// libraries that it needs, from Debian's packages for the host. Nothing is installed.
func fetchQEMU(ctx context.Context, m machine, dir, home string) error {
	host, err := output(exec.CommandContext(ctx, "dpkg", "--print-architecture"))
	if err != nil {
		return err
	}
	root, err := os.MkdirTemp(dir, "apt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	a, err := newApt(ctx, root, strings.TrimSpace(host), m.Suite)
	if err != nil {
		return err
	}
	debs, err := a.closure(strings.Fields(m.Packages)...)
	if err != nil {
		return err
	}
	tree := filepath.Join(root, "tree")
	for _, deb := range debs {
		if _, err := output(exec.CommandContext(ctx, "dpkg-deb", "--extract", deb, tree)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(deb), err)
		}
	}
	files, err := needed(ctx, tree, strings.Fields(m.QEMU)[0])
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(root, "home"), 0o755); err != nil {
		return err
	}
	for name, file := range files {
		if file, err = filepath.EvalSymlinks(file); err != nil {
			return err
		}
		if err := os.Link(file, filepath.Join(root, "home", name)); err != nil {
			return err
		}
	}
	return os.Rename(filepath.Join(root, "home"), home)
}

// library is a line of a loader's list.
var library = regexp.MustCompile(`(\S+) => (.+?)( \(0x.*)?\n`)

// needed finds, in unpacked packages, the files that a program needs to run; by
// their names at home.
func needed(ctx context.Context, tree, program string) (map[string]string, error) {
	files := map[string]string{}
	for name, pattern := range map[string]string{program: "usr/bin/" + program, firmware: "usr/share/*/" + firmware, loaderName: "usr/lib/*/ld*.so.*"} {
		found, err := filepath.Glob(filepath.Join(tree, pattern))
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("the packages have %d files %s", len(found), pattern)
		}
		if err != nil {
			return nil, err
		}
		files[name] = found[0]
	}
	list := underLoader(files[loaderName], filepath.Dir(files[loaderName]), "--list", files[program])
	out, err := output(exec.CommandContext(ctx, list[0], list[1:]...))
	if err != nil {
		return nil, err
	}
	for _, l := range library.FindAllStringSubmatch(out, -1) {
		if !strings.HasPrefix(l[2], tree+"/") {
			return nil, fmt.Errorf("%s needs %s, which the packages lack", program, l[1])
		}
		files[filepath.Base(l[2])] = l[2]
	}
	return files, nil
}

// closure fetches packages and all that they depend on, and returns their files.
func (a *apt) closure(names ...string) ([]string, error) {
	if _, err := a.run("apt-get", append([]string{"install", "-qq", "--download-only", "--no-install-recommends"}, names...)...); err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(a.root, "cache/archives/*.deb"))
}
