//go:build linux

package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/secgen-dev/secgen/example/memcached/internal/exercise"
)

// Each round measures all servers one after the other: 8 clients, nine gets of 100
// bytes to a set. The ratios are to the server without a filter of the same round, and
// the median of the rounds is told.
//
//	go test -run - -bench Throughput -benchtime 3x ./example/memcached
func BenchmarkThroughput(b *testing.B) {
	if _, err := exec.LookPath("memcached"); err != nil {
		b.Skip("needs Debian's package memcached")
	}
	bin := launcher(b)
	secgen := filepath.Join(b.TempDir(), "secgen")
	if out, err := exec.Command("go", "build", "-o", secgen, "../../cmd/secgen").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	servers := []struct {
		name string
		argv []string
		says string
	}{
		{"none", []string{"memcached"}, ""},
		{"Start", []string{bin, "-start-only"}, ""},
		{"Start+Serve", []string{bin}, "is on all"},
		{"Flip", []string{bin, "-flip"}, "is refused"},
		{"secgen-run", []string{secgen, "run", "-observe", "filter/filter_linux.go:Start", "--", "memcached"}, ""},
		{"secgen-learn", []string{secgen, "learn", "-q", "-o", "-", "--", "memcached"}, ""},
		{"strace-f-c", []string{"strace", "-f", "-c", "-o", "/dev/null", "memcached"}, ""},
		{"strace-f", []string{"strace", "-f", "-o", "/dev/null", "memcached"}, ""},
	}
	var none []float64
	ratios := map[string][]float64{}
	for round := 0; b.Loop(); round++ {
		ops := make([]float64, len(servers))
		for i := range servers {
			i = (i + round) % len(servers) // each is the first in its turn
			var err error
			if ops[i], err = throughput(b.Context(), servers[i].argv, servers[i].says); err != nil {
				b.Fatal(err)
			}
		}
		none = append(none, ops[0])
		for i, server := range servers[1:] {
			ratios[server.name] = append(ratios[server.name], ops[i+1]/ops[0])
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(none), "none-ops/s")
	for name, r := range ratios {
		b.ReportMetric(median(r), name)
	}
}

// throughput starts a server, waits until it has said something, and measures it.
func throughput(ctx context.Context, argv []string, says string) (float64, error) {
	s, err := exercise.Start(ctx, argv...)
	if err != nil {
		return 0, err
	}
	if err := s.Says(says); err != nil {
		return 0, err
	}
	const clients, each = 8, 2 * time.Second
	ops, err := exercise.Throughput(ctx, s.Target(), clients, each)
	return ops, errors.Join(err, s.Stop())
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
