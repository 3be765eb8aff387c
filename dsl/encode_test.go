package dsl

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// some draws a list that is nil if it is empty, as encoded lists come back.
func some[T any](t *rapid.T, g *rapid.Generator[T], label string) []T {
	if l := rapid.SliceOfN(g, 0, 3).Draw(t, label); len(l) > 0 {
		return l
	}
	return nil
}

// drawn fills the fields of a T with whatever rapid makes of their types.
func drawn[T any](draw func(t *rapid.T, v *T)) *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		var v T
		draw(t, &v)
		return v
	})
}

var (
	aString = rapid.String()
	aNumber = rapid.Map(rapid.Int64(), func(n int64) string { return fmt.Sprint(n) })

	aFrame = drawn(func(t *rapid.T, f *Frame) {
		f.File = aString.Draw(t, "file")
		f.Line = rapid.Int().Draw(t, "line")
	})
	anAction = drawn(func(t *rapid.T, a *Action) {
		a.Kind = Kind(aString.Draw(t, "kind"))
		a.Errno = ErrnoName(aString.Draw(t, "errno"))
		a.Data = rapid.Uint16().Draw(t, "data")
	})
	anArch   = rapid.Map(aString, func(s string) Arch { return Arch(s) })
	aLiteral = drawn(func(t *rapid.T, l *Literal) {
		l.Name = aString.Draw(t, "name")
		l.Int = aNumber.Draw(t, "int")
	})
	aTarget = drawn(func(t *rapid.T, g *Target) {
		g.Name = aString.Draw(t, "name")
		g.Number = aString.Draw(t, "number")
	})
	aCond = condOfDepth(2)
	aCall = callOfDepth(2)
	aRule = drawn(func(t *rapid.T, r *Rule) {
		r.Action = anAction.Draw(t, "action")
		r.Calls = some(t, aTarget, "calls")
		r.Conds = some(t, aCond, "conds")
		r.Arches = some(t, anArch, "arches")
		r.Made = some(t, aFrame, "made")
	})
	aPolicy = drawn(func(t *rapid.T, p *Policy) {
		p.Arches = some(t, anArch, "arches")
		p.Default = anAction.Draw(t, "default")
		p.BadArch = anAction.Draw(t, "badArch")
		if rapid.Bool().Draw(t, "newer") {
			p.Newer.Than = aCall.Draw(t, "than")
		}
		p.Newer.Action = anAction.Draw(t, "newerAction")
		p.Flags = Flags(rapid.Uint32().Draw(t, "flags"))
		p.Rules = some(t, aRule, "rules")
	})
)

func condOfDepth(depth int) *rapid.Generator[Cond] {
	return drawn(func(t *rapid.T, c *Cond) {
		c.Op = Op(aString.Draw(t, "op"))
		c.Call = aString.Draw(t, "call")
		c.Arg = aString.Draw(t, "arg")
		c.Mask = some(t, aLiteral, "mask")
		c.Values = some(t, aLiteral, "values")
		if depth > 0 {
			c.Conds = some(t, condOfDepth(depth-1), "conds")
		}
	})
}

func callOfDepth(depth int) *rapid.Generator[Call] {
	return rapid.Custom(func(t *rapid.T) Call {
		switch n := rapid.IntRange(0, 3).Draw(t, "form"); {
		case n == 0:
			return Number(rapid.Int64().Draw(t, "number"))
		case n == 1 && depth > 0:
			return Calls(rapid.SliceOfN(callOfDepth(depth-1), 0, 3).Draw(t, "calls"))
		case n == 2:
			return struct { // as in package sys
				Syscall
				Fd Arg
			}{Syscall: Syscall(aString.Draw(t, "sys"))}
		}
		return Syscall(aString.Draw(t, "name"))
	})
}

