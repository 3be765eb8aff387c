package main

import (
	"encoding/json"
	"errors"
	"runtime/debug"

	"golang.org/x/net/bpf"

	"github.com/secgen-dev/secgen/gen"
)

// Program is instructions as the kernel takes them.
type Program = []bpf.RawInstruction

// Peer is a generator of filters, as a good user of it would call it.
type Peer struct {
	Name  string
	Own   bool // secgen's
	Build func(Policy) (Program, error)
}

// errInexpressible is wrapped by the error of a peer that cannot say what a
// policy says. It gets no approximation.
var errInexpressible = errors.New("not expressible")

// peers are in the order of all tables, secgen first.
func peers() []Peer {
	return []Peer{
		{"secgen", true, secgen(gen.Weights{})},
		{"secgen, uniform", true, secgen(gen.Weights{Uniform: true})},
		{"gVisor", false, gvisor},
		{"elastic", false, elastic},
		{"libseccomp, 1", false, libseccomp(1)},
		{"libseccomp, 2", false, libseccomp(2)},
	}
}

// secgen reads the profile, compiles and proves it.
func secgen(w gen.Weights) func(Policy) (Program, error) {
	return func(p Policy) (Program, error) {
		text, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		filters, err := gen.Read(p.Name, text, gen.ReadOptions{Arch: "amd64", Weights: w})
		if err != nil {
			return nil, err
		}
		return filters[0].Program, nil
	}
}

// version is a module's, as this program was built with it.
func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return "unknown"
}
