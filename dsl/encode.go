package dsl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// format is the version of the encoding. It goes up with every change of what
// a document holds, meaning included, so that no secgen reads into a policy
// what the dsl it was written with did not say.
const format = 1

// Named is a policy with the name and the documentation of its variable.
type Named struct {
	Name   string
	Doc    string
	Policy *Policy
	Made   Frame // where the variable is declared
}

// A document is a policy set as JSON.
type document struct {
	Format   int             `json:"format"`
	Named    []namedEncoding `json:"named"`
	Policies []encoding      `json:"policies"`
}

// namedEncoding is a Named whose policy is an index into the document's.
type namedEncoding struct {
	Name   string `json:"name"`
	Doc    string `json:"doc,omitempty"`
	Policy *int   `json:"policy"`
	Made   Frame  `json:"made"`
}

// encoding is a Policy with the call of Newer as its targets and After as an
// index into the document's policies.
type encoding struct {
	Arches  []Arch        `json:"arches"`
	Default Action        `json:"default"`
	BadArch Action        `json:"badArch"`
	Newer   newerEncoding `json:"newer"`
	After   *int          `json:"after"`
	Flags   Flags         `json:"flags"`
	Rules   []Rule        `json:"rules"`
}

type newerEncoding struct {
	Than   []Target `json:"than"` // null: not set
	Action Action   `json:"action"`
}

// Encode writes policies as JSON, for [Decode] to read. A policy that an After
// points to is written too, without a name if it has none.
//
// The strings of a policy are names and paths, which are valid UTF-8; bytes
// that are not become U+FFFD, which names nothing.
func Encode(w io.Writer, policies ...Named) error {
	doc := document{Format: format, Named: []namedEncoding{}, Policies: []encoding{}}
	var found []*Policy
	index := func(p *Policy) *int {
		if p == nil {
			return nil
		}
		i := slices.Index(found, p)
		if i < 0 {
			i = len(found)
			found = append(found, p)
		}
		return &i
	}
	for _, n := range policies {
		doc.Named = append(doc.Named, namedEncoding{n.Name, n.Doc, index(n.Policy), n.Made})
	}
	for i := 0; i < len(found); i++ { // found grows by those that After leads to
		p := found[i]
		e := encoding{p.Arches, p.Default, p.BadArch, newerEncoding{Action: p.Newer.Action}, index(p.After), p.Flags, p.Rules}
		if p.Newer.Than != nil {
			e.Newer.Than = append([]Target{}, p.Newer.Than.targets()...)
		}
		doc.Policies = append(doc.Policies, e)
	}
	if err := json.NewEncoder(w).Encode(doc); err != nil {
		return fmt.Errorf("encoding policies: %w", err)
	}
	return nil
}

// Decode reads what [Encode] wrote and refuses everything else. Policies that
// were one are one again. Two things come back in another form that means the
// same: the call of [Newer] as a [Syscall], a [Number] or [Calls] of them, and
// an empty list as a nil one where the encoding leaves it out.
func Decode(r io.Reader) ([]Named, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading encoded policies: %w", err)
	}
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &version); err != nil { // also if more follows
		return nil, fmt.Errorf("encoded policies: %w", err)
	}
	if version.Format != format {
		return nil, &FormatError{version.Format}
	}

	var doc document
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("encoded policies: %w", err)
	}
	policies := make([]Policy, len(doc.Policies))
	at := func(i *int) (*Policy, error) {
		switch {
		case i == nil:
			return nil, nil
		case *i < 0 || *i >= len(policies):
			return nil, fmt.Errorf("encoded policies: there is no policy %d among %d", *i, len(policies))
		}
		return &policies[*i], nil
	}
	for i, e := range doc.Policies {
		after, err := at(e.After)
		if err != nil {
			return nil, err
		}
		than, err := call(e.Newer.Than)
		if err != nil {
			return nil, err
		}
		policies[i] = Policy{e.Arches, e.Default, e.BadArch, Newer{than, e.Newer.Action}, after, e.Flags, e.Rules}
	}
	var named []Named
	for _, n := range doc.Named {
		p, err := at(n.Policy)
		if err != nil {
			return nil, err
		}
		named = append(named, Named{n.Name, n.Doc, p, n.Made})
	}
	return named, nil
}

// FormatError says that policies were encoded by a dsl package of another
// version than the one that is to decode them.
type FormatError struct {
	Format int // what the document says; 0 if it says nothing
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("encoded policies: format %d, but this secgen reads format %d: %s", e.Format, format, SameVersion)
}

// SameVersion says what to do when the dsl of a policy's module and the secgen
// that reads it differ.
const SameVersion = "use the same version of the secgen command and of the module that provides dsl; " +
	"`go get -tool github.com/secgen-dev/secgen/cmd/secgen@latest` puts both into go.mod, and `go tool secgen` runs it"

// call returns a call with the targets ts; nil if ts is nil.
func call(ts []Target) (Call, error) {
	if ts == nil {
		return nil, nil
	}
	cs := Calls{}
	for _, t := range ts {
		switch n, err := strconv.ParseInt(t.Number, 10, 64); {
		case t.Number == "":
			cs = append(cs, Syscall(t.Name))
		case err != nil || t.Name != "":
			return nil, fmt.Errorf("encoded policies: %+v is not a system call", t)
		default:
			cs = append(cs, Number(n))
		}
	}
	if len(cs) == 1 {
		return cs[0], nil
	}
	return cs, nil
}

// Dump encodes those of vars, pointers to the variables called names, that are
// policies or point at one. It is for secgen alone, which calls it in the
// program that it builds around a policy package; there is no need for types
// to be checked before.
func Dump(w io.Writer, names []string, vars []any) error {
	var policies []Named
	for i, v := range vars {
		switch p := v.(type) {
		case *Policy:
			policies = append(policies, Named{Name: names[i], Policy: p})
		case **Policy:
			policies = append(policies, Named{Name: names[i], Policy: *p})
		}
	}
	return Encode(w, policies...)
}
