package gen_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

// reasons say why secgen's answer to a case is its own.
var reasons = map[string]string{
	"multiplexer": "libseccomp lets socketcall and ipc do what rules let their sub-calls do, without " +
		"looking at the arguments. In secgen a policy that means socketcall names it; else it gets " +
		"Default, or ENOSYS where rules limit a sub-call. A profile means what libseccomp makes of it.",
	"overlap": "Rules of different actions overlap, and libseccomp lets the tightest bound decide, " +
		"whatever the order. In secgen the first rule that matches decides; the same rules with the " +
		"tightest first, as the next policy has them, give what libseccomp does.",
}

// expected is a policy of testdata/conformance.txt with what is expected of it.
type expected struct {
	name              string
	fallback, foreign string // actions: of the default, and of foreign architectures
	arches            []dsl.Arch
	rules             []expectedRule
	cases             []expectedCase
}

type expectedRule struct {
	action, call string
	arches       []dsl.Arch
	conds        []expectedCond
}

type expectedCond struct {
	arg         int
	op          string
	mask, value uint64 // mask: of the operator "&"
}

type expectedCase struct {
	line           int
	arch           *abi.Arch
	nr             uint32
	args           [6]uint64
	answer, reason string
	own            string // secgen's answer, where there is a reason for another
}

func TestLibseccompsCases(t *testing.T) {
	const file = "testdata/conformance.txt"
	policies := readExpected(t, file)
	if len(policies) != 44 { // one is there in two orders
		t.Errorf("%s has %d policies", file, len(policies))
	}
	profiles, counted := 0, map[string]int{}
	for _, e := range policies {
		t.Run(e.name, func(t *testing.T) {
			filters, err := gen.Compile(dsl.Named{Name: "Policy", Policy: e.policy(t)})
			if err != nil {
				t.Fatal(err)
			}
			e.check(t, file, filters, false, counted)
			profile, ok := e.profile()
			if !ok {
				return
			}
			profiles++
			filters, err = gen.Read("profile.json", profile, gen.ReadOptions{})
			if err != nil {
				t.Fatalf("%v\n%s", err, profile)
			}
			e.check(t, file, filters, true, map[string]int{})
		})
	}
	if profiles < 29 {
		t.Errorf("only %d policies were tried as OCI profiles", profiles)
	}
	for reason := range reasons {
		if counted[reason] == 0 {
			t.Errorf("there is no case with %s left", reason)
		}
	}
	t.Logf("cases that passed: %d like libseccomp, %d with a multiplexer and %d with overlapping rules by secgen's own rules; %d policies as OCI profiles too",
		counted[""], counted["multiplexer"], counted["overlap"], profiles)
}

// check runs all cases. Calls of an ABI that the policy lacks are put before
// every program of the same byte order.
func (e *expected) check(t *testing.T, file string, filters []gen.Filter, profile bool, counted map[string]int) {
	t.Helper()
	for _, c := range e.cases {
		want := c.answer
		if c.reason != "" {
			if reasons[c.reason] == "" || c.own == c.answer {
				t.Errorf("%s:%d: %q is no reason for another answer", file, c.line, c.reason)
			}
			if !profile || c.reason != "multiplexer" {
				want = c.own
			}
		}
		tried := 0
		for _, f := range filters {
			own := abi.Lookup(string(f.Arches[0]))
			if !serves(f, c.arch) && (own.BigEndian != c.arch.BigEndian || slices.ContainsFunc(filters, func(f gen.Filter) bool { return serves(f, c.arch) })) {
				continue
			}
			tried++
			if ret, _ := kernel.Run(f.Program, words(c.arch, c.nr, c.args)); ret != returnValue(t, want) {
				t.Errorf("%s:%d: %s's call %d with %x gets %#x, want %s", file, c.line, c.arch.Name, c.nr, c.args, ret, want)
				counted["failed"]++
				continue
			}
			counted[c.reason]++
		}
		if tried != 1 {
			t.Errorf("%s:%d: %d programs for %s", file, c.line, tried, c.arch.Name)
		}
	}
}

func serves(f gen.Filter, arch *abi.Arch) bool {
	return slices.Contains(f.Arches, dsl.Arch(arch.Name))
}

// words is struct seccomp_data of a call.
func words(arch *abi.Arch, nr uint32, args [6]uint64) [16]uint32 {
	data := [16]uint32{0: nr, 1: arch.Audit}
	for i, a := range args {
		lo, hi := 4+2*i, 5+2*i
		if arch.BigEndian {
			lo, hi = hi, lo
		}
		data[lo], data[hi] = uint32(a), uint32(a>>32)
	}
	return data
}

