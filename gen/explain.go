package gen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/explain"
	"github.com/secgen-dev/secgen/gen/internal/file"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Decisions is what a filter, or a stack of them, answers to every call of an ABI,
// in words.
type Decisions struct {
	Arch    dsl.Arch   `json:"arch"`
	Rows    []Decision `json:"rows"`
	Calls   int        `json:"calls"`   // that have a name on the ABI
	Allowed int        `json:"allowed"` // of them, allowed whatever their arguments
	Cached  int        `json:"cached"`  // of them, those for which the kernel never runs the filter
	Length  int        `json:"instructions"`
	EBPF    int        `json:"ebpf"`              // what the kernel converts them to, which its limit on stacked filters counts
	Longest int        `json:"longest"`           // the most instructions that a call executes; of a stack, the sum
	Filters []Size     `json:"filters,omitempty"` // of a stack, the newest first
}

// Size is what a filter of a stack has of the sums in Decisions.
type Size struct {
	Policy  string `json:"policy"`
	Length  int    `json:"instructions"`
	EBPF    int    `json:"ebpf"`
	Longest int    `json:"longest"`
}

// Decision is calls that get the same answer under the same condition.
type Decision struct {
	Action string   `json:"action"`
	Calls  []string `json:"calls,omitempty"`
	When   string   `json:"when,omitempty"` // empty: whatever the arguments; otherwise: for all but those of the rows above
	Else   string   `json:"else,omitempty"` // what the row is about besides named calls or instead of them
}

// Decide lists what filters answer, ABI by ABI: those that they were made for, or
// all that their programs tell apart, if arch is empty; else that one. It is read
// off the meaning of the programs, whoever made them.
func Decide(filters []Filter, arch dsl.Arch) ([]Decisions, error) {
	if arch != "" {
		f, a, err := forArch(filters, arch)
		if err != nil {
			return nil, err
		}
		d, _, err := decide(f, a)
		return []Decisions{d}, err
	}
	if _, err := byArch(filters); err != nil {
		return nil, err
	}
	var list []Decisions
	for _, f := range filters {
		var arches []*abi.Arch
		for _, name := range f.arches() {
			arches = append(arches, abi.Lookup(string(name)))
		}
		for i := 0; i < len(arches); i++ {
			d, others, err := decide(f, arches[i])
			if err != nil {
				return nil, err
			}
			list = append(list, d)
			for _, o := range others {
				if !slices.Contains(arches, o) {
					arches = append(arches, o)
				}
			}
		}
	}
	return list, nil
}

func decide(f Filter, arch *abi.Arch) (Decisions, []*abi.Arch, error) {
	d, err := explain.Decide(arch, f.programs()...)
	if err != nil {
		return Decisions{}, nil, fmt.Errorf("%s: %s: %w", f.Policy, arch.Name, err)
	}
	out := Decisions{Arch: dsl.Arch(arch.Name), Calls: d.Calls, Allowed: d.Allowed, Cached: d.Cached}
	for _, one := range f.stack() {
		size := Size{Policy: one.Policy, Length: len(one.Program), EBPF: kernel.Converted(one.Program), Longest: one.Longest()}
		out.Length += size.Length
		out.EBPF += size.EBPF
		out.Longest += size.Longest
		if len(f.Older) > 0 {
			out.Filters = append(out.Filters, size)
		}
	}
	for _, r := range d.Rows {
		out.Rows = append(out.Rows, Decision{Action: file.ReturnText(arch, r.Ret), Calls: r.Calls, When: r.When, Else: r.Else})
	}
	return out, d.Others, nil
}

