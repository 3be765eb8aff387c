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

// Policy is a variable to write.
type Policy struct {
	Name   string   // a Go identifier
	Doc    []string // lines of its documentation
	Policy *dsl.Policy
	After  string // name of the policy's After; empty: none
	List   string // name of the list that its rules begin with; empty: none
	Group  string // or the variable of package group; empty: none
	Rules  []Rule // the policy's, behind that
}

// List is a variable with rules for several policies.
type List struct {
	Name  string
	Doc   []string
	Group string // the variable of package group that it begins with; empty: none
	Rules []Rule
}

const (
	dslPath   = "github.com/secgen-dev/secgen/dsl"
	sysPath   = dslPath + "/sys"
	linuxPath = dslPath + "/linux"
	groupPath = dslPath + "/group"
)

// Write returns the text of a package's one file.
func Write(pkg, doc string, lists []List, policies ...Policy) ([]byte, error) {
	f := jen.NewFile(pkg)
	for _, line := range comment(doc) {
		f.PackageComment(line)
	}
	f.ImportName(dslPath, "dsl")
	f.ImportName(sysPath, "sys")
	f.ImportName(linuxPath, "linux")
	f.ImportName(groupPath, "group")
	document := func(lines []string) {
		for _, line := range comment(strings.Join(lines, "\n")) {
			f.Comment(line)
		}
	}
	var w writer
	for _, l := range lists {
		w.share(l.Rules)
	}
	for _, p := range policies {
		w.share(p.Rules)
	}
	for _, s := range w.shared {
		f.Var().Id(s.name).Op("=").Index().Qual(dslPath, "Value").Add(row("{", "}", words(s.cond, s.cond.Values)))
	}
	for _, l := range lists {
		document(l.Doc)
		f.Var().Id(l.Name).Op("=").Add(behind(l.Group, w.rules(l.Rules)))
	}
	for _, p := range policies {
		document(p.Doc)
		f.Var().Id(p.Name).Op("=").Qual(dslPath, "Policy").Custom(rows("{", "}"), w.fields(p)...)
	}
	var b bytes.Buffer
	if err := f.Render(&b); err != nil {
		return nil, fmt.Errorf("rendering the policy: %w", err)
	}
	// The standard library comes first.
	const slices = "\t\"slices\"\n"
	text := b.String()
	if before, after, ok := strings.Cut(text, slices+")\n"); ok {
		text = strings.Replace(before, "import (\n", "import (\n"+slices+"\n", 1) + ")\n" + after
	}
	return []byte(text), nil
}

// writer knows the lists of values that are variables of their own.
type writer struct {
	shared []shared
}

type shared struct {
	name string
	cond dsl.Cond // a condition with the values
}

// share makes variables of long lists of flags that are all of an argument and are
// said twice for that, by Has and Only.
func (w *writer) share(rules []Rule) {
	const long = 4
	for _, r := range rules {
		for i, c := range r.Conds {
			again := i > 0 && c.Op == dsl.OpOnly && r.Conds[i-1].Op == dsl.OpHas && slices.Equal(c.Values, r.Conds[i-1].Values)
			if !again || len(c.Values) < long || w.variable(c) != nil {
				continue
			}
			name := goName(c.Call) + goName(c.Arg)
			name = strings.ToLower(name[:1]) + name[1:]
			if n := len(w.shared); slices.ContainsFunc(w.shared, func(s shared) bool { return s.name == name }) {
				name += fmt.Sprint(n + 1)
			}
			w.shared = append(w.shared, shared{name, c})
		}
	}
}

// variable is the list of a condition's values; nil if it has none of its own.
func (w *writer) variable(c dsl.Cond) *jen.Statement {
	for _, s := range w.shared {
		if slices.Equal(s.cond.Values, c.Values) {
			return jen.Id(s.name).Op("...")
		}
	}
	return nil
}

func (w *writer) fields(p Policy) []jen.Code {
	fields := []jen.Code{
		jen.Id("Arches").Op(":").Index().Qual(dslPath, "Arch").Values(arches(p.Policy.Arches)...),
		jen.Id("Default").Op(":").Add(action(p.Policy.Default)),
	}
	if p.Policy.BadArch != (dsl.Action{}) {
		fields = append(fields, jen.Id("BadArch").Op(":").Add(action(p.Policy.BadArch)))
	}
	if than := p.Policy.Newer.Than; than != nil {
		fields = append(fields, jen.Id("Newer").Op(":").Qual(dslPath, "Newer").Values(
			jen.Id("Than").Op(":").Add(call(dsl.Allow.For(than).Calls[0])),
			jen.Id("Action").Op(":").Add(action(p.Policy.Newer.Action))))
	}
	if p.After != "" {
		fields = append(fields, jen.Id("After").Op(":").Op("&").Id(p.After))
	}
	if p.Policy.Flags != 0 {
		fields = append(fields, jen.Id("Flags").Op(":").Add(flags(p.Policy.Flags)))
	}
	switch own := w.rules(p.Rules); {
	case p.List == "" && len(p.Rules) == 0:
	case p.List == "":
		fields = append(fields, jen.Id("Rules").Op(":").Add(behind(p.Group, own)))
	case len(p.Rules) == 0:
		fields = append(fields, jen.Id("Rules").Op(":").Id(p.List))
	default:
		fields = append(fields, jen.Id("Rules").Op(":").Qual("slices", "Concat").Call(jen.Id(p.List), own))
	}
	return fields
}

