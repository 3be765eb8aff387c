package gen

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/example/memcached/policy"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/meaning"
	"github.com/secgen-dev/secgen/gen/internal/program"
	"github.com/secgen-dev/secgen/gen/internal/table"
	"github.com/secgen-dev/secgen/gen/internal/tree"
)

// stress are policies that are large, each in its own way, after one that is not.
var stress = []struct {
	name   string
	policy func() *dsl.Policy
}{
	{"memcached", func() *dsl.Policy { return &policy.Serve }},
	{"container", containerPolicy},
	{"100 values of 32 bits", func() *dsl.Policy { return valuesPolicy(32, 100) }},
	{"400 values of 32 bits", func() *dsl.Policy { return valuesPolicy(32, 400) }},
	{"1000 values of 32 bits", func() *dsl.Policy { return valuesPolicy(32, 1000) }},
	{"1000 values of 64 bits", func() *dsl.Policy { return valuesPolicy(64, 1000) }},
	{"1000 rules of a value", func() *dsl.Policy { return singlesPolicy(1000) }},
	{"200 rules of mixed conditions", func() *dsl.Policy { return mixedPolicy(200) }},
	{"200 rules of sparse masks", func() *dsl.Policy { return masksPolicy(200) }},
}

// privileged are calls that containers are not given.
var privileged = []string{
	"_sysctl", "acct", "add_key", "afs_syscall", "bpf", "clock_adjtime", "clock_settime", "clone", "clone3", "create_module",
	"delete_module", "fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "get_kernel_syms", "get_mempolicy",
	"getpmsg", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_file_load",
	"kexec_load", "keyctl", "lookup_dcookie", "mbind", "migrate_pages", "mount", "mount_setattr", "move_mount", "move_pages",
	"nfsservctl", "open_by_handle_at", "open_tree", "perf_event_open", "personality", "pivot_root", "process_madvise", "ptrace",
	"putpmsg", "query_module", "quotactl", "quotactl_fd", "reboot", "request_key", "security", "set_mempolicy",
	"set_mempolicy_home_node", "setdomainname", "sethostname", "setns", "settimeofday", "socket", "swapoff", "swapon", "syslog",
	"tuxcall", "umount", "umount2", "unshare", "uselib", "userfaultfd", "ustat", "vhangup", "vm86", "vm86old", "vserver",
}

// containerPolicy allows what a container manager does: most calls, a few of them
// with conditions.
func containerPolicy() *dsl.Policy {
	arches := []dsl.Arch{dsl.AMD64, dsl.I386, dsl.X32}
	var calls dsl.Calls
	for _, name := range abi.Calls() {
		has := func(a dsl.Arch) bool { _, ok := abi.Lookup(string(a)).Number(name); return ok }
		if slices.ContainsFunc(arches, has) && !slices.Contains(privileged, name) {
			calls = append(calls, dsl.Syscall(name))
		}
	}
	return &dsl.Policy{
		Arches:  arches,
		Default: dsl.Errno(linux.EPERM),
		Rules: []dsl.Rule{
			dsl.Allow.For(calls),
			dsl.Allow.For(sys.Clone).When(sys.Clone.Flags.Lacks(linux.CLONE_NEWNS, linux.CLONE_NEWCGROUP, linux.CLONE_NEWUTS,
				linux.CLONE_NEWIPC, linux.CLONE_NEWUSER, linux.CLONE_NEWPID, linux.CLONE_NEWNET)),
			dsl.Errno(linux.ENOSYS).For(sys.Clone3),
			dsl.Allow.For(sys.Personality).When(sys.Personality.Persona.In(dsl.Int(0), dsl.Int(8), dsl.Int(0x20000), dsl.Int(0x20008), dsl.Int(0xffffffff))),
			dsl.Allow.For(sys.Socket).When(sys.Socket.Domain.Ne(linux.AF_VSOCK)),
		},
	}
}

func denying(rules ...dsl.Rule) *dsl.Policy {
	return &dsl.Policy{Arches: []dsl.Arch{dsl.AMD64}, Default: dsl.Errno(linux.EPERM), Rules: rules}
}

// random gives the same numbers in every run.
func random() *rand.Rand { return rand.New(rand.NewPCG(21, 22)) }

func valuesPolicy(bits, n int) *dsl.Policy {
	r := random()
	var values []dsl.Value
	for range n {
		values = append(values, dsl.Int(r.Uint64()>>(64-bits)))
	}
	if bits == 32 {
		return denying(dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.In(values...)))
	}
	return denying(dsl.Allow.For(sys.Mmap).When(sys.Mmap.Length.In(values...)))
}

