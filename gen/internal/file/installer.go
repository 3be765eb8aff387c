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

// methods are what a filter in a file can do, by the function of
// runtime/install that does it.
var methods = []struct{ name, does, doc string }{
	{"Install", "AllThreads", "Install puts the filter on every thread of the process, or on none and says why."},
	{"InstallThread", "ThisThread", "InstallThread puts the filter on the calling thread alone, and locks the goroutine to it."},
}

// installer adds the filters' type and a copy of runtime/install, in which
// every top-level name gets a prefix.
func installer(f *jen.File) error {
	f.Comment("secgenFilter is a filter for each architecture that its policy lists.")
	f.Type().Id("secgenFilter").Struct(
		jen.Id("name").String(),
		jen.Id("program").Func().Params().Index().Id("secgenInstruction").Comment("nil on other architectures"),
		jen.Id("flags").Uintptr(),
	)
	for _, m := range methods {
		f.Line()
		f.Comment(m.doc)
		f.Func().Params(jen.Id("f").Id("secgenFilter")).Id(m.name).Params().Error().Block(
			jen.Return(jen.Id(prefixed(m.does)).Call(jen.Id("f").Dot("name"), jen.Id("f").Dot("program").Call(), jen.Id("f").Dot("flags"))))
	}
	f.Line()

	fset := token.NewFileSet()
	src, err := parser.ParseFile(fset, "install.go", install.Source, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("the installer's source: %w", err)
	}
	c := copier{src: install.Source, file: src, imports: map[string]string{}, renamed: map[string]bool{}}
	for _, i := range src.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		c.imports[path[strings.LastIndexByte(path, '/')+1:]] = path
	}
	for _, d := range src.Decls {
		c.declared(d)
	}
	f.Add(c.copy())
	return nil
}

func prefixed(name string) string { return "secgen" + strings.ToUpper(name[:1]) + name[1:] }

// copier copies declarations as text, except for names.
type copier struct {
	src     string
	file    *ast.File
	imports map[string]string // name to path
	renamed map[string]bool   // top-level names
	edits   []edit
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
