//go:build linux && (amd64 || arm64)

package group_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
)

// witnesses name for each call of each group a trial that dies or fails without it,
// or say after a dash why it is there although no trial does. A call that several
// rules of a group name is numbered, "write 1".
var witnesses = map[string]map[string]string{
	"GlibcStart": {
		"access":          "glibc start",
		"arch_prctl":      "glibc start",
		"close":           "glibc start",
		"execve":          "glibc start",
		"faccessat":       "- arm64's form of it",
		"fstat":           "- glibc from 2.39 on, for newfstatat",
		"getrandom":       "glibc start",
		"mmap 1":          "glibc start",
		"mmap 2":          "glibc start",
		"newfstatat":      "glibc start",
		"openat":          "glibc start",
		"pread64":         "glibc start",
		"prlimit64":       "glibc start",
		"read":            "glibc start",
		"readlink":        "glibc-static start",
		"readlinkat":      "- arm64's form of it",
		"rt_sigaction":    "glibc start",
		"set_tid_address": "glibc start",
	},
	"GlibcThreads": {
		"brk":             "glibc-static start",
		"clock_getres":    "- answered by the vDSO where the clock source allows",
		"clock_gettime":   "- answered by the vDSO where the clock source allows",
		"clone":           "glibc threads",
		"clone3":          "glibc threads",
		"exit":            "glibc threads",
		"exit_group":      "glibc threads",
		"futex":           "glibc threads",
		"getcpu":          "- answered by the vDSO where the clock source allows",
		"getpid":          "glibc threads",
		"gettid":          "glibc threads",
		"gettimeofday":    "- answered by the vDSO where the clock source allows",
		"madvise":         "glibc threads",
		"mmap":            "glibc threads",
		"mprotect":        "glibc threads",
		"mremap":          "glibc threads",
		"munmap":          "glibc threads",
		"restart_syscall": "- what a thread that slept calls after a stop",
		"rseq":            "glibc threads",
		"rt_sigprocmask":  "glibc threads",
		"rt_sigreturn":    "glibc threads",
		"sched_yield":     "- pthread_yield, and malloc where threads meet",
		"set_robust_list": "glibc threads",
		"tgkill":          "glibc threads",
		"time":            "- answered by the vDSO where the clock source allows",
	},
	"GoConn": {
		"accept4":      "go served",
		"close":        "go served",
		"fcntl":        "go served",
		"getpeername":  "go tcp",
		"getsockname":  "go served",
		"pipe2":        "go served",
		"read":         "go served",
		"recvfrom":     "go udp",
		"recvmsg":      "go udp",
		"sendfile":     "go served",
		"sendmsg":      "go udp",
		"sendto":       "go udp",
		"setsockopt 1": "go served",
		"setsockopt 2": "go served",
		"shutdown":     "go served",
		"splice":       "go served",
		"write":        "go served",
		"writev":       "go served",
	},
	"GoExec": {
		"clone":             "go exec",
		"close":             "- the child's start closes too",
		"dup3":              "go exec",
		"execve":            "- the child's start names it too",
		"faccessat2":        "go exec",
		"fcntl":             "go exec",
		"newfstatat":        "go exec",
		"openat":            "go exec",
		"pidfd_open":        "go exec",
		"pidfd_send_signal": "go exec",
		"pipe2":             "go exec",
		"prlimit64":         "- only where package os raised the limit, and the child's start asks for it too",
		"read":              "- the child's start reads too",
		"wait4":             "go exec",
		"waitid":            "go exec",
		"write":             "go exec",
	},
	"GoNet": {
		"bind":         "go tcp",
		"connect":      "go tcp",
		"fcntl":        "go tcp",
		"fstat":        "go http",
		"getsockopt":   "go tcp",
		"listen":       "go tcp",
		"newfstatat":   "go dns",
		"openat":       "go tcp",
		"setsockopt 1": "go tcp",
		"setsockopt 2": "go tcp",
		"socket":       "go tcp",
		"uname":        "go tcp",
	},
	"GoRuntime": {
		"clock_gettime":     "- answered by the vDSO where the clock source allows",
		"clone":             "go threads",
		"epoll_create1":     "go sleep",
		"epoll_ctl":         "go sleep",
		"epoll_pwait":       "go sleep",
		"eventfd2":          "go sleep",
		"exit":              "go threads",
		"exit_group":        "go panic",
		"futex":             "go idle",
		"getpid":            "go preempt",
		"gettid":            "go threads",
		"madvise":           "go heap",
		"mmap":              "go gc",
		"munmap":            "go gc",
		"nanosleep":         "go idle",
		"prctl":             "go start",
		"pread64":           "go idle",
		"read":              "go timers",
		"restart_syscall":   "go sleep",
		"rt_sigaction":      "go signal",
		"rt_sigprocmask":    "go threads",
		"rt_sigreturn":      "go preempt",
		"sched_getaffinity": "go idle",
		"sched_yield":       "go gc",
		"sigaltstack":       "go threads",
		"tgkill":            "go preempt",
		"write 1":           "go timers",
		"write 2":           "go panic",
	},
	"GoStart": {
		"arch_prctl": "go start",
		"close":      "go start",
		"execve":     "go start",
		"fcntl":      "go start",
		"openat":     "go start",
		"prlimit64":  "go start",
		"read":       "go start",
	},
	"MuslStart": {
		"arch_prctl":      "musl start",
		"close":           "musl start",
		"execve":          "musl start",
		"fcntl":           "musl start",
		"fstat":           "musl start",
		"mmap 1":          "musl start",
		"mmap 2":          "musl start",
		"open":            "musl start",
		"openat":          "- arm64's form of it",
		"read":            "musl start",
		"set_tid_address": "musl start",
	},
	"MuslThreads": {
		"brk":             "musl start",
		"clock_gettime":   "- answered by the vDSO where the clock source allows",
		"clone":           "musl threads",
		"exit":            "musl threads",
		"exit_group":      "musl threads",
		"futex":           "musl threads",
		"madvise":         "musl threads",
		"membarrier":      "musl start",
		"mmap":            "musl threads",
		"mprotect":        "musl threads",
		"mremap":          "musl threads",
		"munmap":          "musl threads",
		"restart_syscall": "- what a thread that slept calls after a stop",
		"rt_sigprocmask":  "musl threads",
		"rt_sigreturn":    "musl threads",
		"tkill":           "musl threads",
	},
}

