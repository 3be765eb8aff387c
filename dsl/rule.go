package dsl

import (
	"runtime"
	"slices"
	"strings"
)

// Rule gives an action to calls, on all or some architectures, whatever their
// arguments or only if they meet conditions. Make one with [Action.For] and
// narrow it with [Rule.When] and [Rule.On]; the fields are for reading.
type Rule struct {
	Action Action   `json:"action"`
	Calls  []Target `json:"calls"`
	Conds  []Cond   `json:"conds,omitempty"`  // all must hold
	Arches []Arch   `json:"arches,omitempty"` // empty: every one of the policy's
	Made   []Frame  `json:"made,omitempty"`   // where, innermost first
}

// A Frame is a place in the author's source. It serves messages and nothing else.
type Frame struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// When returns the rule narrowed to calls for which all of conds hold too.
// Calling it with none is an error when secgen runs.
func (r Rule) When(conds ...Cond) Rule {
	if len(conds) == 0 {
		conds = []Cond{All()}
	}
	r.Conds = slices.Concat(r.Conds, conds)
	return r
}

// On returns the rule limited to those of its architectures that are named. If
// none is left, that is an error when secgen runs.
func (r Rule) On(arches ...Arch) Rule {
	left := slices.Clone(arches)
	if len(r.Arches) > 0 {
		left = slices.DeleteFunc(left, func(a Arch) bool { return !slices.Contains(r.Arches, a) })
	}
	if len(left) == 0 {
		left = []Arch{""}
	}
	r.Arches = left
	return r
}

// caller returns the frames from the one that called into this package up to
// the package initialisation that everything in a policy package hangs from.
func caller() []Frame {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var made []Frame
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			return made
		case !strings.HasPrefix(f.Function, "github.com/secgen-dev/secgen/dsl."):
			made = append(made, Frame{f.File, f.Line})
		}
		if !more {
			return made
		}
	}
}
