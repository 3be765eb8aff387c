//go:build linux && !amd64

package probe

// low has no meaning where no call takes 32-bit addresses.
const low = 0

// foreignAttempts is empty: 64-bit code cannot make 32-bit calls here.
func foreignAttempts() []Attempt { return nil }