// singlesPolicy has n rules that ask an argument for one value each.
func singlesPolicy(n int) *dsl.Policy {
	r := random()
	var rules []dsl.Rule
	for range n {
		rules = append(rules, dsl.Allow.For(sys.Ioctl).When(sys.Ioctl.Request.Eq(dsl.Int(r.Uint32()))))
	}
	return denying(rules...)
}

// mixedPolicy has n rules that ask for a range, a value or flags in each of three
// arguments. Their order matters, as it does in masksPolicy.
func mixedPolicy(n int) *dsl.Policy {
	r := random()
	return overlapping(r, n, func(a dsl.Arg) dsl.Cond {
		switch r.IntN(3) {
		case 0:
			lo := r.Int32N(1 << 30)
			return a.Between(dsl.Int(lo), dsl.Int(lo+r.Int32N(1<<30)))
		case 1:
			return a.Eq(dsl.Int(r.IntN(16)))
		default:
			return a.Has(dsl.Int(1<<r.IntN(32)), dsl.Int(1<<r.IntN(32)))
		}
	})
}

// masksPolicy has n rules that look at 2 to 8 bits of each of three arguments.
func masksPolicy(n int) *dsl.Policy {
	r := random()
	return overlapping(r, n, func(a dsl.Arg) dsl.Cond {
		var mask uint32
		for _, bit := range r.Perm(32)[:2+r.IntN(7)] {
			mask |= 1 << bit
		}
		return a.Masked(dsl.Int(mask)).Eq(dsl.Int(mask & r.Uint32()))
	})
}

// overlapping has n rules of allowing and denying actions for one call.
func overlapping(r *rand.Rand, n int, cond func(dsl.Arg) dsl.Cond) *dsl.Policy {
	actions := []dsl.Action{dsl.Allow, dsl.Errno(linux.EACCES), dsl.Log, dsl.KillProcess}
	var rules []dsl.Rule
	for range n {
		rules = append(rules, actions[r.IntN(len(actions))].For(sys.Socket).When(
			cond(sys.Socket.Domain), cond(sys.Socket.Type), cond(sys.Socket.Protocol)))
	}
	return denying(rules...)
}

// product is a table with its program and where the proof may be cut.
type product struct {
	table.Table
	program kernel.Program
	cuts    []meaning.Cut
}

// programs resolves a policy and compiles its tables.
func programs(p dsl.Named) ([]product, error) {
	tables, err := table.Resolve(p)
	if err != nil {
		return nil, err
	}
	var list []product
	for _, t := range tables {
		root, cuts, err := tree.Build(t, tree.Weights{}, 0)
		if err != nil {
			return nil, err
		}
		insns, starts := program.Lower(root)
		list = append(list, product{t, insns, places(cuts, starts)})
	}
	return list, nil
}

func BenchmarkCompile(b *testing.B) {
	for _, s := range stress {
		b.Run(s.name, func(b *testing.B) {
			p := dsl.Named{Name: "Policy", Policy: s.policy()}
			length := 0
			b.ReportAllocs()
			for b.Loop() {
				list, err := programs(p)
				if err != nil {
					b.Fatal(err)
				}
				length = 0
				for _, c := range list {
					length += len(c.program)
				}
			}
			b.ReportMetric(float64(length), "instructions")
		})
	}
}

func BenchmarkProve(b *testing.B) {
	for _, s := range stress {
		b.Run(s.name, func(b *testing.B) {
			list, err := programs(dsl.Named{Name: "Policy", Policy: s.policy()})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, c := range list {
					if err := meaning.Prove(c.Table, c.program, c.cuts...); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func TestAConditionThatIsTooMuchIsNamed(t *testing.T) {
	r := random()
	var any []dsl.Cond
	for range 60 {
		masked := func(a dsl.Arg) dsl.Cond {
			mask := 0
			for range 4 {
				mask |= 1 << r.IntN(32)
			}
			return a.Masked(dsl.Int(mask)).Eq(dsl.Int(mask & int(r.Uint32())))
		}
		any = append(any, dsl.All(masked(sys.Socket.Domain), masked(sys.Socket.Type), masked(sys.Socket.Protocol)))
	}
	rule := dsl.Allow.For(sys.Socket).When(dsl.Any(any...))
	_, err := Compile(dsl.Named{Name: "Vast", Policy: denying(dsl.Allow.For(sys.Read), rule)})
	if err == nil {
		t.Fatal("there is a filter")
	}
	t.Log(err)
	if where := fmt.Sprintf("stress_test.go:%d: Vast: ", rule.Made[0].Line); !strings.Contains(err.Error(), where) {
		t.Errorf("the error does not begin with %s: %v", where, err)
	}
}
