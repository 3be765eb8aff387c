// Command bench puts secgen beside the other generators of seccomp filters that a
// Go program can call: the same policies, in one process, on the running kernel.
// It compares what all programs mean, counts and times them, prints the tables and
// rewrites README.md and its charts.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"
)

func main() {
	if err := bench(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench() error {
	if runtime.GOARCH != "amd64" {
		return errors.New("the policies are amd64's: run it there")
	}
	list, err := policies()
	if err != nil {
		return err
	}
	r := Report{Policies: list, Peers: peers(), Workloads: workloads(list)}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"building and comparing", r.build},
		{"timing the generators", r.timeGenerators},
		{"timing installation", r.timeInstallation},
		{"timing calls", r.timeCalls},
	} {
		fmt.Fprintln(os.Stderr, step.name)
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return r.write()
}

// build makes every program, compares it with its policy and counts.
func (r *Report) build() error {
	for i, p := range append(slices.Clone(r.Policies), pitfalls()...) {
		calls, cells := p.boundary(), make([]Cell, len(r.Peers))
		for k, peer := range r.Peers {
			program, err := peer.Build(p)
			if errors.Is(err, errInexpressible) {
				cells[k].Err = err
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %s: %w", p.Name, peer.Name, err)
			}
			r.Found = append(r.Found, p.disagreements(peer.Name, program, calls)...)
			cells[k] = Cell{Program: program, Counts: p.meaning().count(program, calls)}
		}
		r.Inputs += len(calls)
		if i < len(r.Policies) {
			r.Cells = append(r.Cells, cells)
		}
	}
	return nil
}

const (
	generatorRounds = 7
	installRounds   = 101
	callRounds      = 61
)

func (r *Report) timeGenerators() error {
	return r.rounds(generatorRounds, func(p Policy, peer Peer, _ Program) (float64, error) {
		start := time.Now()
		_, err := peer.Build(p)
		return float64(time.Since(start).Nanoseconds()), err
	}, func(c *Cell, ns float64) { c.Generate = ns })
}

func (r *Report) timeInstallation() error {
	return r.rounds(installRounds, func(_ Policy, _ Peer, program Program) (float64, error) {
		return installTime(program)
	}, func(c *Cell, ns float64) { c.Install = ns })
}

// rounds measures every program once a round, so that what disturbs the machine
// meets all of them, and keeps the medians.
func (r *Report) rounds(n int, measure func(Policy, Peer, Program) (float64, error), keep func(*Cell, float64)) error {
	for i, p := range r.Policies {
		samples := make([][]float64, len(r.Peers))
		for range n {
			for k, peer := range r.Peers {
				if r.Cells[i][k].Err != nil {
					continue
				}
				ns, err := measure(p, peer, r.Cells[i][k].Program)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", p.Name, peer.Name, err)
				}
				samples[k] = append(samples[k], ns)
			}
		}
		for k := range r.Peers {
			keep(&r.Cells[i][k], median(samples[k]))
		}
	}
	return nil
}

// Workload is calls to be timed, and what the policy answers to each.
type Workload struct {
	Name   string
	Policy Policy
	Calls  []Call
	Answer uint32
	Copies []int // of the filter, that a thread has together
}

// workloads do next to nothing in the kernel, with a filter and without. The last
// has one copy only, since its filter forbids to install another.
func workloads(list []Policy) []Workload {
	policy := func(name string) Policy {
		return list[slices.IndexFunc(list, func(p Policy) bool { return p.Name == name })]
	}
	call := func(name string, args ...uint64) Call {
		c := Call{Arch: auditAMD64, Nr: number(name)}
		copy(c.Args[:], args)
		return c
	}
	var ioctls []Call
	for _, r := range policy("f_many_args").Rules {
		if r.Names[0] == "ioctl" {
			ioctls = append(ioctls, call("ioctl", ^uint64(0), r.Args[0].Value)) // EBADF
		}
	}
	docker := policy("b_docker")
	return []Workload{
		{"cached allow", docker, []Call{call("getppid")}, allowed, []int{1, 5}},
		{"argument-checked allow", docker, []Call{call("personality", 0xffffffff)}, allowed, []int{1, 5}}, // reads it
		{"errno", docker, []Call{call("lookup_dcookie")}, errno | 1, []int{1, 5}},                         // ENOSYS without a filter
		{"40 ioctls in turn", policy("f_many_args"), ioctls, allowed, []int{1}},
	}
}

// timeCalls fills None and Ratios. A ratio is taken within its round, since the
// machine has faster and slower minutes.
func (r *Report) timeCalls() error {
	none := make([][]float64, len(r.Workloads))
	type measured struct{ workload, peer, copies int }
	ratios := map[measured][]float64{}
	for range callRounds {
		for i, w := range r.Workloads {
			without, err := callTime(nil, 0, w.Calls)
			if err != nil {
				return err
			}
			none[i] = append(none[i], without)
			at := slices.IndexFunc(r.Policies, func(p Policy) bool { return p.Name == w.Policy.Name })
			for k, c := range r.Cells[at] {
				for _, copies := range w.Copies {
					if c.Err != nil {
						continue
					}
					ns, err := callTime(c.Program, copies, w.Calls)
					if err != nil {
						return fmt.Errorf("%s: %s: %w", w.Name, r.Peers[k].Name, err)
					}
					m := measured{i, k, copies}
					ratios[m] = append(ratios[m], ns/without)
				}
			}
		}
	}
	for i := range r.Workloads {
		r.None = append(r.None, median(none[i]))
		row := make([]map[int]float64, len(r.Peers))
		for k := range row {
			row[k] = map[int]float64{}
			for _, copies := range r.Workloads[i].Copies {
				row[k][copies] = median(ratios[measured{i, k, copies}])
			}
		}
		r.Ratios = append(r.Ratios, row)
	}
	return nil
}

// median is 0 if there are no values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}