// forArch finds the filter that the kernel runs for an ABI's calls: one made for
// it, or for another ABI of the same kernel. An empty name means amd64, or else
// the first that there is.
func forArch(filters []Filter, name dsl.Arch) (Filter, *abi.Arch, error) {
	own, err := byArch(filters)
	if err != nil {
		return Filter{}, nil, err
	}
	if name == "" {
		name = filters[0].Arches[0]
		if _, ok := own[dsl.AMD64]; ok {
			name = dsl.AMD64
		}
	}
	arch := abi.Lookup(string(name))
	if arch == nil {
		return Filter{}, nil, fmt.Errorf("unknown architecture %q", string(name))
	}
	if f, ok := own[name]; ok {
		return f, arch, nil
	}
	var arches []dsl.Arch
	for _, f := range filters {
		if abi.Lookup(string(f.Arches[0])).Family == arch.Family {
			return f, arch, nil
		}
		arches = append(arches, f.arches()...)
	}
	return Filter{}, nil, fmt.Errorf("there is no filter for a kernel that runs %s; there is one for %v", name, arches)
}

// Explanation is what a filter answers to one call, and why. Of a stack, it is what
// the filters answer together; why, the explanations of each say.
type Explanation struct {
	Arch     dsl.Arch  `json:"arch"`
	Call     string    `json:"call,omitempty"` // empty: the number has no name
	Number   int       `json:"number"`
	Verdicts []Verdict `json:"verdicts"`           // several, if they depend on what is not known of the arguments
	Policy   string    `json:"policy"`             // or the name of the file, where nothing is known of a policy
	Rules    []Reason  `json:"rules,omitempty"`    // of several, the first that matches decides; empty if no policy is known
	Cached   bool      `json:"cached"`             // the kernel answers by its cache and does not run the filter
	Executed []Step    `json:"executed,omitempty"` // the instructions on the way
	Assumed  bool      `json:"assumed,omitempty"`  // they look at what is not known, which is zero then
	Result   string    `json:"result"`             // of Executed
	Logged   string    `json:"logged,omitempty"`   // the action in the audit record that was asked about
	Other    bool      `json:"other,omitempty"`    // no verdict has that action, so another filter gave it

	Filters []Explanation `json:"filters,omitempty"` // of a stack, the newest first
	Decides int           `json:"decides,omitempty"` // which of them gives Result: 1 is the newest; if Assumed, with other arguments another may

	ret              uint32 // Result's SECCOMP_RET_* value
	hardest, mildest int32  // ranks of the verdicts
}

// rank orders actions, the most restrictive first: as signed numbers
// (kernel/seccomp.c, seccomp_run_filters).
func rank(ret uint32) int32 { return int32(ret & actionBits) }

// prevails reports whether, of a stack, the filter i decides whatever the
// arguments that are not known.
func prevails(filters []Explanation, i int) bool {
	for j, other := range filters {
		if j < i && filters[i].mildest >= other.hardest || j > i && filters[i].mildest > other.hardest {
			return false
		}
	}
	return true
}

// Verdict is one of the answers that a call may get.
type Verdict struct {
	Action string `json:"action"`
	When   string `json:"when,omitempty"` // as in Decision
}

// Reason is what of a policy gives an answer.
type Reason struct {
	Text   string `json:"text"`            // which rule, or what else
	Place  string `json:"place,omitempty"` // file:line where the author wrote it, and the callers of that
	Action string `json:"action"`
}

// Step is an executed instruction.
type Step struct {
	PC   int    `json:"pc"`
	Text string `json:"text"`
}

// Explain tells what the filter for an ABI answers to a call: a name or a number
// and arguments, as name=value or in order; or an audit record, which names its
// ABI itself. An empty arch is amd64, or else the first that there is a filter for.
func Explain(filters []Filter, arch dsl.Arch, call ...string) (Explanation, error) {
	words := call
	if len(call) == 1 {
		words = strings.Fields(call[0])
	}
	if len(words) == 0 {
		return Explanation{}, fmt.Errorf("there is no call to explain: name one, or give its number")
	}
	var f Filter
	var c explain.Call
	var err error
	if explain.IsRecord(words) {
		if c, err = explain.ParseRecord(words); err != nil {
			return Explanation{}, err
		}
		if arch != "" && arch != dsl.Arch(c.Arch.Name) {
			return Explanation{}, fmt.Errorf("the audit record is about %s, not %s", c.Arch.Name, arch)
		}
		f, _, err = forArch(filters, dsl.Arch(c.Arch.Name))
	} else {
		var a *abi.Arch
		if f, a, err = forArch(filters, arch); err != nil {
			return Explanation{}, err
		}
		c, err = explain.Parse(a, words)
	}
	if err != nil {
		return Explanation{}, err
	}
	return f.explain(c)
}

