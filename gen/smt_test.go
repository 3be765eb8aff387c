package gen_test

import (
	"strings"
	"testing"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
	"github.com/secgen-dev/secgen/gen"
)

func TestSMTStatesRulesAndInstructions(t *testing.T) {
	p := policy(
		dsl.Allow.For(sys.Write).When(sys.Write.Fd.In(linux.Stdout, linux.Stderr)),
		dsl.Allow.For(sys.Kill).When(sys.Kill.Pid.Gt(dsl.Int(0))),
	)
	filters, err := gen.Compile(dsl.Named{Name: "Serve", Policy: &p})
	if err != nil {
		t.Fatal(err)
	}
	text, err := filters[0].SMT()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"; Serve, for amd64.\n",
		"(declare-const nr (_ BitVec 32))\n",
		"(define-fun rule_0_0 () Bool (and (= nr #x00000001) (or (= arg0_lo #x00000001) (= arg0_lo #x00000002))))\n",
		"(define-fun rule_0_1 () Bool (and (= nr #x0000003e) (bvsgt arg0_lo #x00000000)))\n",
		"; 0: code 0x20, jt 0, jf 0, k 0x4\n(define-fun at_0 () Bool true)\n",
		"(assert (distinct want got))\n(check-sat)\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestSMTOfAProgramAloneIsAnError(t *testing.T) {
	ret := []byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}
	filters, err := gen.Read("allow.bpf", ret, gen.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filters[0].SMT(); err == nil || !strings.Contains(err.Error(), "no policy to compare it with") {
		t.Error(err)
	}
}
