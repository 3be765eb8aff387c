package dsl

import "strconv"

// Value is a number to compare an argument with: a constant of package linux,
// an errno, or [Int]. The set is closed, so that a bare number or two names
// joined with | do not compile: what a name means differs between
// architectures, and secgen looks it up for each.
type Value interface{ literal() Literal }

// Const is a Linux constant by name, such as linux.PROT_EXEC.
type Const string

// ErrnoName is an errno by name, such as linux.ENOSYS; the number behind it
// differs between architectures.
type ErrnoName string

// A Literal is how a value is written down: either a name of package linux or
// a decimal integer in the range of int64 and uint64 together.
type Literal struct {
	Name string `json:"name,omitempty"`
	Int  string `json:"int,omitempty"`
}

func (c Const) literal() Literal     { return Literal{Name: string(c)} }
func (e ErrnoName) literal() Literal { return Literal{Name: string(e)} }
func (l Literal) literal() Literal   { return l }

// Int is a number that has no name. A negative number is sign-extended to the
// width of the argument it is compared with; one that the argument's width
// cannot hold, neither signed nor unsigned, is an error when secgen runs.
func Int[T ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr](n T) Value {
	if n < 0 {
		return Literal{Int: strconv.FormatInt(int64(n), 10)}
	}
	return Literal{Int: strconv.FormatUint(uint64(n), 10)}
}

func literals(values []Value) []Literal {
	ls := make([]Literal, len(values))
	for i, v := range values {
		if v != nil {
			ls[i] = v.literal()
		}
	}
	return ls
}