// policy is e as an author would write it.
func (e *expected) policy(t *testing.T) *dsl.Policy {
	p := &dsl.Policy{Arches: e.arches, Default: action(t, e.fallback), BadArch: action(t, e.foreign)}
	// In libseccomp a rule without conditions decides before those with.
	for _, conditional := range []bool{false, true} {
		for _, r := range e.rules {
			if (len(r.conds) > 0) != conditional {
				continue
			}
			call, ok := r.target(e.arches)
			if !ok {
				continue // libseccomp drops what an ABI lacks; a rule for nothing is an error here
			}
			rule := action(t, r.action).For(call)
			if len(r.arches) > 0 {
				rule = rule.On(r.arches...)
			}
			for _, c := range r.conds {
				rule = rule.When(c.dsl())
			}
			p.Rules = append(p.Rules, rule)
		}
	}
	return p
}

// target is the call of a rule, by its name where it has one. It is false if
// none of the ABIs has it.
func (r expectedRule) target(arches []dsl.Arch) (dsl.Call, bool) {
	if n, err := strconv.ParseInt(r.call, 10, 64); err == nil {
		for _, a := range arches {
			if name := abi.Lookup(string(a)).CallName(uint32(n)); name != "" {
				return dsl.Syscall(name), true // secgen refuses the number of a call that has a name
			}
		}
		return dsl.Number(n), true
	}
	return dsl.Syscall(r.call), slices.ContainsFunc(arches, func(a dsl.Arch) bool {
		_, ok := abi.Lookup(string(a)).Number(r.call)
		return ok
	})
}

func (c expectedCond) dsl() dsl.Cond {
	raw, v := dsl.Raw(c.arg), dsl.Int(c.value)
	switch c.op {
	case "==":
		return raw.Eq(v)
	case "!=":
		return raw.Ne(v)
	case "<":
		return raw.Lt(v)
	case "<=":
		return raw.Le(v)
	case ">":
		return raw.Gt(v)
	case ">=":
		return raw.Ge(v)
	}
	if c.mask == 0 { // a mask of nothing is an error; this holds always, too
		return raw.Ge(dsl.Int(0))
	}
	return raw.Masked(dsl.Int(c.mask)).Eq(dsl.Int(c.value & c.mask))
}

var actions = map[string]struct {
	ret    uint32
	oci    string
	action dsl.Action
}{
	"allow":        {0x7fff0000, "SCMP_ACT_ALLOW", dsl.Allow},
	"log":          {0x7ffc0000, "SCMP_ACT_LOG", dsl.Log},
	"trace":        {0x7ff00000, "SCMP_ACT_TRACE", dsl.Trace(0)},
	"errno":        {0x00050000, "SCMP_ACT_ERRNO", dsl.ErrnoNumber(0)},
	"trap":         {0x00030000, "SCMP_ACT_TRAP", dsl.Trap(0)},
	"kill-thread":  {0x00000000, "SCMP_ACT_KILL", dsl.KillThread},
	"kill-process": {0x80000000, "SCMP_ACT_KILL_PROCESS", dsl.KillProcess},
}

func action(t *testing.T, text string) dsl.Action {
	name, data, _ := strings.Cut(text, "=")
	a, ok := actions[name]
	if !ok {
		t.Fatalf("%s is no action", text)
	}
	n, _ := strconv.ParseUint(data, 10, 16)
	a.action.Data = uint16(n)
	return a.action
}

func returnValue(t *testing.T, text string) uint32 {
	name, _, _ := strings.Cut(text, "=")
	return actions[name].ret | uint32(action(t, text).Data)
}

// profile is e as an OCI profile. It is false where OCI has no way to say it: a
// call by number, a rule for some ABIs only, another answer to foreign calls.
func (e *expected) profile() ([]byte, bool) {
	type object = map[string]any
	ociAction := func(o object, key, errno, text string) {
		name, data, _ := strings.Cut(text, "=")
		o[key] = actions[name].oci
		if n, err := strconv.Atoi(data); err == nil {
			o[errno] = n
		}
	}
	var arches []string
	for _, a := range e.arches {
		arches = append(arches, ociArches[a])
	}
	rules := []object{}
	for _, r := range e.rules {
		if _, err := strconv.Atoi(r.call); err == nil || len(r.arches) > 0 {
			return nil, false
		}
		rule := object{"names": []string{r.call}}
		ociAction(rule, "action", "errnoRet", r.action)
		var args []object
		for _, c := range r.conds {
			a := object{"index": c.arg, "op": ociOps[c.op], "value": c.value}
			if c.op == "&" {
				a["value"], a["valueTwo"] = c.mask, c.value
			}
			args = append(args, a)
		}
		rule["args"] = args
		rules = append(rules, rule)
	}
	profile := object{"architectures": arches, "syscalls": rules}
	ociAction(profile, "defaultAction", "defaultErrnoRet", e.fallback)
	text, err := json.Marshal(profile)
	return text, err == nil && e.foreign == "kill-thread"
}

