package gen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/oci"
)

// ReadOptions say what a file does not say itself.
type ReadOptions struct {
	Arch   dsl.Arch // of a raw program, and to choose from a profile; empty: amd64 for a raw program
	Caps   []string // capabilities of the container that an OCI profile is for
	Kernel string   // the oldest kernel that it runs on, as 5.10; empty: any

	Weights Weights // for what is compiled
}

// Read takes the filters out of a file: an OCI, Docker or Podman profile, which
// is compiled, a Go file that secgen wrote, or a raw program, struct sock_filter
// after struct sock_filter in the byte order of its architecture.
func Read(name string, text []byte, o ReadOptions) ([]Filter, error) {
	switch trimmed := bytes.TrimSpace(text); {
	case bytes.HasPrefix(trimmed, []byte("{")):
		policy, err := oci.Read(name, text, oci.Options{Arch: o.Arch, Caps: o.Caps, Kernel: o.Kernel})
		if err != nil {
			return nil, err
		}
		filters, err := o.Weights.Compile(policy)
		for i := range filters {
			filters[i].profile = true
		}
		return filters, err
	case bytes.HasPrefix(text, []byte(generatedBy)):
		return readGo(name, text)
	}
	return readRaw(name, text, o.Arch)
}

// instructionSize is the size of struct sock_filter.
const instructionSize = 8

func readRaw(name string, text []byte, of dsl.Arch) ([]Filter, error) {
	if of == "" {
		of = dsl.AMD64
	}
	arch := abi.Lookup(string(of))
	if arch == nil {
		return nil, fmt.Errorf("%s: unknown architecture %q", name, string(of))
	}
	if len(text) == 0 || len(text)%instructionSize != 0 {
		return nil, fmt.Errorf("%s is no profile, no Go file of secgen's, and no raw program: its %d bytes are not instructions of %d", name, len(text), instructionSize)
	}
	var p kernel.Program
	for ; len(text) > 0; text = text[instructionSize:] {
		order := byteOrder(arch)
		p = append(p, bpf.RawInstruction{Op: order.Uint16(text), Jt: text[2], Jf: text[3], K: order.Uint32(text[4:])})
	}
	if err := kernel.Check(p); err != nil {
		return nil, fmt.Errorf("%s: the kernel would refuse this program: %w", name, err)
	}
	return []Filter{{Policy: name, Arches: []dsl.Arch{of}, Program: p}}, nil
}

// Running is a filter as this machine's kernel has it: a program in the machine's
// byte order, for the ABI of secgen's own GOARCH and the others of its family.
func Running(name string, program []bpf.RawInstruction, flags dsl.Flags) (Filter, error) {
	if err := kernel.Check(program); err != nil {
		return Filter{}, fmt.Errorf("%s: %w", name, err)
	}
	for _, a := range abi.Arches() {
		if a.GOARCH == runtime.GOARCH {
			return Filter{Policy: name, Arches: []dsl.Arch{dsl.Arch(a.Name)}, Program: program, Flags: flags}, nil
		}
	}
	return Filter{}, fmt.Errorf("%s: the calls of %s are not known", name, runtime.GOARCH)
}

// OnThisMachine keeps the filters that this machine's kernel may run.
func OnThisMachine(filters []Filter) []Filter {
	return slices.DeleteFunc(slices.Clone(filters), func(f Filter) bool {
		return !slices.ContainsFunc(abi.Arches(), func(a *abi.Arch) bool {
			return a.GOARCH == runtime.GOARCH && a.Family == abi.Lookup(string(f.Arches[0])).Family
		})
	})
}

