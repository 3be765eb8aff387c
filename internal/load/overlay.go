package load

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

// An overlay maps paths to the files that the go command reads in their place
// (`go help build`, -overlay); "" deletes. All paths are absolute.
type overlay map[string]string

// userOverlay reads the overlay that goflags name, if any; dir is the go
// command's working directory, to which an overlay's paths are relative.
func userOverlay(goflags, dir string) (overlay, error) {
	file := flagIn(goflags, "overlay")
	if file == "" {
		return nil, nil
	}
	abs := func(path string) string {
		if path == "" || filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	text, err := os.ReadFile(abs(file))
	if err != nil {
		return nil, fmt.Errorf("the overlay in GOFLAGS: %w", err)
	}
	var doc struct{ Replace overlay }
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("the overlay in GOFLAGS: %s: %w", file, err)
	}
	o := overlay{}
	for path, by := range doc.Replace {
		o[filepath.Clean(abs(path))] = abs(by)
	}
	return o, nil
}

// with returns the overlay with one file more.
func (o overlay) with(path, by string) overlay {
	o = maps.Clone(o)
	if o == nil {
		o = overlay{}
	}
	o[path] = by
	return o
}

// read reads a file as the go command does.
func (o overlay) read(path string) ([]byte, error) {
	if by := o[path]; by != "" {
		path = by
	}
	return os.ReadFile(path)
}

// write writes the overlay for the go command to read.
func (o overlay) write(path string) error {
	text, err := json.Marshal(struct{ Replace overlay }{o})
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