var ociArches = map[dsl.Arch]string{
	dsl.AMD64: "SCMP_ARCH_X86_64", dsl.I386: "SCMP_ARCH_X86", dsl.X32: "SCMP_ARCH_X32",
	dsl.ARM64: "SCMP_ARCH_AARCH64", dsl.ARM: "SCMP_ARCH_ARM", dsl.RISCV64: "SCMP_ARCH_RISCV64",
	dsl.LOONG64: "SCMP_ARCH_LOONGARCH64", dsl.S390X: "SCMP_ARCH_S390X", dsl.S390: "SCMP_ARCH_S390",
	dsl.PPC64LE: "SCMP_ARCH_PPC64LE", dsl.PPC64: "SCMP_ARCH_PPC64", dsl.PPC: "SCMP_ARCH_PPC",
	dsl.MIPS: "SCMP_ARCH_MIPS", dsl.MIPSLE: "SCMP_ARCH_MIPSEL",
	dsl.MIPS64: "SCMP_ARCH_MIPS64", dsl.MIPS64LE: "SCMP_ARCH_MIPSEL64",
}

var ociOps = map[string]string{
	"==": "SCMP_CMP_EQ", "!=": "SCMP_CMP_NE", "<": "SCMP_CMP_LT", "<=": "SCMP_CMP_LE",
	">": "SCMP_CMP_GT", ">=": "SCMP_CMP_GE", "&": "SCMP_CMP_MASKED_EQ",
}

// readExpected reads the form that the head of testdata/conformance.txt describes.
func readExpected(t *testing.T, file string) []*expected {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []*expected
	for i, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if fields[0] == "policy" {
			all = append(all, &expected{name: fields[1]})
		}
		if len(all) == 0 || !all[len(all)-1].take(i+1, fields) {
			t.Fatalf("%s:%d: %q is not of the form that the file's head describes", file, i+1, line)
		}
	}
	return all
}

// take adds a line to the policy.
func (e *expected) take(line int, fields []string) bool {
	switch kind := fields[0]; {
	case kind == "policy" && len(fields) == 5:
		e.fallback = strings.TrimPrefix(fields[2], "default=")
		e.foreign = strings.TrimPrefix(fields[3], "badarch=")
		e.arches = archList(fields[4])
		return true
	case kind == "rule" && len(fields) >= 3:
		r := expectedRule{action: fields[1], call: fields[2]}
		for _, f := range fields[3:] {
			if strings.HasPrefix(f, "on=") {
				r.arches = archList(f)
				continue
			}
			c, ok := readCond(f)
			if !ok {
				return false
			}
			r.conds = append(r.conds, c)
		}
		e.rules = append(e.rules, r)
		return true
	case kind == "case" && (len(fields) == 5 || len(fields) == 7):
		nr, err := strconv.ParseUint(fields[2], 10, 32)
		c := expectedCase{line: line, arch: abi.Lookup(fields[1]), nr: uint32(nr), answer: fields[4]}
		if len(fields) == 7 {
			c.reason, c.own = fields[5], fields[6]
		}
		if fields[3] != "-" {
			for i, a := range strings.Split(fields[3], ",") {
				var bad error
				if c.args[i], bad = strconv.ParseUint(a, 16, 64); bad != nil {
					err = bad
				}
			}
		}
		e.cases = append(e.cases, c)
		return err == nil && c.arch != nil
	}
	return false
}

func archList(field string) []dsl.Arch {
	_, list, _ := strings.Cut(field, "=")
	var arches []dsl.Arch
	for name := range strings.SplitSeq(list, ",") {
		arches = append(arches, dsl.Arch(name))
	}
	return arches
}

var condForm = regexp.MustCompile(`^a([0-5])(?:&(0x[0-9a-f]+))?(==|!=|<=|>=|<|>)(0x[0-9a-f]+)$`)

func readCond(text string) (expectedCond, bool) {
	m := condForm.FindStringSubmatch(text)
	if m == nil {
		return expectedCond{}, false
	}
	c := expectedCond{arg: int(m[1][0] - '0'), op: m[3]}
	var err, err2 error
	c.value, err = strconv.ParseUint(m[4], 0, 64)
	if m[2] != "" {
		c.op = "&"
		c.mask, err2 = strconv.ParseUint(m[2], 0, 64)
	}
	return c, err == nil && err2 == nil
}