// aSet draws named policies with Afters that lead to any of the set, to
// themselves, or to policies that bear no name; one policy may have two names.
func aSet(t *rapid.T) []Named {
	policies := make([]*Policy, rapid.IntRange(1, 4).Draw(t, "policies"))
	for i := range policies {
		p := aPolicy.Draw(t, "policy")
		policies[i] = &p
	}
	aPointer := rapid.SampledFrom(append([]*Policy{nil}, policies...))
	for _, p := range policies {
		p.After = aPointer.Draw(t, "after")
	}
	return some(t, drawn(func(t *rapid.T, n *Named) {
		n.Name = aString.Draw(t, "name")
		n.Doc = aString.Draw(t, "doc")
		n.Policy = aPointer.Draw(t, "of")
		n.Made = aFrame.Draw(t, "made")
	}), "named")
}

// same reports the first difference between two sets: of names, of contents,
// of which pointers are one.
func same(want, got []Named) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d policies, want %d", len(got), len(want))
	}
	pairs := map[*Policy]*Policy{nil: nil}
	back := map[*Policy]*Policy{nil: nil}
	var follow func(w, g *Policy) error
	follow = func(w, g *Policy) error {
		known, ok := pairs[w]
		other, taken := back[g]
		if ok || taken {
			if known != g || other != w {
				return errors.New("pointers that were one are not, or the other way round")
			}
			return nil
		}
		pairs[w], back[g] = g, w
		a, b := *w, *g
		if (a.Newer.Than == nil) != (b.Newer.Than == nil) {
			return fmt.Errorf("Newer.Than is %v, want %v", b.Newer.Than, a.Newer.Than)
		}
		if a.Newer.Than != nil && !slices.Equal(a.Newer.Than.targets(), b.Newer.Than.targets()) {
			return fmt.Errorf("Newer.Than is %v, want %v", b.Newer.Than.targets(), a.Newer.Than.targets())
		}
		a.After, b.After, a.Newer.Than, b.Newer.Than = nil, nil, nil, nil
		if !reflect.DeepEqual(a, b) {
			return fmt.Errorf("policy is\n%#v\nwant\n%#v", b, a)
		}
		return follow(w.After, g.After)
	}
	for i, w := range want {
		g := got[i]
		if err := follow(w.Policy, g.Policy); err != nil {
			return err
		}
		w.Policy, g.Policy = nil, nil
		if !reflect.DeepEqual(w, g) {
			return fmt.Errorf("%#v, want %#v", g, w)
		}
	}
	return nil
}

func TestPoliciesSurviveTheEncodingWithoutLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := aSet(t)
		var text bytes.Buffer
		if err := Encode(&text, set...); err != nil {
			t.Fatal(err)
		}
		first := text.String()
		got, err := Decode(&text)
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if err := same(set, got); err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		var again bytes.Buffer
		if err := Encode(&again, got...); err != nil || again.String() != first {
			t.Fatalf("encoding what was decoded gives another document (%v):\n%s%s", err, first, again.String())
		}
	})
}

// A field that is added to a policy and forgotten here would get lost, and the
// property above, whose generators know the fields by name, would not see it.
func TestTheGeneratorsReachEveryField(t *testing.T) {
	empty := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		for _, n := range aSet(t) {
			if n.Policy != nil {
				visit("Policy", reflect.ValueOf(*n.Policy), empty)
			}
			n.Policy = nil
			visit("Named", reflect.ValueOf(n), empty)
		}
	})
	delete(empty, "Named.Policy")
	for field, always := range empty {
		if always {
			t.Errorf("no generated policy has a %s: the property test does not cover it", field)
		}
	}
}

// visit notes for every field below v, lists looked into, if it is empty in
// all values visited.
func visit(path string, v reflect.Value, empty map[string]bool) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Name() + "." + v.Type().Field(i).Name
			zero, seen := empty[field]
			empty[field] = v.Field(i).IsZero() && (zero || !seen)
			visit(field, v.Field(i), empty)
		}
	case reflect.Slice:
		for i := range v.Len() {
			visit(path, v.Index(i), empty)
		}
	}
}

