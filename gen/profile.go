package gen

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// AppendProfile adds a profile to the one in a file, which is made if there is none,
// and returns both together. A file that holds something else is an error.
func AppendProfile(ctx context.Context, path string, p *Profile) (*Profile, error) {
	all := &Profile{}
	switch text, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if all, err = ReadProfile(path, text); err != nil {
			return nil, err
		}
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
