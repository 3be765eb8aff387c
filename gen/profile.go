package gen

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// OpenProfile reads a profile from a file; it is empty if there is no such file.
func OpenProfile(path string) (*Profile, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Profile{}, nil
	}
	if err != nil {
		return nil, err
	}
	return ReadProfile(path, text)
}

// AppendProfile adds a profile to the one in a file, which is made if there is none,
// and returns both together. A file that holds something else is an error.
func AppendProfile(ctx context.Context, path string, p *Profile) (*Profile, error) {
	all, err := OpenProfile(path)
	if err != nil {
		return nil, err
	}
	all.Merge(p)
	return all, WriteProfile(ctx, path, all)
}

// WriteProfile writes a profile as JSON.
func WriteProfile(ctx context.Context, path string, p *Profile) error {
	text, err := p.MarshalJSON()
	if err != nil {
		return err
	}
	return replace(ctx, []output{{path, text}})
}

// Calls lists the name of every call that some architecture has, sorted.
func Calls() []string { return abi.Calls() }

// CheckNames returns an error if these cannot be the names of a package and of a
// policy in it; empty ones are chosen later.
func CheckNames(pkg, name string) error {
	return checkNames(cmp.Or(pkg, "policy"), cmp.Or(name, "Policy"))
}