// actionBits is SECCOMP_RET_ACTION_FULL: the bits of an answer that are not its data.
const actionBits = 0xffff0000

func (f Filter) explain(c explain.Call) (Explanation, error) {
	answers, err := explain.Answers(c, f.programs()...)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{
		Arch: dsl.Arch(c.Arch.Name), Call: c.Name, Number: int(int32(c.Nr)), Policy: f.Policy,
		Cached: explain.Cached(c.Arch, c.Nr, f.programs()...),
	}
	e.hardest, e.mildest = rank(answers[0].Ret), rank(answers[0].Ret)
	for _, a := range answers {
		e.hardest, e.mildest = min(e.hardest, rank(a.Ret)), max(e.mildest, rank(a.Ret))
		e.Verdicts = append(e.Verdicts, Verdict{Action: file.ReturnText(c.Arch, a.Ret), When: a.When})
	}
	if c.Logged != nil {
		// The kernel logs an action without its data.
		e.Logged, _, _ = strings.Cut(file.ReturnText(c.Arch, *c.Logged), "(")
		e.Other = !slices.ContainsFunc(answers, func(a explain.Answer) bool { return a.Ret&actionBits == *c.Logged&actionBits })
	}
	if len(f.Older) == 0 {
		f.why(&e, c)
		return e, nil
	}
	c.Logged = nil // by all of them together
	for i, one := range f.stack() {
		own, err := one.explain(c)
		if err != nil {
			return Explanation{}, err
		}
		own.Cached = e.Cached // if one runs, all do
		e.Filters = append(e.Filters, own)
		if i == 0 || rank(own.ret) < rank(e.ret) {
			e.Decides, e.Policy, e.Result, e.ret = i+1, own.Policy, own.Result, own.ret
		}
	}
	e.Assumed = !prevails(e.Filters, e.Decides-1)
	return e, nil
}

// why adds what of a single filter gives its answer.
func (f Filter) why(e *Explanation, c explain.Call) {
	var steps []explain.Step
	e.ret, steps, e.Assumed = explain.Path(f.Program, c)
	e.Result = file.ReturnText(c.Arch, e.ret)
	for _, s := range steps {
		e.Executed = append(e.Executed, Step(s))
	}
	if len(f.table.Parts) > 0 {
		for _, r := range explain.Rules(f.table, c) {
			e.Rules = append(e.Rules, f.reason(r, c))
		}
	}
}

func (f Filter) reason(r explain.Rule, c explain.Call) Reason {
	reason := Reason{Action: file.ReturnText(c.Arch, r.Ret)}
	switch r.Source {
	case explain.FromNewer:
		reason.Text = "Newer"
	case explain.FromMultiplexer:
		for _, m := range abi.Multiplexers {
			if m.Name == c.Name {
				reason.Text = "the rules on " + strings.Join(table.Limited(f.source, c.Arch, m), ", ")
			}
		}
	case explain.FromDefault:
		reason.Text = "Default"
	case explain.FromBadArch:
		reason.Text = "BadArch"
	default:
		reason.Text = fmt.Sprintf("rule %d", r.Source+1)
		var frames []string
		for _, m := range f.source.Rules[r.Source].Made {
			frames = append(frames, fmt.Sprintf("%s:%d", m.File, m.Line))
		}
		reason.Place = strings.Join(frames, ", called from ")
	}
	return reason
}
