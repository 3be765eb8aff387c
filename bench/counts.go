package main

// Counts are what a program executes, each call weighing the same.
type Counts struct {
	Mean    float64 // over the calls that the policy ever allows
	Checked float64 // over those of them whose arguments it looks at; 0: there is none
	Denied  float64 // over the calls that it never allows
	Most    int     // of any call of the comparison
}

// count runs a program. A call whose arguments are looked at counts as the mean
// over its alternatives, one satisfying call each. Boundary are the calls to find
// the most in.
func (m Meaning) count(p Program, boundary []Call) Counts {
	var all, checked, denied mean
	for _, nr := range numbers() {
		var alternatives mean
		conditional := false
		for _, c := range m.satisfying(nr) {
			if m.answer(c) == allowed {
				alternatives.add(executed(p, c))
			}
		}
		for _, r := range m.rules[nr] {
			conditional = conditional || len(r.Args) > 0
		}
		switch {
		case alternatives.n == 0:
			denied.add(executed(p, Call{Arch: auditAMD64, Nr: nr}))
			continue
		case conditional:
			checked.add(alternatives.value())
		}
		all.add(alternatives.value())
	}
	most := 0.0
	for _, c := range boundary {
		most = max(most, executed(p, c))
	}
	return Counts{all.value(), checked.value(), denied.value(), int(most)}
}

// satisfying has a call for each rule on a number, or one if there is none.
func (m Meaning) satisfying(nr uint32) []Call {
	if len(m.rules[nr]) == 0 {
		return []Call{{Arch: auditAMD64, Nr: nr}}
	}
	var calls []Call
	for _, r := range m.rules[nr] {
		c := Call{Arch: auditAMD64, Nr: nr}
		for _, a := range r.Args {
			c.Args[a.Index] = a.satisfying()
		}
		calls = append(calls, c)
	}
	return calls
}

func executed(p Program, c Call) float64 {
	_, n := run(p, c.data())
	return float64(n)
}

type mean struct {
	sum float64
	n   int
}

func (m *mean) add(x float64) { m.sum += x; m.n++ }

func (m mean) value() float64 {
	if m.n == 0 {
		return 0
	}
	return m.sum / float64(m.n)
}
