package source

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/secgen-dev/secgen/dsl"
)

// Policy is the variable to write.
type Policy struct {
	Name   string   // a Go identifier
	Doc    []string // lines of its documentation
	Policy *dsl.Policy
	Rules  []Rule // the policy's
}

const (
	dslPath   = "github.com/secgen-dev/secgen/dsl"
	sysPath   = dslPath + "/sys"
	linuxPath = dslPath + "/linux"
)

// Write returns the text of a package's one file.
func Write(pkg, doc string, p Policy) ([]byte, error) {
	f := jen.NewFile(pkg)
	f.PackageComment(doc)
	f.ImportName(dslPath, "dsl")
	f.ImportName(sysPath, "sys")
	f.ImportName(linuxPath, "linux")
	for _, line := range p.Doc {
		f.Comment(strings.TrimSpace("// " + line))
	}
	fields := []jen.Code{
		jen.Id("Arches").Op(":").Index().Qual(dslPath, "Arch").Values(arches(p.Policy.Arches)...),
		jen.Id("Default").Op(":").Add(action(p.Policy.Default)),
		jen.Id("BadArch").Op(":").Add(action(p.Policy.BadArch)),
	}
	if p.Policy.Flags != 0 {
		fields = append(fields, jen.Id("Flags").Op(":").Add(flags(p.Policy.Flags)))
	}
	var rules []jen.Code
	before := Rule{}
	for _, r := range p.Rules {
		rules = append(rules, r.code(before))
		before = r
	}
	if len(rules) > 0 {
		fields = append(fields, jen.Id("Rules").Op(":").Index().Qual(dslPath, "Rule").Custom(rows("{", "}"), rules...))
	}
	f.Var().Id(p.Name).Op("=").Qual(dslPath, "Policy").Custom(rows("{", "}"), fields...)
	var b bytes.Buffer
	if err := f.Render(&b); err != nil {
		return nil, fmt.Errorf("rendering the policy: %w", err)
	}
	return b.Bytes(), nil
}

func rows(open, end string) jen.Options {
	return jen.Options{Open: open, Close: end, Separator: ",", Multi: true}
}

func arches(list []dsl.Arch) []jen.Code {
	var codes []jen.Code
	for _, a := range list {
		codes = append(codes, jen.Qual(dslPath, strings.ToUpper(string(a))))
	}
	return codes
}

func flags(f dsl.Flags) jen.Code {
	all := &jen.Statement{}
	for _, flag := range []struct {
		bit  dsl.Flags
		name string
	}{{dsl.LogDenied, "LogDenied"}, {dsl.SpecAllow, "SpecAllow"}, {dsl.WaitKillable, "WaitKillable"}} {
		if f&flag.bit == 0 {
			continue
		}
		if len(*all) > 0 {
			all.Op("|")
		}
		all.Qual(dslPath, flag.name)
	}
	return all
}

// actions are the names of those without data.
var actions = map[dsl.Kind]string{
	dsl.KindKillProcess: "KillProcess", dsl.KindKillThread: "KillThread", dsl.KindNotify: "Notify",
	dsl.KindLog: "Log", dsl.KindAllow: "Allow",
}

func action(a dsl.Action) *jen.Statement {
	switch a.Kind {
	case dsl.KindErrno:
		return jen.Qual(dslPath, "Errno").Call(jen.Qual(linuxPath, string(a.Errno)))
	case dsl.KindErrnoNumber:
		return jen.Qual(dslPath, "ErrnoNumber").Call(jen.Lit(int(a.Data)))
	case dsl.KindTrap:
		return jen.Qual(dslPath, "Trap").Call(jen.Lit(int(a.Data)))
	case dsl.KindTrace:
		return jen.Qual(dslPath, "Trace").Call(jen.Lit(int(a.Data)))
	}
	return jen.Qual(dslPath, actions[a.Kind])
}

// lineWidth is about how wide a row of names gets.
const lineWidth = 110

