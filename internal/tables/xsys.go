package tables

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// xsysDir is where the go command keeps the version of golang.org/x/sys that
// go.mod names.
func xsysDir() (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", "golang.org/x/sys").Output()
	if err != nil {
		return "", fmt.Errorf("go mod download golang.org/x/sys: %w", err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil || module.Dir == "" {
		return "", fmt.Errorf("go mod download golang.org/x/sys says %s: %w", out, err)
	}
	return filepath.Join(module.Dir, "unix"), nil
}

// readXsys takes constants and errnos from x/sys, per GOARCH.
func readXsys(xsys string, arches []arch) (*constants, error) {
	fset := token.NewFileSet()
	var sources []source
	paths, err := filepath.Glob(filepath.Join(xsys, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if !constFile.MatchString(filepath.Base(path)) {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source{filepath.Base(path), f})
	}
	struck, err := notConsts()
	if err != nil {
		return nil, err
	}
	out := &constants{values{}, values{}}
	byGOARCH := map[string]*types.Package{}
	for _, a := range arches {
		pkg := byGOARCH[a.constants]
		if pkg == nil {
			pkg = check(fset, sources, a.constants)
			byGOARCH[a.constants] = pkg
		}
		for _, name := range pkg.Scope().Names() {
			c, ok := pkg.Scope().Lookup(name).(*types.Const)
			if !ok || !c.Exported() || struck.MatchString(name) || c.Val().Kind() != constant.Int {
				continue
			}
			switch named, _ := c.Type().(*types.Named); {
			case named != nil && named.Obj().Name() == "Errno":
				if n, _ := constant.Int64Val(c.Val()); 1 <= n && n <= 4094 {
					out.errnos.set(name, a.name, c.Val().ExactString())
				}
			default:
				out.values.set(name, a.name, c.Val().ExactString())
			}
		}
	}
	return out, nil
}

// constFile matches the files of x/sys that hold constants of the kernel's.
var constFile = regexp.MustCompile(`^(zerrors_linux|ztypes_linux|bluetooth_linux)\w*\.go$`)

// notConsts matches the names in x/sys that are no constants of the kernel's.
func notConsts() (*regexp.Regexp, error) {
	rs, err := rows("notconsts.tsv", "name", "reason")
	if err != nil {
		return nil, err
	}
	var patterns []string
	for _, r := range rs {
		patterns = append(patterns, strings.ReplaceAll(r[0], "*", ".*"))
	}
	return regexp.Compile("^(" + strings.Join(patterns, "|") + ")$")
}

type source struct {
	name string
	file *ast.File
}

// check type-checks x/sys's constants as for linux/goarch. What the files say
// apart from constants does not check without the rest of the package, and need not.
func check(fset *token.FileSet, sources []source, goarch string) *types.Package {
	var files []*ast.File
	for _, s := range sources {
		if builds(s, goarch) {
			files = append(files, s.file)
		}
	}
	conf := types.Config{
		IgnoreFuncBodies: true,
		Importer:         only{},
		Error:            func(error) {},
	}
	pkg, _ := conf.Check("unix", fset, files, nil)
	return pkg
}

// builds evaluates the file's build constraint; x/sys's generated files all have one.
func builds(s source, goarch string) bool {
	for _, group := range s.file.Comments {
		if group.Pos() > s.file.Package {
			break
		}
		for _, c := range group.List {
			if !constraint.IsGoBuild(c.Text) {
				continue
			}
			expr, err := constraint.Parse(c.Text)
			return err == nil && expr.Eval(func(tag string) bool { return tag == "linux" || tag == goarch })
		}
	}
	return true
}

// only is an importer that knows package syscall, and of it the two types that
// x/sys gives its errnos and signals.
type only struct{}

func (only) Import(path string) (*types.Package, error) {
	if path != "syscall" {
		return nil, fmt.Errorf("not needed")
	}
	pkg := types.NewPackage(path, path)
	for name, kind := range map[string]types.BasicKind{"Errno": types.Uintptr, "Signal": types.Int} {
		obj := types.NewTypeName(token.NoPos, pkg, name, nil)
		types.NewNamed(obj, types.Typ[kind], nil)
		pkg.Scope().Insert(obj)
	}
	pkg.MarkComplete()
	return pkg, nil
}

// Xsys gives the ABIs' names, and x/sys's constants and errnos as decimal
// integers by name and ABI.
func Xsys() (abis []string, vs map[string]map[string]string, err error) {
	dir, err := xsysDir()
	if err != nil {
		return nil, nil, err
	}
	arches, err := readArches()
	if err != nil {
		return nil, nil, err
	}
	cs, err := readXsys(dir, arches)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(cs.values, cs.errnos)
	return names(arches), cs.values, nil
}
