package oci

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
)

// terms are a rule's includes or excludes.
type terms struct {
	Arches, Caps []string
	MinKernel    string
}

// renamed are the names of architectures in includes and excludes that are not
// package dsl's.
var renamed = map[string]dsl.Arch{
	"386": dsl.I386, "x86": dsl.I386, "mipsel": dsl.MIPSLE, "mipsel64": dsl.MIPS64LE,
}

// applies reports whether the rule's includes and excludes let it stand on a
// machine: all capabilities included, none excluded, one of the architectures
// (github.com/moby/profiles/seccomp, and containers/common for Podman).
func (r *rule) applies(o Options, machine dsl.Arch) (bool, error) {
	if r.Includes.MinKernel != "" {
		if old, err := older(o.Kernel, r.Includes.MinKernel); err != nil || old {
			return false, err
		}
	}
	if r.Excludes.MinKernel != "" {
		if old, err := older(o.Kernel, r.Excludes.MinKernel); err != nil || !old {
			return false, err
		}
	}
	has := func(c string) bool { return slices.Contains(o.Caps, c) }
	lacks := func(c string) bool { return !has(c) }
	is := func(name string) bool { return name == string(machine) || renamed[name] == machine }
	return !slices.ContainsFunc(r.Includes.Caps, lacks) && !slices.ContainsFunc(r.Excludes.Caps, has) &&
		(len(r.Includes.Arches) == 0 || slices.ContainsFunc(r.Includes.Arches, is)) &&
		!slices.ContainsFunc(r.Excludes.Arches, is), nil
}

// older reports whether kernel is older than min. A kernel that is not given is
// taken to be new.
func older(kernel, min string) (bool, error) {
	m, err := version(min)
	if err != nil || kernel == "" {
		return false, err
	}
	k, err := version(kernel)
	if err != nil {
		return false, err
	}
	return slices.Compare(k, m) < 0, nil
}

func version(s string) ([]int, error) {
	major, minor, ok := strings.Cut(s, ".")
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	if !ok || err1 != nil || err2 != nil {
		return nil, fmt.Errorf("%q is no kernel version such as 5.10", s)
	}
	return []int{a, b}, nil
}
