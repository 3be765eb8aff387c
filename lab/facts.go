package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/secgen-dev/secgen/gen"
)

// tabled are the facts that a guest finds out, as secgen's tables have them.
func tabled(goarch string) (map[string]int64, error) {
	if goarch == "x32" {
		return map[string]int64{"getpid works": 1}, nil
	}
	facts := map[string]int64{}
	errnos, err := gen.Errnos(arch(goarch), "ENOSYS", "ENAMETOOLONG")
	if err != nil {
		return nil, err
	}
	constants, err := gen.Constants(arch(goarch), "SOCK_STREAM", "O_DIRECTORY", "MAP_ANONYMOUS")
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Concat(errnos, constants) {
		facts[n.Name] = int64(n.Value.Bits)
	}
	calls, err := gen.Syscalls(arch(goarch), "clone", "pread64")
	for _, c := range calls {
		for _, a := range c.Args {
			switch what := c.Name + "." + a.Name; what {
			case "clone.flags":
				facts[what] = int64(a.Slots[0])
			case "pread64.offset":
				facts[what+", lower half"] = int64(a.Slots[0])
				if len(a.Slots) == 2 {
					facts[what+", upper half"] = int64(a.Slots[1])
				}
			}
		}
	}
	return facts, err
}

// unlike lists the facts that a kernel and the tables see differently.
func unlike(kernel, tables map[string]int64) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if v, ok := kernel[name]; !ok || v != tables[name] {
			list = append(list, fmt.Sprintf("%s is %d in secgen's tables, and the kernel says %d (found out: %v)", name, tables[name], v, ok))
		}
	}
	return list
}