// code is a rule behind another; what is said above that is not said again.
func (r Rule) code(before Rule) jen.Code {
	code := &jen.Statement{}
	again := slices.Equal(r.Calls, before.Calls) && slices.Equal(r.Comments, before.Comments)
	if len(before.Calls) > 0 && !again {
		code.Line()
	}
	for _, c := range r.Comments {
		if again {
			break
		}
		for line := range strings.SplitSeq(c, "\n") {
			code.Comment("// " + strings.TrimSpace(line)).Line()
		}
	}
	var calls []word
	for _, c := range r.Calls {
		name := goName(c.Name)
		calls = append(calls, word{jen.Qual(sysPath, name), len("sys.") + len(name)})
	}
	code.Add(action(r.Action)).Dot("For").Add(wrapped(calls))
	switch {
	case len(r.Conds) == 0:
	case len(r.Conds) < 3:
		code.Dot("When").Call(conds(r.Conds)...)
	default:
		code.Dot("When").Custom(rows("(", ")"), conds(r.Conds)...)
	}
	if len(r.Arches) > 0 {
		code.Dot("On").Call(arches(r.Arches)...)
	}
	return code
}

// word is code of some width.
type word struct {
	code  jen.Code
	width int
}

// wrapped is a list in parentheses, in rows if it is long.
func wrapped(words []word) jen.Code {
	var lines [][]jen.Code
	width := lineWidth
	for _, w := range words {
		if width += w.width + len(", "); width > lineWidth {
			lines = append(lines, nil)
			width = w.width
		}
		last := &lines[len(lines)-1]
		*last = append(*last, w.code)
	}
	if len(lines) < 2 {
		return jen.Parens(jen.List(slices.Concat(lines...)...))
	}
	var all []jen.Code
	for _, l := range lines {
		all = append(all, jen.List(l...))
	}
	return jen.Custom(rows("(", ")"), all...)
}

// methods are those of dsl.Arg that make conditions.
var methods = map[dsl.Op]string{
	dsl.OpIn: "In", dsl.OpNotIn: "NotIn", dsl.OpLt: "Lt", dsl.OpLe: "Le", dsl.OpGt: "Gt", dsl.OpGe: "Ge",
	dsl.OpHas: "Has", dsl.OpLacks: "Lacks", dsl.OpNull: "IsNull", dsl.OpNotNull: "NotNull",
}

func conds(list []dsl.Cond) []jen.Code {
	var codes []jen.Code
	for _, c := range list {
		codes = append(codes, cond(c))
	}
	return codes
}

func cond(c dsl.Cond) jen.Code {
	if c.Op == dsl.OpAny {
		return jen.Qual(dslPath, "Any").Call(conds(c.Conds)...)
	}
	code := jen.Qual(sysPath, goName(c.Call)).Dot(goName(c.Arg))
	if c.Call == "" {
		code = jen.Qual(dslPath, "Raw").Call(jen.Id(c.Arg))
	}
	if len(c.Mask) > 0 {
		code.Dot("Masked").Add(wrapped(literals(c, c.Mask)))
	}
	method := methods[c.Op]
	if len(c.Values) == 1 {
		switch c.Op {
		case dsl.OpIn:
			method = "Eq"
		case dsl.OpNotIn:
			method = "Ne"
		}
	}
	return code.Dot(method).Add(wrapped(literals(c, c.Values)))
}

func literals(c dsl.Cond, list []dsl.Literal) []word {
	var words []word
	for _, l := range list {
		if l.Name != "" {
			words = append(words, word{jen.Qual(linuxPath, l.Name), len("linux.") + len(l.Name)})
			continue
		}
		text := figure(c, number(l))
		code := jen.Op(text)
		if number(l) > math.MaxInt32 { // which is more than an int has on some systems
			code = jen.Uint64().Call(code)
		}
		words = append(words, word{jen.Qual(dslPath, "Int").Call(code), len("dsl.Int()") + len(text)})
	}
	return words
}

// figure writes a number in the base in which it says the most.
func figure(c dsl.Cond, n uint64) string {
	switch {
	case n < 10:
		return fmt.Sprint(n)
	case c.Arg == "mode":
		return fmt.Sprintf("%#o", n)
	case len(c.Mask) > 0 || c.Op == dsl.OpHas || c.Op == dsl.OpLacks || n > math.MaxUint16:
		return fmt.Sprintf("%#x", n)
	}
	return fmt.Sprint(n)
}