// behind is rules behind those of a group, if there is one.
func behind(group string, own jen.Code) jen.Code {
	if group == "" {
		return own
	}
	return jen.Qual("slices", "Concat").Call(jen.Qual(groupPath, group), own)
}

// rules is a list of rules, a line each or more.
func (w *writer) rules(list []Rule) jen.Code {
	var codes []jen.Code
	before := Rule{}
	for _, r := range list {
		codes = append(codes, w.code(r, before).Op(",").Add(remark(r.Remark)))
		before = r
	}
	return jen.Index().Qual(dslPath, "Rule").Custom(lines("{", "}"), codes...)
}

// remark is a comment at the end of a line.
func remark(text string) *jen.Statement {
	if text == "" {
		return jen.Null()
	}
	return jen.Comment(commentLine(text))
}

// lines are rows that end with a comma of their own, so that a comment can follow.
func lines(open, end string) jen.Options {
	return jen.Options{Open: open, Close: end, Multi: true}
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
func (w *writer) code(r, before Rule) *jen.Statement {
	code := &jen.Statement{}
	again := slices.Equal(r.Calls, before.Calls) && slices.Equal(r.Comments, before.Comments)
	if len(before.Calls) > 0 && !again && !r.Close {
		code.Line()
	}
	for _, c := range r.Comments {
		if again {
			break
		}
		for _, line := range comment(c) {
			code.Comment(line).Line()
		}
	}
	code.Add(action(r.Action)).Dot("For").Add(r.calls())
	switch {
	case len(r.Conds) == 0:
	case len(r.Conds) < 3 && (r.Remark == "" || w.short(r)):
		code.Dot("When").Call(w.conds(r.Conds)...)
	default:
		code.Dot("When").Custom(rows("(", ")"), w.conds(r.Conds)...)
	}
	if len(r.Arches) > 0 {
		code.Dot("On").Call(arches(r.Arches)...)
	}
	return code
}

// short reports whether a rule with a remark fits its line.
func (w *writer) short(r Rule) bool {
	text := fmt.Sprintf("%#v", jen.Add(action(r.Action).Dot("For").Add(r.calls()).Dot("When").Call(w.conds(r.Conds)...)))
	return len(text) <= lineWidth+20 && !strings.Contains(text, "\n")
}

// calls are a rule's, in parentheses: a line each if there are remarks on them.
func (r Rule) calls() jen.Code {
	var words []word
	var codes []jen.Code
	for i, c := range r.Calls {
		words = append(words, word{call(c), len("sys.") + len(goName(c.Name))})
		if len(r.Remarks) > 0 {
			codes = append(codes, call(c).Op(",").Add(remark(r.Remarks[i])))
		}
	}
	list := wrapped(words)
	if len(codes) > 0 {
		list = jen.Custom(lines("(", ")"), codes...)
	}
	if r.Twins {
		return jen.Parens(jen.Qual(dslPath, "Twins").Add(list))
	}
	return list
}

func call(t dsl.Target) *jen.Statement {
	if t.Name == "" {
		return jen.Qual(dslPath, "Number").Call(jen.Op(t.Number))
	}
	return jen.Qual(sysPath, goName(t.Name))
}

// word is code of some width.
type word struct {
	code  jen.Code
	width int
}

// wrapped is a list in parentheses, in rows if it is long.
func wrapped(words []word) jen.Code { return row("(", ")", words) }

// row is a list, in rows if it is long.
func row(open, end string, words []word) jen.Code {
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
		return jen.Custom(jen.Options{Open: open, Close: end, Separator: ","}, slices.Concat(lines...)...)
	}
	var all []jen.Code
	for _, l := range lines {
		all = append(all, jen.List(l...))
	}
	return jen.Custom(rows(open, end), all...)
}

// methods are those of dsl.Arg that make conditions.
var methods = map[dsl.Op]string{
	dsl.OpIn: "In", dsl.OpNotIn: "NotIn", dsl.OpLt: "Lt", dsl.OpLe: "Le", dsl.OpGt: "Gt", dsl.OpGe: "Ge",
	dsl.OpHas: "Has", dsl.OpLacks: "Lacks", dsl.OpOnly: "Only", dsl.OpNull: "IsNull", dsl.OpNotNull: "NotNull",
}

func (w *writer) conds(list []dsl.Cond) []jen.Code {
	var codes []jen.Code
	for _, c := range list {
		codes = append(codes, w.cond(c))
	}
	return codes
}

func (w *writer) cond(c dsl.Cond) jen.Code {
	if c.Op == dsl.OpAny {
		return jen.Qual(dslPath, "Any").Call(w.conds(c.Conds)...)
	}
	code := jen.Qual(sysPath, goName(c.Call)).Dot(goName(c.Arg))
	if c.Call == "" {
		code = jen.Qual(dslPath, "Raw").Call(jen.Id(c.Arg))
	}
	if len(c.Mask) > 0 {
		code.Dot("Masked").Add(wrapped(words(c, c.Mask)))
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
	if list := w.variable(c); list != nil {
		return code.Dot(method).Call(list)
	}
	return code.Dot(method).Add(wrapped(words(c, c.Values)))
}

// words are literals of a condition.
func words(c dsl.Cond, list []dsl.Literal) []word {
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
	case c.Arg == "request" || c.Arg == "code" || len(c.Mask) > 0 || c.Op == dsl.OpHas || c.Op == dsl.OpLacks || c.Op == dsl.OpOnly || n > math.MaxUint16:
		return fmt.Sprintf("%#x", n)
	}
	return fmt.Sprint(n)
}
