package dsl

import "slices"

// Twins are calls together with the other forms that some ABIs, 32-bit ones
// mostly, have of them and that libcs make there instead: for 64-bit time
// (futex_time64), for 64-bit offsets and sizes (fcntl64, _llseek, mmap2) or for
// 32-bit ids (getuid32). A call with one form is itself, so that whole lists can
// be given. They are a set, and not a property of a rule, so that one rule may
// name them beside other calls.
//
// A condition is about all forms of its call. It is accepted if each has an
// argument of that name and width, as for any calls in one rule: mmap's offset
// is no condition on mmap2, which counts pages and calls it pgoffset. Raw is the
// register, whatever a form has in it.
func Twins(calls ...Call) Call { return twins(calls) }

type twins []Call

func (ts twins) targets() []Target {
	var all []Target
	for _, t := range Calls(ts).targets() {
		for _, form := range append([]Target{t}, t.Twins()...) {
			if !slices.Contains(all, form) {
				all = append(all, form)
			}
		}
	}
	return all
}

// Twins lists the other forms of the call, as [Twins] adds them.
func (t Target) Twins() []Target {
	var others []Target
	for _, forms := range forms {
		if !slices.Contains(forms, t.Name) {
			continue
		}
		for _, name := range forms {
			if name != t.Name {
				others = append(others, Target{Name: name})
			}
		}
	}
	return others
}

// forms has a list of names for each call with several, from the tables of
// Linux 7.2 (arch/*/…/syscall*.tbl): 64-bit time, file offsets and sizes, ids,
// and what single ABIs call otherwise.
var forms = [][]string{
	{"clock_adjtime", "clock_adjtime64"},
	{"clock_getres", "clock_getres_time64"},
	{"clock_gettime", "clock_gettime64"},
	{"clock_nanosleep", "clock_nanosleep_time64"},
	{"clock_settime", "clock_settime64"},
	{"futex", "futex_time64"},
	{"io_pgetevents", "io_pgetevents_time64"},
	{"mq_timedreceive", "mq_timedreceive_time64"},
	{"mq_timedsend", "mq_timedsend_time64"},
	{"ppoll", "ppoll_time64"},
	{"pselect6", "pselect6_time64"},
	{"recvmmsg", "recvmmsg_time64"},
	{"rt_sigtimedwait", "rt_sigtimedwait_time64"},
	{"sched_rr_get_interval", "sched_rr_get_interval_time64"},
	{"semtimedop", "semtimedop_time64"},
	{"timer_gettime", "timer_gettime64"},
	{"timer_settime", "timer_settime64"},
	{"timerfd_gettime", "timerfd_gettime64"},
	{"timerfd_settime", "timerfd_settime64"},
	{"utimensat", "utimensat_time64"},
	{"fadvise64", "fadvise64_64", "arm_fadvise64_64"},
	{"fcntl", "fcntl64"},
	{"fstat", "fstat64"},
	{"fstatfs", "fstatfs64"},
	{"ftruncate", "ftruncate64"},
	{"lseek", "_llseek"},
	{"lstat", "lstat64"},
	{"mmap", "mmap2"},
	{"newfstatat", "fstatat64"},
	{"sendfile", "sendfile64"},
	{"stat", "stat64"},
	{"statfs", "statfs64"},
	{"truncate", "truncate64"},
	{"chown", "chown32"},
	{"fchown", "fchown32"},
	{"getegid", "getegid32"},
	{"geteuid", "geteuid32"},
	{"getgid", "getgid32"},
	{"getgroups", "getgroups32"},
	{"getresgid", "getresgid32"},
	{"getresuid", "getresuid32"},
	{"getuid", "getuid32"},
	{"lchown", "lchown32"},
	{"setfsgid", "setfsgid32"},
	{"setfsuid", "setfsuid32"},
	{"setgid", "setgid32"},
	{"setgroups", "setgroups32"},
	{"setregid", "setregid32"},
	{"setresgid", "setresgid32"},
	{"setresuid", "setresuid32"},
	{"setreuid", "setreuid32"},
	{"setuid", "setuid32"},
	{"getrlimit", "ugetrlimit"},
	{"select", "_newselect"},
	{"sync_file_range", "sync_file_range2"},
}
