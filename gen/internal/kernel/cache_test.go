package kernel

import "testing"

// The cases of the kernel's own reading (kernel/seccomp.c, seccomp_is_const_allow).
func TestCached(t *testing.T) {
	const allow = 0x7fff0000
	nr, ret := Program{{Op: LoadWord, K: 0}}, Program{{Op: Return, K: allow}}
	join := func(parts ...Program) (p Program) {
		for _, part := range parts {
			p = append(p, part...)
		}
		return p
	}
	for name, c := range map[string]struct {
		p      Program
		cached bool
	}{
		"allow":                        {ret, true},
		"allow with data":              {Program{{Op: Return, K: allow | 1}}, false},
		"log":                          {Program{{Op: Return, K: 0x7ffc0000}}, false},
		"errno":                        {Program{{Op: Return, K: 0x00050001}}, false},
		"the number that is asked for": {join(nr, Program{{Op: JumpEqual, K: 7, Jf: 1}}, ret, Program{{Op: Return}}), true},
		"another number":               {join(nr, Program{{Op: JumpEqual, K: 8, Jf: 1}}, ret, Program{{Op: Return}}), false},
		"the architecture":             {join(Program{{Op: LoadWord, K: 4}, {Op: JumpEqual, K: 0xc000003e, Jf: 1}}, ret, Program{{Op: Return}}), true},
		"and, bits, order":             {join(nr, Program{{Op: And, K: 0xff}, {Op: JumpAnyBit, K: 8, Jt: 2}, {Op: JumpGreater, K: 7, Jt: 1}}, ret, Program{{Op: Return}}), true},
		"a jump":                       {join(Program{{Op: Jump, K: 1}, {Op: Return}}, ret), true},
		"an argument first":            {join(Program{{Op: LoadWord, K: 16}}, ret), false},
		"the instruction pointer":      {join(Program{{Op: LoadWord, K: 8}}, ret), false},
		"or":                           {join(nr, Program{{Op: Or, K: 1}}, ret), false},
		"scratch memory":               {join(nr, Program{{Op: Store}}, ret), false},
		"X":                            {join(nr, Program{{Op: ToX}}, ret), false},
		"a comparison with X":          {join(nr, Program{{Op: JumpEqual | UseX}}, ret), false},
		"the length":                   {join(Program{{Op: LoadLen}}, ret), false},
		"return A":                     {Program{{Op: LoadConst, K: allow}, {Op: ReturnA}}, false},
	} {
		if err := Check(c.p); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := Cached(c.p, 0xc000003e, 7); got != c.cached {
			t.Errorf("%s: cached is %v", name, got)
		}
	}
}
