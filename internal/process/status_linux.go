package process

import (
	"errors"
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

// Thread is a thread as /proc tells it.
type Thread struct {
	TID        int
	State      byte   // S, R, D, …: see proc_pid_status(5)
	Seccomp    string // 0 none, 1 strict, 2 filters; empty without CONFIG_SECCOMP
	Filters    string // how many; empty before Linux 5.9
	NoNewPrivs bool
}

// Ended reports whether only the number is left of the thread.
func (t Thread) Ended() bool { return t.State == 'Z' || t.State == 'X' }

func readThread(tid int) (Thread, error) {
	s, err := readStatus(strconv.Itoa(tid))
	if err == nil && s["State"] == "" {
		err = errors.New("/proc tells no State")
	}
	if err != nil {
		return Thread{}, fmt.Errorf("%w: %w", errEnded, err)
	}
	return Thread{tid, s["State"][0], s["Seccomp"], s["Seccomp_filters"], s["NoNewPrivs"] == "1"}, nil
}

// Threads lists the threads of a thread's process, but for those that end meanwhile.
func Threads(pid int) []Thread {
	var list []Thread
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, task := range tasks {
		if tid, err := strconv.Atoi(filepath.Base(task)); err == nil {
			if t, err := readThread(tid); err == nil {
				list = append(list, t)
			}
		}
	}
	return list
}

// Differences tells of the numbers of filters that the threads of a thread's process
// have; empty if they are all the same, or if the kernel, before 5.9, does not say.
func Differences(pid int) string {
	having := map[string][]string{} // threads by how many filters they have
	for _, t := range Threads(pid) {
		if t.Ended() {
			continue
		}
		having[t.Filters] = append(having[t.Filters], strconv.Itoa(t.TID))
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
