package profile

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// fewValues is how many values are told apart where bits say nearly as much.
const fewValues = 8

// free are arguments with names that say nothing of what a caller can do by the call:
// conditions on them would cost time and end programs. All others with names get
// conditions, and so do flags without.
var free = []string{
	"*.fd", "*.newfd", "*.oldfd", "*.dirfd", "*.dfd", "*.olddirfd", "*.newdirfd", "*.from_dirfd", "*.to_dirfd",
	"*.whence", "*.clockid", "*.clk_id", "*.signum", "*.how", "*.who", "*.idtype",
	"access.mode", "faccessat.mode", "faccessat2.mode", "faccessat2.flags",
	"newfstatat.flags", "fstatat64.flags", "statx.flags", "utimensat.flags", "utimensat_time64.flags",
	"fadvise64.advice", "fadvise64_64.advice", "arm_fadvise64_64.advice", "flock.operation",
	"epoll_ctl.op", "epoll_create1.flags", "eventfd2.flags", "timerfd_create.flags", "inotify_init1.flags", "dup3.flags",
	"getrandom.flags", "rseq.flags", "getrlimit.resource", "ugetrlimit.resource",
	"getitimer.which", "setitimer.which", "getpriority.which", "wait4.options", "waitid.options", "waitpid.options",
}

// limits reports whether an argument gets a condition if few values of it were seen.
func limits(call string, arg abi.Arg) bool {
	if !matters(call, arg) || slices.Contains(free, call+"."+arg.Name) || slices.Contains(free, "*."+arg.Name) {
		return false
	}
	return abi.HasNames(call, arg.Name) || arg.Name == "flags" || hasDomain(call)
}

func hasDomain(call string) bool { return call == "socket" || call == "socketpair" }

// cond is what all values seen have in common, as narrow as can be said in few words;
// none if they are no flags and more than are told apart.
func (a argument) cond() []dsl.Cond {
	switch {
	case a.Name == "futex_op":
		return a.coded(dsl.Int(0x7f), 0x7f) // below FUTEX_PRIVATE_FLAG; FUTEX_CMD_MASK would take in newer flags
	case a.Name == "type" && hasDomain(a.Call):
		mask, _ := a.arch.Const("SOCK_TYPE_MASK")
		return a.coded(dsl.Const("SOCK_TYPE_MASK"), mask.Bits)
	case a.names.Flags:
		return a.flags()
	case a.times == nil:
		return nil
	}
	return []dsl.Cond{a.In(a.list()...)}
}

// flags are the values as bits.
func (a argument) flags() []dsl.Cond {
	values := a.values()
	switch {
	case len(values) == 1:
		return a.exactly(values[0])
	case a.single() && len(values) == 2 && values[0] == 0:
		return []dsl.Cond{a.Only(a.name(values[1]))}
	case a.single() && len(values) <= 4:
		return []dsl.Cond{a.In(a.list()...)}
	case a.any == 0:
		return a.exactly(0)
	}
	var conds []dsl.Cond
	if a.all != 0 {
		conds = append(conds, a.Has(a.bits(a.all)...))
	}
	return append(conds, a.Only(a.union(0)...))
}

// exactly is one value.
func (a argument) exactly(v uint64) []dsl.Cond {
	parts := a.bits(v)
	if len(parts) == 1 {
		return []dsl.Cond{a.Eq(parts[0])}
	}
	return []dsl.Cond{a.Has(parts...), a.Only(parts...)}
}

// coded is for values of which the bits of a mask are one number.
func (a argument) coded(mask dsl.Value, bits uint64) []dsl.Cond {
	if a.times == nil {
		return nil
	}
	if a.single() && len(a.times) <= fewValues {
		return []dsl.Cond{a.In(a.list()...)}
	}
	var codes []dsl.Value
	for _, v := range a.values() {
		if c := a.name(v & bits); !slices.Contains(codes, c) {
			codes = append(codes, c)
		}
	}
	only := append([]dsl.Value{mask}, a.rest(bits)...)
	return []dsl.Cond{a.Masked(mask).In(codes...), a.Only(only...)}
}