func TestEmptyIsNotTheSameAsNotSet(t *testing.T) {
	var text bytes.Buffer
	err := Encode(&text, Named{Name: "Empty", Policy: &Policy{
		Newer: Newer{Than: Calls{}},
		Rules: []Rule{Allow.For(Syscall("read")).When(Arg{"read", "fd"}.In()).When().On()},
	}}, Named{Name: "Unset", Policy: &Policy{Newer: Newer{Than: nil}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(&text)
	if err != nil {
		t.Fatal(err)
	}
	if than := got[0].Policy.Newer.Than; than == nil || len(than.targets()) != 0 {
		t.Errorf("an empty set of calls came back as %v", than)
	}
	if than := got[1].Policy.Newer.Than; than != nil {
		t.Errorf("no call came back as %v", than)
	}
	r := got[0].Policy.Rules[0]
	if len(r.Conds) != 2 || r.Conds[0].Op != OpIn || r.Conds[1].Op != OpAll || len(r.Arches) != 1 {
		t.Errorf("In(), When() and On() came back as %+v on %q", r.Conds, r.Arches)
	}
}

func TestConditionsThatContainThemselvesAreRefused(t *testing.T) {
	conds := []Cond{{Op: OpAll}}
	conds[0].Conds = conds
	err := Encode(&bytes.Buffer{}, Named{Policy: &Policy{Rules: []Rule{{Conds: conds}}}})
	if err == nil {
		t.Error("no error")
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":               {``, "unexpected end"},
		"another format":        {`{"format":2,"news":[]}`, "format 2, but this secgen reads format 1: use the same version"},
		"no format":             {`{}`, "go get -tool github.com/secgen-dev/secgen/cmd/secgen@"},
		"an unknown field":      {`{"format":1,"named":[],"policies":[{"rules":[{"action":{"kind":"allow","extra":1}}]}]}`, `unknown field "extra"`},
		"trailing data":         {`{"format":1,"named":[],"policies":[]} {}`, "after top-level value"},
		"a truncated document":  {`{"format":1,"named":[],"policies":[`, "unexpected end"},
		"a policy out of range": {`{"format":1,"named":[{"name":"A","policy":1}],"policies":[{}]}`, "no policy 1 among 1"},
		"an After out of range": {`{"format":1,"named":[],"policies":[{"after":-1}]}`, "no policy -1 among 1"},
		"a call without sense":  {`{"format":1,"named":[],"policies":[{"newer":{"than":[{"number":"x"}]}}]}`, "not a system call"},
		"a call of two names":   {`{"format":1,"named":[],"policies":[{"newer":{"than":[{"name":"read","number":"0"}]}}]}`, "not a system call"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(strings.NewReader(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, error %v, want one with %q", got, err, test.want)
			}
		})
	}
}

func TestDumpKeepsThePolicies(t *testing.T) {
	start := Policy{Default: KillProcess}
	serve := &Policy{Default: Allow, After: &start}
	var unset *Policy
	var text bytes.Buffer
	err := Dump(&text, []string{"Serve", "Other", "Start", "Any", "Unset"}, []any{&serve, new(int), &start, new(any), &unset})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(&text)
	if err != nil {
		t.Fatal(err)
	}
	if err := same([]Named{{Name: "Serve", Policy: serve}, {Name: "Start", Policy: &start}, {Name: "Unset"}}, got); err != nil {
		t.Error(err)
	}
}

// FuzzDecode: whatever Decode accepts, it has understood, so that it can be
// written and read again without change.
func FuzzDecode(f *testing.F) {
	loop := Policy{Arches: []Arch{AMD64}, Default: KillProcess, Newer: Newer{Than: Number(-1), Action: Errno("ENOSYS")}, Rules: []Rule{
		Allow.For(Syscall("read"), Number(7)).When(Not(Any(Raw(0).Masked(Int(3)).Eq(Const("STDIN"))))).On(AMD64),
	}}
	loop.After = &loop
	var seed bytes.Buffer
	if err := Encode(&seed, Named{Name: "Loop", Doc: "Loop loops.\n", Policy: &loop, Made: Frame{"/policy.go", 7}}); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte(`{"format":1,"named":[{"policy":0},{"policy":null}],"policies":[{"newer":{"than":[]}},{"after":0}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := Decode(bytes.NewReader(text))
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		if err := Encode(&first, set...); err != nil {
			t.Fatal(err)
		}
		again, err := Decode(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%s", err, first.Bytes())
		}
		if err := Encode(&second, again...); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("second round differs (%v):\n%s%s", err, first.Bytes(), second.Bytes())
		}
	})
}
