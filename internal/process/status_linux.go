package process

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// status is /proc/TASK/status, field by field (proc_pid_status(5)).
type status map[string]string

func readStatus(task string) (status, error) {
	text, err := os.ReadFile(filepath.Join("/proc", task, "status"))
	if err != nil {
		return nil, err
	}
	s := status{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		s[name] = strings.TrimSpace(value)
	}
	return s, nil
}

// capable reports whether a thread has a capability, a number of linux/capability.h.
func (s status) capable(number int) bool {
	set, err := strconv.ParseUint(s["CapEff"], 16, 64)
	return err == nil && set>>number&1 == 1
}

// most is how many threads are named that are alike.
const most = 5

// threads tells of the numbers of filters that the threads of a thread's process
// have; empty if they are all the same, or if the kernel, before 5.9, does not say.
func threads(pid int) string {
	having := map[string][]string{} // threads by how many filters they have
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, t := range tasks {
		t = filepath.Base(t)
		if s, err := readStatus(t); err == nil {
			n := s["Seccomp_filters"]
			having[n] = append(having[n], t)
		}
	}
	if len(having) < 2 {
		return ""
	}
	var kinds []string
	for _, n := range slices.Sorted(maps.Keys(having)) {
		names, more := having[n], ""
		if len(names) > most {
			names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
		}
		kinds = append(kinds, fmt.Sprintf("%s%s: %s", strings.Join(names, " "), more, n))
	}
	return "its threads have different numbers of filters (" + strings.Join(kinds, ", ") + ")"
}
