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

// cargo is what a machine finds in memory: its guests, and their exams.
func cargo(ctx context.Context, dir string, m machine, policies []policy) ([]byte, error) {
	files := map[string][]byte{"proc/": nil}
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
