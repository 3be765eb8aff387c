package exam

import (
	"fmt"
	"strconv"
	"strings"
)

// Kept is what the kernel's cache has for one ABI under a process's filters.
type Kept struct {
	Numbers int      // how many, from 0 on
	Allowed []uint32 // of them, those for which no filter runs
}

// ParseCache reads /proc/PID/seccomp_cache (kernel/seccomp.c,
// proc_pid_seccomp_cache): a line for each number, as "x86_64 39 ALLOW" or
// "ia32 20 FILTER", by the kernel's name of the ABI.
func ParseCache(text string) (map[string]Kept, error) {
	cache := map[string]Kept{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("seccomp_cache has the line %q", line)
		}
		k := cache[words[0]]
		nr, err := strconv.Atoi(words[1])
		if err != nil || nr != k.Numbers {
			return nil, fmt.Errorf("seccomp_cache has the line %q where number %d is due", line, k.Numbers)
		}
		k.Numbers++
		switch words[2] {
		case "ALLOW":
			k.Allowed = append(k.Allowed, uint32(nr))
		case "FILTER":
		default:
			return nil, fmt.Errorf("seccomp_cache has the line %q", line)
		}
		cache[words[0]] = k
	}
	return cache, nil
}
