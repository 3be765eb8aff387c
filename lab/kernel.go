package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// A skip is the reason why a machine cannot run here.
type skip struct{ err error }

func (s skip) Error() string { return s.err.Error() }
func (s skip) Unwrap() error { return s.err }

// cache is the directory of what is fetched.
func cache() (string, error) {
	if dir := os.Getenv("SECGEN_LAB_CACHE"); dir != "" {
		dir, err := filepath.Abs(dir)
		return dir, errors.Join(err, os.MkdirAll(dir, 0o755))
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "secgen-lab")
	return dir, os.MkdirAll(dir, 0o755)
}

// kernel returns the path of a machine's kernel, which it fetches once. Its error
// is a skip.
func kernel(ctx context.Context, m machine) (string, error) {
	dir, err := cache()
	if err != nil {
		return "", skip{err}
	}
	image := filepath.Join(dir, "vmlinuz-"+m.Suite+"-"+m.Debian)
	if m.built() {
		image = filepath.Join(dir, "vmlinuz-cache-"+m.Debian)
	}
	if _, err := os.Stat(image); err == nil {
		return image, nil
	}
	if m.built() {
		if err := buildable(ctx); err != nil {
			return "", skip{fmt.Errorf("no kernel: %w", err)}
		}
		fmt.Printf("%s: its kernel is being built, once, in some ten minutes\n", m)
	}
	root, err := os.MkdirTemp(dir, "apt-")
	if err != nil {
		return "", skip{err}
	}
	defer os.RemoveAll(root)
	if err := fetch(ctx, m, root, image); err != nil {
		return "", skip{fmt.Errorf("no kernel: %w", err)}
	}
	return image, nil
}

// fetch takes a kernel, or its source, from Debian's archive, with an apt that has
// its own lists and knows nothing of what is installed here.
func fetch(ctx context.Context, m machine, root, image string) error {
	a, err := newApt(ctx, root, m.Debian, m.Suite)
	if err != nil {
		return err
	}
	name := "linux-image-" + m.Flavour
	if m.built() {
		name = "linux-source"
	}
	for _, next := range []*regexp.Regexp{imageName, binaryName, sourceName} {
		depends, err := a.depends(name)
		if err != nil {
			return err
		}
		if found := next.FindString(depends); found != "" {
			name = found
		}
	}
	deb, err := a.download(name)
	if err != nil {
		return err
	}
	if m.built() {
		return build(ctx, deb, root, image)
	}
	return unpack(ctx, deb, image)
}

// A kernel's package depends on its version's, and in newer releases that on one
// with the file. The source has a package for its version, too.
var (
	imageName  = regexp.MustCompile(`linux-image-[0-9][^ ,]*`)
	binaryName = regexp.MustCompile(`linux-binary-[0-9][^ ,]*`)
	sourceName = regexp.MustCompile(`linux-source-[0-9][^ ,]*`)
)

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

var debianURI = regexp.MustCompile(`https?://\S+/debian/?(\s|$)`)

// mirror is where this machine takes Debian's packages from.
func mirror() (string, error) {
	lists, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, name := range append([]string{"/etc/apt/sources.list"}, lists...) {
		text, _ := os.ReadFile(name)
		for line := range strings.Lines(string(text)) {
			if uri := debianURI.FindString(line); uri != "" && !strings.HasPrefix(line, "#") {
				return strings.TrimSpace(uri), nil
			}
		}
	}
	return "", errors.New("/etc/apt names no mirror of Debian")
}

type apt struct {
	ctx     context.Context
	root    string
	options []string
}

// newApt fetches the lists of one suite for one architecture.
func newApt(ctx context.Context, root, arch, suite string) (*apt, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, errors.New("apt-get is not here")
	}
	mirror, err := mirror()
	if err != nil {
		return nil, err
	}
	source := fmt.Sprintf("deb [signed-by=%s arch=%s] %s %s main\n", keyring, arch, mirror, suite)
	for _, dir := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return nil, err
		}
	}
	for name, text := range map[string]string{"status": "", "sources.list": source} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	a := &apt{ctx: ctx, root: root}
	for _, option := range []string{
		"Dir::State=" + root + "/state", "Dir::State::status=" + root + "/status", "Dir::Cache=" + root + "/cache",
		"Dir::Etc::SourceList=" + root + "/sources.list", "Dir::Etc::SourceParts=/dev/null", "Dir::Etc::Preferences=/dev/null", "Dir::Etc::PreferencesParts=/dev/null",
		"APT::Architecture=" + arch, "APT::Architectures=" + arch, "APT::Sandbox::User=", "Acquire::Languages=none",
		"APT::Update::Error-Mode=any",      // a list that cannot be had is an error, not a warning
		"Acquire::Check-Valid-Until=false", // sid's list may be older than it should be
	} {
		a.options = append(a.options, "-o", option)
	}
	_, err = a.run("apt-get", "update", "-qq")
	return a, err
}

func (a *apt) run(name string, args ...string) (string, error) {
	cmd := exec.CommandContext(a.ctx, name, append(a.options, args...)...)
	cmd.Dir = a.root
	out, err := output(cmd)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return out, nil
}

// output is what a command prints. Its error has the complaints, in one line.
func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.ReplaceAll(strings.TrimSpace(stderr.String()), "\n", "; "))
	}
	return string(out), nil
}

func (a *apt) depends(name string) (string, error) {
	out, err := a.run("apt-cache", "show", "--no-all-versions", name)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		if depends, ok := strings.CutPrefix(line, "Depends: "); ok {
			return depends, nil
		}
	}
	return "", nil
}

// download returns the path of a package's file.
func (a *apt) download(name string) (string, error) {
	if _, err := a.run("apt-get", "download", "-qq", name); err != nil {
		return "", err
	}
	debs, err := filepath.Glob(filepath.Join(a.root, name+"_*.deb"))
	if err == nil && len(debs) != 1 {
		err = fmt.Errorf("apt-get download %s left %d files", name, len(debs))
	}
	if err != nil {
		return "", err
	}
	return debs[0], nil
}

// unpack writes the kernel in a package to image, or nothing.
func unpack(ctx context.Context, deb, image string) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	text, err := find(bufio.NewReaderSize(out, 1<<20))
	if err == nil {
		_, err = io.Copy(io.Discard, out)
	}
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(deb), err)
	}
	if err := os.WriteFile(image+"~", text, 0o644); err != nil {
		return err
	}
	return os.Rename(image+"~", image)
}

// find returns the file of an archive that is a kernel.
func find(archive io.Reader) ([]byte, error) {
	for files := tar.NewReader(archive); ; {
		h, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("no kernel in it: %w", err)
		}
		if h.Typeflag == tar.TypeReg && strings.HasPrefix(path.Base(h.Name), "vmlinu") {
			return io.ReadAll(files)
		}
	}
}