// A part is one call of one rule of a group.
type part struct{ rule, call int }

// parts are what a group consists of, by name, on this architecture.
func parts(rules []dsl.Rule) map[string]part {
	count := map[string]int{}
	for _, r := range rules {
		for _, c := range r.Calls {
			count[c.String()]++
		}
	}
	found, seen := map[string]part{}, map[string]int{}
	for i, r := range rules {
		for j, c := range r.Calls {
			name := c.String()
			seen[name]++
			if _, err := gen.Syscalls(dsl.Arch(runtime.GOARCH), name); err != nil {
				continue
			}
			if count[name] > 1 {
				name = fmt.Sprintf("%s %d", name, seen[name])
			}
			found[name] = part{i, j}
		}
	}
	return found
}

// without takes one part out of a group.
func without(rules []dsl.Rule, p part) []dsl.Rule {
	rules = slices.Clone(rules)
	rules[p.rule].Calls = slices.Delete(slices.Clone(rules[p.rule].Calls), p.call, p.call+1)
	if len(rules[p.rule].Calls) == 0 {
		rules = slices.Delete(rules, p.rule, p.rule+1)
	}
	return rules
}

// Every call of every group is needed: without it a trial dies or fails. What no
// trial shows is there for a reason.
func TestEveryRuleIsNeeded(t *testing.T) {
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		known := maps.Clone(witnesses[g])
		for name, p := range parts(groups[g]) {
			witness := known[name]
			delete(known, name)
			if strings.HasPrefix(witness, "- ") {
				continue
			}
			t.Run(g+" without "+name, func(t *testing.T) {
				t.Parallel()
				i := slices.IndexFunc(trials, func(tr trial) bool { return tr.name() == witness })
				if i < 0 {
					t.Fatalf("no trial %q", witness)
				}
				tr := trials[i]
				made(t, tr.program)
				path := filter(t, tr.rules(func(name string, rules []dsl.Rule) []dsl.Rule {
					if name == g {
						return without(rules, p)
					}
					return rules
				}))
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				if ends, _ := tr.run(tr.command(t, ctx, path, time.Hour), ""); ends == tr.want() || ctx.Err() != nil {
					t.Errorf("%s: it does without", tr.name())
				}
			})
		}
		for name := range known {
			if _, err := gen.Syscalls(dsl.Arch(runtime.GOARCH), strings.Fields(name)[0]); err == nil {
				t.Errorf("%s has no %s", g, name)
			}
		}
	}
}
