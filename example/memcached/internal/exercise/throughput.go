package exercise

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Throughput has clients get and set values of 100 bytes, nine gets to a set, one
// command at a time, and returns how many commands were answered in a second.
func Throughput(ctx context.Context, t Target, clients int, d time.Duration) (float64, error) {
	v := strings.Repeat("x", 100)
	begun := time.Now()
	end := begun.Add(d)
	counts := make([]int, clients)
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			s := t.dial(ctx)
			defer s.close()
			for n := 0; s.err == nil && time.Now().Before(end); n++ {
				key := fmt.Sprintf("tp%d.%d", i, n/10%100)
				if n%10 == 0 {
					s.say("set "+key+" 0 0 100\n"+v, "STORED")
				} else {
					s.say("get "+key, "VALUE "+key+" 0 100", v, "END")
				}
				counts[i]++
			}
			errs[i] = s.err
		})
	}
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / time.Since(begun).Seconds(), errors.Join(errs...)
}
