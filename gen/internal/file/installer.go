package file

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/secgen-dev/secgen/runtime/install"
)

// method is what a filter in a file can do, with the function of runtime/install
// that does it.
type method struct{ receiver, name, does, doc string }

var methods = []method{
	{"secgenFilter", "Install", "AllThreads", "Install puts the filter on every thread of the process, or on none and says why."},
	{"secgenFilter", "InstallThread", "ThisThread", "InstallThread puts the filter on the calling thread alone, and locks the goroutine to it."},
}

// notifyMethods are those of filters that need a supervisor, besides methods,
// which return an error then.
var notifyMethods = []method{
	{"secgenNotifyFilter", "InstallNotify", "NotifyAllThreads", "InstallNotify is Install, and returns the descriptor on which a supervisor gets the calls that wait for it."},
	{"secgenNotifyFilter", "InstallNotifyThread", "NotifyThisThread", "InstallNotifyThread is InstallThread, and returns that descriptor."},
}

// declare writes the methods, and the type of filters that need a supervisor if
// there are such.
func declare(f *jen.File, notifies bool, write func(m method, results jen.Code)) {
	for _, m := range methods {
		write(m, jen.Error())
	}
	if !notifies {
		return
	}
	f.Line()
	f.Comment("secgenNotifyFilter is a filter that is installed with a listener or not at all.")
	f.Type().Id("secgenNotifyFilter").Struct(jen.Id("secgenFilter"))
	for _, m := range notifyMethods {
		write(m, jen.Params(jen.Id("fd").Int(), jen.Id("err").Error()))
	}
}

// write writes a method.
func (m method) write(f *jen.File, doc string, results, body jen.Code) {
	f.Line()
	f.Comment(doc)
	f.Func().Params(jen.Id("f").Id(m.receiver)).Id(m.name).Params().Add(results).Block(body)
}

// installer adds the filters' types and a copy of runtime/install, in which
// every top-level name gets a prefix.
func installer(f *jen.File, notifies bool) error {
	f.Comment("secgenFilter is a filter for each architecture that its policy lists.")
	f.Type().Id("secgenFilter").Struct(
		jen.Id("name").String(),
		jen.Id("program").Func().Params().Index().Id("secgenInstruction").Comment("nil on other architectures"),
		jen.Id("flags").Uintptr(),
	)
	declare(f, notifies, func(m method, results jen.Code) {
		m.write(f, m.doc, results, jen.Return(jen.Id(prefixed(m.does)).Call(
			jen.Id("f").Dot("name"), jen.Id("f").Dot("program").Call(), jen.Id("f").Dot("flags"))))
	})

	sources := []string{install.Source}
	if notifies {
		sources = append(sources, install.NotifySource)
	}
	renamed := map[string]bool{}
	var copiers []*copier
	for _, src := range sources {
		c, err := newCopier(src, renamed)
		if err != nil {
			return fmt.Errorf("the installer's source: %w", err)
		}
		copiers = append(copiers, c)
	}
	for _, c := range copiers {
		f.Line()
		f.Add(c.copy())
	}
	return nil
}

func prefixed(name string) string { return "secgen" + strings.ToUpper(name[:1]) + name[1:] }

// copier copies declarations as text, except for names.
type copier struct {
	src     string
	file    *ast.File
	imports map[string]string // name to path
	renamed map[string]bool   // top-level names, of all sources
	edits   []edit
}

// newCopier reads a source and adds its top-level names to renamed.
func newCopier(src string, renamed map[string]bool) (*copier, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	c := &copier{src: src, file: file, imports: map[string]string{}, renamed: renamed}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		c.imports[path[strings.LastIndexByte(path, '/')+1:]] = path
	}
	for _, d := range file.Decls {
		c.declared(d)
	}
	return c, nil
}

// edit puts code in the place of a stretch of the source.
type edit struct {
	from, to token.Pos
	code     jen.Code
}

func (c *copier) declared(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			c.renamed[d.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				c.renamed[s.Name.Name] = true
			case *ast.ValueSpec:
				for _, n := range s.Names {
					c.renamed[n.Name] = true
				}
			}
		}
	}
}

func (c *copier) copy() *jen.Statement {
	ast.Inspect(c.file, c.visit)
	for _, d := range c.file.Decls {
		c.rename(docOf(d))
	}
	slices.SortFunc(c.edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })

	out := &jen.Statement{}
	at := c.start()
	for _, e := range c.edits {
		if e.from < at {
			continue
		}
		out.Op(c.text(at, e.from)).Add(e.code)
		at = e.to
	}
	return out.Op(c.text(at, c.file.FileEnd))
}

func (c *copier) text(from, to token.Pos) string {
	return c.src[from-c.file.FileStart : to-c.file.FileStart]
}

// start is where the declarations behind the imports begin.
func (c *copier) start() token.Pos {
	for _, d := range c.file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			continue
		}
		if doc := docOf(d); doc != nil {
			return doc.Pos()
		}
		return d.Pos()
	}
	return c.file.FileEnd
}

func docOf(d ast.Decl) *ast.CommentGroup {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}

// visit edits the names in code: those of other packages go through jennifer,
// which imports what is used.
func (c *copier) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && c.imports[x.Name] != "" {
			c.edits = append(c.edits, edit{n.Pos(), n.End(), jen.Qual(c.imports[x.Name], n.Sel.Name)})
			return false
		}
		ast.Inspect(n.X, c.visit)
		return false
	case *ast.KeyValueExpr:
		if _, ok := n.Key.(*ast.Ident); !ok {
			ast.Inspect(n.Key, c.visit)
		}
		ast.Inspect(n.Value, c.visit)
		return false
	case *ast.Ident:
		if c.renamed[n.Name] {
			c.edits = append(c.edits, edit{n.Pos(), n.End(), jen.Op(prefixed(n.Name))})
		}
	}
	return true
}

// rename edits the name that a documentation comment begins with.
func (c *copier) rename(doc *ast.CommentGroup) {
	if doc == nil {
		return
	}
	text := strings.TrimPrefix(doc.List[0].Text, "// ")
	name, _, _ := strings.Cut(text, " ")
	if c.renamed[name] {
		// With the spaces around it, since jennifer puts its own there.
		from := doc.Pos() + token.Pos(len("//"))
		c.edits = append(c.edits, edit{from, from + token.Pos(len(name)+2), jen.Op(prefixed(name))})
	}
}
