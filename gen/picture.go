package gen

import (
	"fmt"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/picture"
)

// Picture is a form in which a tree is shown.
type Picture string

// The forms.
const (
	TextPicture Picture = "text" // a test or an end a line
	DOTPicture  Picture = "dot"  // for Graphviz
	SVGPicture  Picture = "svg"  // a drawing
)

// Tree shows the decision tree of a filter, read off its program, whoever made it: for
// the ABI that is named, or if none is, as text for all that the filters were made for,
// else for amd64 or the first that there is.
func Tree(filters []Filter, arch dsl.Arch, form Picture) ([]byte, error) {
	if arch == "" && form == TextPicture {
		var texts []string
		for _, f := range filters {
			for _, a := range f.Arches {
				text, err := Tree(filters, a, form)
				if err != nil {
					return nil, err
				}
				texts = append(texts, string(text))
			}
		}
		return []byte(strings.Join(texts, "\n")), nil
	}
	f, a, err := forArch(filters, arch)
	if err != nil {
		return nil, err
	}
	if n := len(f.Older); n > 0 {
		return nil, fmt.Errorf("%s and others are %d filters together: each has a tree of its own, so name one", f.Policy, n+1)
	}
	t := picture.Build(f.title(a), a, f.Program)
	switch form {
	case TextPicture:
		return []byte(t.Text()), nil
	case DOTPicture:
		return []byte(t.DOT()), nil
	case SVGPicture:
		return []byte(t.SVG()), nil
	}
	return nil, fmt.Errorf("there are no pictures of the form %q", string(form))
}

func (f Filter) title(arch *abi.Arch) string {
	return fmt.Sprintf("%s on %s: %d instructions, at most %d executed", f.Policy, arch.Name, len(f.Program), f.Longest())
}
