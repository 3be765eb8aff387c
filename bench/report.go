package main

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/seccomp/libseccomp-golang"
)

// Report is all that was found out.
type Report struct {
	Policies  []Policy
	Peers     []Peer
	Workloads []Workload

	Inputs int // that all programs were compared on
	Found  []Disagreement
	Cells  [][]Cell            // by policy and peer
	None   []float64           // ns without a filter, by workload
	Ratios [][]map[int]float64 // to that, by workload, peer and copies of the filter; 0: not measured
}

// Cell is what a peer makes of a policy; times are in ns.
type Cell struct {
	Err     error // why there is no program
	Program Program
	Counts
	Generate, Install float64
}

//go:embed readme.tmpl
var readme string

// markdown is README.md.
func (r *Report) markdown() (string, error) {
	t, err := template.New("readme").Parse(readme)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"Date": time.Now().UTC().Format(time.DateOnly), "Kernel": kernel(), "CPU": cpu(),
		"Versions": versions(), "Inputs": r.Inputs, "Disagreements": gather(r.Found),
		"Programs": r.programs(), "Calls": r.calls(),
		"GeneratorRounds": generatorRounds, "InstallRounds": installRounds, "CallRounds": callRounds,
	})
	return b.String(), err
}

// write prints the tables and writes README.md and the charts into the current
// directory.
func (r *Report) write() error {
	text, err := r.markdown()
	if err != nil {
		return err
	}
	for _, line := range gather(r.Found) {
		fmt.Println(line)
	}
	fmt.Printf("\n%s\n%s", r.programs(), r.calls())
	for name, content := range map[string]string{
		"README.md": text, "executed.svg": r.executedChart().svg(), "cost.svg": r.costChart().svg(),
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// programs is the table of programs, the best of each column in bold.
func (r *Report) programs() string {
	columns := []struct {
		name   string
		value  func(Cell) float64
		format func(float64) string
	}{
		{"cBPF", func(c Cell) float64 { return float64(len(c.Program)) }, decimals(0)},
		{"eBPF", func(c Cell) float64 { return float64(converted(c.Program)) }, decimals(0)},
		{"mean", func(c Cell) float64 { return c.Mean }, decimals(2)},
		{"checked", func(c Cell) float64 { return c.Checked }, decimals(2)},
		{"most", func(c Cell) float64 { return float64(c.Most) }, decimals(0)},
		{"denied", func(c Cell) float64 { return c.Denied }, decimals(2)},
		{"generate", func(c Cell) float64 { return c.Generate }, duration},
		{"install", func(c Cell) float64 { return c.Install }, duration},
	}
	rows := [][]string{{"policy", "generator"}}
	for _, c := range columns {
		rows[0] = append(rows[0], c.name)
	}
	for i, p := range r.Policies {
		for k, peer := range r.Peers {
			row := []string{p.Name, peer.Name}
			if k > 0 {
				row[0] = ""
			}
			if err := r.Cells[i][k].Err; err != nil {
				rows = append(rows, append(row, err.Error()))
				continue
			}
			for _, c := range columns {
				best := 0.0
				for _, other := range r.Cells[i] {
					if v := c.value(other); other.Err == nil && (best == 0 || v < best) {
						best = v
					}
				}
				cell := c.format(c.value(r.Cells[i][k]))
				if cell == c.format(best) && cell != "–" {
					cell = "**" + cell + "**"
				}
				row = append(row, cell)
			}
			rows = append(rows, row)
		}
	}
	return table(rows, 2)
}

// calls is the table of times per call: how many times as long as without a
// filter, and in parentheses as under the best peer's.
func (r *Report) calls() string {
	rows := [][]string{{"generator"}, {"no filter"}}
	for _, peer := range r.Peers {
		rows = append(rows, []string{peer.Name})
	}
	for i, none := range r.None {
		w := r.Workloads[i]
		for _, copies := range w.Copies {
			rows[0] = append(rows[0], fmt.Sprintf("%s, %s", w.Name, filters(copies)))
			rows[1] = append(rows[1], fmt.Sprintf("%.0f ns", none))
			for k := range r.Peers {
				cell := "–"
				if ratio := r.Ratios[i][k][copies]; ratio > 0 {
					cell = fmt.Sprintf("%.2f (%.2f)", ratio, ratio/r.bestPeer(i, copies))
				}
				rows[2+k] = append(rows[2+k], cell)
			}
		}
	}
	return table(rows, 1)
}

func filters(n int) string {
	if n == 1 {
		return "1 filter"
	}
	return fmt.Sprintf("%d filters", n)
}

// bestPeer is the least ratio of another generator's filter.
func (r *Report) bestPeer(workload, copies int) float64 {
	best := 0.0
	for k, peer := range r.Peers {
		if ratio := r.Ratios[workload][k][copies]; !peer.Own && ratio > 0 && (best == 0 || ratio < best) {
			best = ratio
		}
	}
	return best
}

// decimals prints nothing for 0, which no count is.
func decimals(n int) func(float64) string {
	return func(v float64) string {
		if v == 0 {
			return "–"
		}
		return fmt.Sprintf("%.*f", n, v)
	}
}

func duration(ns float64) string {
	switch {
	case ns == 0:
		return "–"
	case ns < 1e5:
		return fmt.Sprintf("%.1f µs", ns/1e3)
	case ns < 1e6:
		return fmt.Sprintf("%.0f µs", ns/1e3)
	}
	return fmt.Sprintf("%.1f ms", ns/1e6)
}

// table is rows in Markdown, the first the head, the first so many columns to
// the left and the others to the right.
func table(rows [][]string, left int) string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, w := range width {
			cell := ""
			if i < len(row) {
				cell = row[i]
			}
			space := strings.Repeat(" ", w-utf8.RuneCountInString(cell))
			if i < left {
				fmt.Fprintf(&b, "| %s%s ", cell, space)
			} else {
				fmt.Fprintf(&b, "| %s%s ", space, cell)
			}
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i, w := range width {
			if i < left {
				fmt.Fprintf(&b, "|:%s", strings.Repeat("-", w+1))
			} else {
				fmt.Fprintf(&b, "|%s:", strings.Repeat("-", w+1))
			}
		}
		b.WriteString("|\n")
	}
	return b.String()
}

func versions() string {
	major, minor, micro := seccomp.GetLibraryVersion()
	return fmt.Sprintf("gVisor's pkg/seccomp %s, elastic's go-seccomp-bpf %s, libseccomp %d.%d.%d through libseccomp-golang %s",
		version("gvisor.dev/gvisor"), version("github.com/elastic/go-seccomp-bpf"),
		major, minor, micro, version("github.com/seccomp/libseccomp-golang"))
}

func kernel() string { return strings.TrimSpace(file("/proc/sys/kernel/osrelease")) }

func cpu() string {
	for line := range strings.Lines(file("/proc/cpuinfo")) {
		if name, model, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return "unknown CPU"
}

// file is "" where there is none: /proc may be hidden.
func file(name string) string {
	text, _ := os.ReadFile(name)
	return string(text)
}
