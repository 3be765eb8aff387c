package gen

import "github.com/secgen-dev/secgen/gen/internal/profile"

// Profile is what programs were seen to ask of the kernel.
type Profile = profile.Profile

// ProfileKey is what a Profile counts calls by.
type ProfileKey = profile.Key

// The phases of a run, as in ProfileKey.
const (
	PhaseStart = profile.Start
	PhaseServe = profile.Serve
)

// ReadProfile reads a profile as secgen learn wrote it; name is for errors.
func ReadProfile(name string, text []byte) (*Profile, error) { return profile.Read(name, text) }
