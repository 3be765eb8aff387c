package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/secgen-dev/secgen/lab/internal/exam"
)

// guest builds the guest for one GOARCH.
func guest(ctx context.Context, dir, goarch string) ([]byte, error) {
	name := filepath.Join(dir, "guest-"+goarch)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", name, "./lab/guest")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the guest: %w\n%s", err, out)
	}
	return os.ReadFile(name)
}

// tested are the packages that act on a kernel and are tested on it; by those on the
// right, another process's registers, on few architectures.
var tested = map[string]bool{"runtime/install": true, "runtime/notify": true, "runtime/attach": false, "internal/process": false, "internal/watch": false}

// tests builds the tests of packages for one GOARCH.
func tests(ctx context.Context, dir, goarch string) (map[string][]byte, error) {
	programs := map[string][]byte{}
	for pkg, everywhere := range tested {
		if !everywhere && goarch != "amd64" && goarch != "arm64" {
			continue
		}
		name := filepath.Join(dir, goarch+"-"+filepath.Base(pkg)+".test")
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-ldflags=-s -w", "-o", name, "./"+pkg)
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building the tests of %s: %w\n%s", pkg, err, out)
		}
		program, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		programs[filepath.Base(pkg)+".test"] = program
	}
	if compiler := compilers[goarch]; compiler != "" {
		name := filepath.Join(dir, goarch+"-child")
		cmd := exec.CommandContext(ctx, compiler, "-static", "-O1", "-pthread", "-o", name, "runtime/attach/testdata/child.c")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Printf("%s: tests of runtime/attach that need a C program are SKIPPED: %v\n%s", goarch, err, out)
			return programs, nil
		}
		var err error
		if programs["child"], err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	return programs, nil
}

// compilers are for C (Debian: gcc, gcc-aarch64-linux-gnu).
var compilers = map[string]string{"amd64": "x86_64-linux-gnu-gcc", "arm64": "aarch64-linux-gnu-gcc"}

// cargo is what a machine finds in memory: its guests, their exams, and tests.
func cargo(ctx context.Context, dir string, m machine, policies []policy, withTests bool) ([]byte, error) {
	files := map[string][]byte{"proc/": nil, "tmp/": nil}
	for home, goarch := range map[string]string{"own/": m.GOARCH, "sibling/": m.Sibling} {
		if goarch == "" {
			continue
		}
		program, err := guest(ctx, dir, goarch)
		if err != nil {
			return nil, err
		}
		files[home], files[home+"guest"] = nil, program
		if goarch == m.GOARCH {
			files["init"] = program
		}
		if withTests {
			programs, err := tests(ctx, dir, goarch)
			if err != nil {
				return nil, err
			}
			for name, program := range programs {
				files[home+name] = program
			}
		}
		list, err := exams(m, goarch, policies)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			var b bytes.Buffer
			if err := gob.NewEncoder(&b).Encode(e); err != nil {
				return nil, err
			}
			files[home+strings.ReplaceAll(e.Name, "/", "_")+"."+e.ABI+".exam"] = b.Bytes()
		}
	}
	return initramfs(files), nil
}

// limit is for a machine that hangs. A healthy one is done in a minute or two.
const limit = 10 * time.Minute

// boot runs a machine and returns what its guests reported. The console goes to
// log too.
func boot(ctx context.Context, dir string, qemu []string, m machine, kernel string, memory []byte, log io.Writer) ([]exam.Report, error) {
	image := filepath.Join(dir, "initramfs")
	if err := os.WriteFile(image, memory, 0o644); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, qemu[0], append(qemu[1:],
		"-m", "512", "-smp", "1", "-nographic", "-nodefaults", "-monitor", "none", "-no-reboot",
		"-kernel", kernel, "-initrd", image, "-append", "quiet panic=-1 audit=0 "+m.Console)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var reports []exam.Report
	var last []string // of the console
	lines := bufio.NewReader(io.TeeReader(out, log))
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			last = append(last[max(0, len(last)-9):], line)
		}
		if _, text, ok := strings.Cut(line, exam.Line); ok {
			var r exam.Report
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				r.Error = fmt.Sprintf("a report that is cut: %q", text)
			}
			reports = append(reports, r)
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	if n := len(reports); n == 0 || !reports[n-1].Done {
		return nil, fmt.Errorf("the machine did not come to its end: %v\n%s%s", err, strings.Join(last, "\n"), stderr.String())
	}
	return reports[:len(reports)-1], nil
}
