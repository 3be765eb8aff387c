package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// forAll runs f on what each peer makes of each policy.
func forAll(t *testing.T, list []Policy, f func(t *testing.T, p Policy, peer Peer, program Program)) {
	for _, p := range list {
		for _, peer := range peers() {
			t.Run(p.Name+"/"+peer.Name, func(t *testing.T) {
				program, err := peer.Build(p)
				if err != nil {
					t.Fatal(err)
				}
				f(t, p, peer, program)
			})
		}
	}
}

func measured(t *testing.T) []Policy {
	t.Helper()
	list, err := policies()
	if err != nil || len(list) != 6 {
		t.Fatal(len(list), err)
	}
	return list
}

// What each peer does otherwise than the policies say, apart from the pitfalls:
// anything else would be an adapter that translates wrongly.
func TestPeersMeanThePolicies(t *testing.T) {
	known := map[string][]string{
		"elastic": {"x32 numbers", "the number -1", "calls of other architectures"},
		"gVisor":  {"x32 numbers"},
	}
	forAll(t, measured(t), func(t *testing.T, p Policy, peer Peer, program Program) {
		for _, d := range p.disagreements(peer.Name, program, p.boundary()) {
			if d.Got == allowed || d.Want == allowed || !slices.Contains(known[peer.Name], d.Kind) {
				t.Error(gather([]Disagreement{d}))
			}
		}
	})
}

// Which peers fail on the pitfalls depends on the libseccomp that is installed.
func TestSecgenAvoidsThePitfalls(t *testing.T) {
	fell := map[string]bool{}
	forAll(t, pitfalls(), func(t *testing.T, p Policy, peer Peer, program Program) {
		for _, d := range p.disagreements(peer.Name, program, p.boundary()) {
			if peer.Own {
				t.Error(gather([]Disagreement{d}))
			}
			fell[p.Name] = fell[p.Name] || d.Got == allowed
		}
	})
	for _, p := range pitfalls() {
		if !fell[p.Name] {
			t.Logf("every peer gets %s right: it can go", p.Name)
		}
	}
}

func TestInexpressibleIsSaid(t *testing.T) {
	for _, p := range []Policy{
		{Action: "SCMP_ACT_ERRNO", Errno: 38},
		{Action: "SCMP_ACT_ALLOW", Rules: []Rule{{Names: []string{"read"}, Action: "SCMP_ACT_ERRNO", Errno: 1,
			Args: []Condition{{0, 6, 2, "SCMP_CMP_MASKED_EQ"}}}}},
	} {
		if _, err := elastic(p); !errors.Is(err, errInexpressible) {
			t.Error(err)
		}
	}
}

// golang.org/x/net/bpf reads data in network order, and does not count.
func TestRunIsXNetsVM(t *testing.T) {
	forAll(t, measured(t), func(t *testing.T, p Policy, peer Peer, program Program) {
		insns, ok := bpf.Disassemble(program)
		if !ok {
			t.Fatal("an instruction that x/net/bpf does not know")
		}
		vm, err := bpf.NewVM(insns)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range p.boundary() {
			if i%7 != 0 {
				continue // a seventh of them will do
			}
			var data []byte
			for _, w := range c.data() {
				data = binary.BigEndian.AppendUint32(data, w)
			}
			want, err := vm.Run(data)
			if err != nil {
				t.Fatal(err)
			}
			if got, n := run(program, c.data()); got != uint32(want) || n > len(program) {
				t.Fatalf("%v: %#x after %d instructions, want %#x", c, got, n, want)
			}
		}
	})
}

func TestRunCounts(t *testing.T) {
	p := Program{{Op: loadWord}, {Op: equal, K: 7, Jf: 2}, {Op: and, K: 1}, {Op: jump, K: 0}, {Op: ret, K: allowed}}
	for nr, want := range map[uint32]int{7: 5, 8: 3} {
		if _, n := run(p, Call{Nr: nr}.data()); n != want {
			t.Errorf("number %d: %d instructions, want %d", nr, n, want)
		}
	}
}

// The kernel lets filters of one thread have 1<<15 eBPF instructions together, and
// counts four more for each filter below the newest (kernel/seccomp.c,
// seccomp_attach_filter). How many of the smallest still fit on top of copies of a
// program tells its length. The returns are changed so that the child can go on.
func TestConvertedLengthIsTheKernels(t *testing.T) {
	const copies, most, each = 10, 1 << 15, 4
	forAll(t, measured(t), func(t *testing.T, p Policy, peer Peer, program Program) {
		program = slices.Clone(program)
		for i := range program {
			if program[i].Op == ret {
				program[i].K = allowed
			}
		}
		smallest := converted(Program{{Op: ret, K: allowed}})
		want := (most + each - copies*(converted(program)+each)) / (smallest + each)
		got, err := room(program, copies)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%d filters fit on top of %d of %d eBPF instructions, want %d", got, copies, converted(program), want)
		}
	})
}

// The calls that are timed get the answer that their column says.
func TestTimedCallsAreAnsweredSo(t *testing.T) {
	list := measured(t)
	for _, w := range workloads(list) {
		m := w.Policy.meaning()
		for _, c := range w.Calls {
			if got := m.answer(c); got != w.Answer {
				t.Errorf("%s: %v is answered %#x", w.Name, c, got)
			}
		}
		if _, err := callTime(nil, 0, w.Calls); err != nil {
			t.Errorf("%s: %v", w.Name, err)
		}
	}
}

func TestTheReportHasEveryPeerAndPolicy(t *testing.T) {
	r := Report{Policies: measured(t)[:1], Peers: peers()}
	cells := make([]Cell, len(r.Peers))
	cells[3].Err = errInexpressible
	r.Cells = [][]Cell{cells}
	text, err := r.markdown()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a_tiny", "not expressible", "libseccomp, 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
}

// The table of the repository's README, and its promise: secgen's programs are the
// shortest, and no call that a policy is about executes more of them than of another's.
func TestTheMainReadmesTable(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{
		"secgen": "secgen", "secgen, uniform": "secgen `-weights uniform`", "gVisor": "gVisor pkg/seccomp",
		"libseccomp, 2": "libseccomp, search tree", "libseccomp, 1": "libseccomp, list", "elastic": "elastic go-seccomp-bpf",
	}
	figure := func(f float64) string {
		if f < 100 {
			return strconv.FormatFloat(f, 'f', 1, 64)
		}
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	for _, p := range measured(t) {
		var own Counts
		shortest := 0
		for _, peer := range peers() {
			program, err := peer.Build(p)
			if err != nil {
				t.Fatal(err)
			}
			c := p.meaning().count(program, p.boundary())
			if p.Name == "b_docker" {
				row := regexp.MustCompile(fmt.Sprintf(`(?m)^\| %s *\| *%d \| *%s \| *%s \| *%d \|$`, regexp.QuoteMeta(names[peer.Name]),
					len(program), regexp.QuoteMeta(figure(c.Mean)), regexp.QuoteMeta(figure(c.Checked)), c.Most))
				if !row.Match(text) {
					t.Errorf("the README has no row %v", row)
				}
			}
			switch {
			case peer.Name == "secgen":
				own, shortest = c, len(program)
			case !peer.Own && (len(program) < shortest || c.Checked < own.Checked || c.Most < own.Most):
				t.Errorf("%s: %s has %+v, and secgen %+v", p.Name, peer.Name, c, own)
			}
		}
	}
}