func byteOrder(arch *abi.Arch) interface {
	binary.ByteOrder
	binary.AppendByteOrder
} {
	if arch.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Raw is the program as bytes, in the byte order of its architectures.
func (f Filter) Raw() []byte {
	order := byteOrder(abi.Lookup(string(f.Arches[0])))
	var text []byte
	for _, r := range f.Program {
		text = order.AppendUint16(text, r.Op)
		text = append(text, r.Jt, r.Jf)
		text = order.AppendUint32(text, r.K)
	}
	return text
}

// readGo reads the arrays of a file that secgen wrote, and which policy and which
// values of GOARCH each is for.
func readGo(name string, text []byte) ([]Filter, error) {
	src, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
	if err != nil {
		return nil, err
	}
	arrays := map[string]kernel.Program{}
	policies := map[string]string{} // function to policy
	flags := map[string]dsl.Flags{}
	var filters []Filter
	for _, d := range src.Decls {
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.VAR && len(d.Specs) == 1 {
			v := d.Specs[0].(*ast.ValueSpec)
			if len(v.Values) != 1 {
				continue
			}
			lit, ok := v.Values[0].(*ast.CompositeLit)
			if !ok {
				continue
			}
			if _, ok := lit.Type.(*ast.ArrayType); ok {
				if arrays[v.Names[0].Name], err = array(lit); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", name, v.Names[0].Name, err)
				}
			} else if len(lit.Elts) == 3 {
				if f, ok := lit.Elts[1].(*ast.Ident); ok {
					policies[f.Name] = v.Names[0].Name
					bits, err := number(lit.Elts[2], 32)
					if err != nil {
						return nil, fmt.Errorf("%s: %s: %w", name, v.Names[0].Name, err)
					}
					flags[f.Name] = dsl.Flags(bits)
				}
			}
		}
	}
	for _, d := range src.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || policies[f.Name.Name] == "" {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CaseClause)
			if !ok {
				return true
			}
			p := arrays[returned(c)]
			filters = append(filters, Filter{Policy: policies[f.Name.Name], Arches: goArches(c), Program: p, Flags: flags[f.Name.Name]})
			return true
		})
	}
	if len(filters) == 0 {
		return nil, fmt.Errorf("%s: there is no filter in this file", name)
	}
	for _, f := range filters {
		err := kernel.Check(f.Program)
		if len(f.Arches) == 0 {
			err = errors.New("a case names no value of GOARCH")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s is not as secgen wrote it: %w", name, f.Policy, err)
		}
	}
	return filters, nil
}

// array reads rows of four numbers.
func array(lit *ast.CompositeLit) (kernel.Program, error) {
	var p kernel.Program
	for _, e := range lit.Elts {
		row, ok := e.(*ast.CompositeLit)
		if !ok || len(row.Elts) != 4 {
			return nil, errors.New("a row is no instruction")
		}
		var n [4]uint64
		for i, bits := range []int{16, 8, 8, 32} {
			var err error
			if n[i], err = number(row.Elts[i], bits); err != nil {
				return nil, err
			}
		}
		p = append(p, bpf.RawInstruction{Op: uint16(n[0]), Jt: uint8(n[1]), Jf: uint8(n[2]), K: uint32(n[3])})
	}
	return p, nil
}

func number(e ast.Expr, bits int) (uint64, error) {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return 0, errors.New("there is no number where one should be")
	}
	return strconv.ParseUint(lit.Value, 0, bits)
}

// returned is the array that a case returns.
func returned(c *ast.CaseClause) string {
	for _, s := range c.Body {
		if r, ok := s.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
			if slice, ok := r.Results[0].(*ast.SliceExpr); ok {
				if id, ok := slice.X.(*ast.Ident); ok {
					return id.Name
				}
			}
		}
	}
	return ""
}

// goArches are the ABIs of a case's values of GOARCH.
func goArches(c *ast.CaseClause) []dsl.Arch {
	var list []dsl.Arch
	for _, e := range c.List {
		lit, ok := e.(*ast.BasicLit)
		if !ok {
			continue
		}
		goarch, err := strconv.Unquote(lit.Value)
		if err != nil {
			continue
		}
		for _, a := range abi.Arches() {
			if a.GOARCH == goarch {
				list = append(list, dsl.Arch(a.Name))
			}
		}
	}
	return list
}
