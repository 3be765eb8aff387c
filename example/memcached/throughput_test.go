//go:build linux

package main

import (
	"context"
	"errors"
	"os/exec"
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
	servers := []struct {
		name string
		argv []string
		says string
	}{
		{"none", []string{"memcached"}, ""},
		{"Start", []string{bin, "-start-only"}, ""},
		{"Start+Serve", []string{bin}, "is on all"},
		{"Flip", []string{bin, "-flip"}, "is refused"},
		{"strace-f-c", []string{"strace", "-f", "-c", "-o", "/dev/null", "memcached"}, ""},
	}
	var none []float64
	ratios := map[string][]float64{}
	for b.Loop() {
		for i, server := range servers {
			ops, err := throughput(b.Context(), server.argv, server.says)
			if err != nil {
				b.Fatal(err)
			}
			if i == 0 {
				none = append(none, ops)
			} else {
				ratios[server.name] = append(ratios[server.name], ops/none[len(none)-1])
			}
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
