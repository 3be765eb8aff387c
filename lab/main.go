// Command lab runs the filters of all generated files on real kernels, one for
// each architecture, and compares each verdict with the policy's.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/secgen-dev/secgen/lab/internal/exam"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	arches := flag.String("arch", "", "run these `GOARCHes` alone, with commas")
	console := flag.Bool("console", false, "show the machines' consoles")
	built := flag.Bool("cache", false, "run amd64 on a kernel that says what is in its cache of verdicts")
	withTests := flag.Bool("tests", false, "run the tests of the packages that act on the kernel there too")
	flag.Parse()
	if err := run(ctx, *arches, *built, *withTests, *console); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arches string, built, withTests, console bool) error {
	list, err := chosen(arches)
	if err != nil {
		return err
	}
	if built {
		list = []machine{builtMachine}
	}
	policies, err := policies(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "secgen-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	log := io.Discard
	if console {
		log = os.Stdout
	}
	var table results
	for _, m := range list {
		err := table.run(ctx, dir, m, policies, withTests, log)
		if skipped := (skip{}); errors.As(err, &skipped) {
			fmt.Printf("%s: SKIPPED: %v\n", m, skipped)
		} else if err != nil {
			table.fail("%s: FAILED: %v", m, err)
		}
	}
	return table.print(os.Stdout)
}

// results are rows of the table, a guest each.
type results struct {
	rows   []row
	failed int
}

type row struct {
	guest, kernel, order   string
	word                   int
	policies, checked, bad int
	kept, allowed, unlike  int // numbers that the kernel's cache has, that it allows, and that secgen says otherwise of
	seconds                float64
	tests                  []exam.Report
}

func (t *results) fail(format string, args ...any) {
	t.failed++
	fmt.Printf(format+"\n", args...)
}

// run boots one machine and adds its rows.
func (t *results) run(ctx context.Context, dir string, m machine, policies []policy, withTests bool, log io.Writer) error {
	qemu, err := emulator(ctx, m)
	if err != nil {
		return err
	}
	image, err := kernel(ctx, m)
	if err != nil {
		return err
	}
	memory, err := cargo(ctx, dir, m, policies, withTests)
	if err != nil {
		return err
	}
	begin := time.Now()
	reports, err := boot(ctx, dir, qemu, m, image, memory, log)
	if err != nil {
		return err
	}
	seconds := time.Since(begin).Seconds()
	for _, goarch := range []string{m.GOARCH, m.Sibling} {
		for _, abi := range m.abis(goarch) {
			t.add(m, abi, policies, reports, seconds)
		}
	}
	return nil
}

// add is the row of one of a machine's ABIs.
func (t *results) add(m machine, abi string, policies []policy, reports []exam.Report, seconds float64) {
	r := row{guest: abi, order: "little", seconds: seconds}
	if abi != m.GOARCH {
		r.guest += " on " + m.GOARCH
	}
	complain := func(format string, args ...any) {
		t.fail("%s on Linux %s: %s", r.guest, r.kernel, fmt.Sprintf(format, args...))
	}
	facts := false
	for _, report := range reports {
		if report.ABI != abi {
			continue
		}
		r.kernel, r.word = report.Kernel, report.Word
		if report.Big {
			r.order = "big"
		}
		switch {
		case report.Error != "":
			r.bad++
			complain("%s: %s", cmp.Or(report.Policy, report.Tests), report.Error)
		case report.Tests != "":
			r.tests = append(r.tests, report)
		case report.Facts != nil:
			facts = true
			tables, err := tabled(abi)
			if err != nil {
				complain("%v", err)
			}
			r.checked += len(tables)
			for _, text := range unlike(report.Facts, tables) {
				r.bad++
				complain("%s", text)
			}
		default:
			r.policies++
			r.checked += report.Checked
			r.bad += report.Failed
			for _, w := range report.Wrong {
				complain("%s: number %d with %#x: wanted %#x, got %#x", report.Policy, int32(w.Nr), w.Args, w.Want, w.Got)
			}
			if m.built() && abi != "x32" { // whose numbers no cache has
				r.addCache(m, policies, report, complain)
			}
		}
	}
	if !facts || r.policies == 0 {
		complain("no facts or no verdicts")
	}
	t.rows = append(t.rows, r)
}

// addCache compares what a report has of the kernel's cache.
func (r *row) addCache(m machine, policies []policy, report exam.Report, complain func(string, ...any)) {
	i := slices.IndexFunc(policies, func(p policy) bool { return p.name == report.Policy })
	f, _ := policies[i].on(m)
	numbers, allowed, wrong, err := unkept(f, report.Cache)
	if err != nil {
		complain("%v", err)
	}
	r.kept += numbers
	r.allowed += allowed
	r.unlike += len(wrong)
	for _, text := range wrong {
		complain("%s: %s", report.Policy, text)
	}
}

func (t *results) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "architecture\tkernel\tbyte order\tword\tpolicies\tverdicts\tpassed\tseconds")
	for _, r := range t.rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%.1f\n", r.guest, r.kernel, r.order, r.word, r.policies, r.checked, r.checked-r.bad, r.seconds)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range t.rows {
		if r.kept > 0 {
			fmt.Fprintf(w, "%s: the kernel's cache has %d numbers under %d policies, and allows %d; secgen says otherwise of %d\n",
				r.guest, r.kept, r.policies, r.allowed, r.unlike)
		}
	}
	for _, r := range t.rows {
		for _, report := range r.tests {
			fmt.Fprintf(w, "%s, Linux %s: %d tests of %s passed", r.guest, r.kernel, report.Passed, report.Tests)
			if n := len(report.Skipped); n > 0 {
				fmt.Fprintf(w, ", %d skipped:\n  %s", n, strings.Join(report.Skipped, "\n  "))
			}
			fmt.Fprintln(w)
		}
	}
	if t.failed > 0 {
		return fmt.Errorf("%d failures", t.failed)
	}
	return nil
}
