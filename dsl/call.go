package dsl

import "strconv"

// Call is one or more system calls: a value of package sys, [Calls] or
// [Number]. Its methods are unexported only, so that a call's argument may
// bear any name.
type Call interface{ targets() []Target }

// Syscall is a system call by its kernel name. The values of package sys embed
// it beside a field for each argument.
type Syscall string

// Calls is a set of calls, written once and used in many rules.
type Calls []Call

// Number is a system call by its number, as the filter sees it: for what has
// no name yet. Number(-1) is what a filter sees of a call that a tracer skipped.
type Number int64

// A Target is how a rule names one system call: by name or by number.
type Target struct {
	Name   string `json:"name,omitempty"`
	Number string `json:"number,omitempty"`
}

func (s Syscall) targets() []Target { return []Target{{Name: string(s)}} }

func (n Number) targets() []Target {
	return []Target{{Number: strconv.FormatInt(int64(n), 10)}}
}

func (cs Calls) targets() []Target {
	var ts []Target
	for _, c := range cs {
		if c == nil {
			ts = append(ts, Target{})
			continue
		}
		ts = append(ts, c.targets()...)
	}
	return ts
}

// String names the call in messages.
func (t Target) String() string {
	if t.Name != "" {
		return t.Name
	}
	return "number " + t.Number
}
