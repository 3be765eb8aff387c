package gen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/profile"
)

// Weights say how often calls are made, for which a filter is made fast; what it
// means they never change. The zero value weighs calls by what the kernel executes
// for them, as far as the policy tells: those that run the filter, because their
// arguments are looked at or they fail, far above those that the kernel's cache of
// verdicts answers, and these above those that end the process.
type Weights struct {
	Uniform bool               // each call that is ever allowed counts the same
	Counts  map[string]float64 // by name, as counted; nil: not known
}

// ReadWeights returns the weights that go by a name, default or uniform, or, if there
// is the path of a file, those that ReadCounts reads from it.
func ReadWeights(name, file string) (Weights, error) {
	switch {
	case name != "default" && name != "uniform":
		return Weights{}, fmt.Errorf("there are no weights called %q: say default or uniform", name)
	case file == "":
		return Weights{Uniform: name == "uniform"}, nil
	case name == "uniform":
		return Weights{}, errors.New("uniform weights and a profile of counts exclude each other: name one")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return Weights{}, err
	}
	return ReadCounts(file, text)
}

// ReadCounts reads how often calls were made: a profile of secgen learn's, the table
// that strace -c prints, or JSON that maps names to numbers.
func ReadCounts(name string, text []byte) (Weights, error) {
	counts := map[string]float64{}
	switch {
	case profile.Is(text):
		p, err := profile.Read(name, text)
		if err != nil {
			return Weights{}, err
		}
		counts = p.Counts()
	case bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")):
		if err := json.Unmarshal(text, &counts); err != nil {
			return Weights{}, fmt.Errorf("%s: no map of calls to counts: %w", name, err)
		}
		for call, n := range counts {
			if err := checkCount(call, n); err != nil {
				return Weights{}, fmt.Errorf("%s: %w", name, err)
			}
		}
	default:
		err := profile.Table(text, func(_, call string, n float64) error {
			counts[call] += n
			return checkCount(call, n)
		})
		if err != nil {
			return Weights{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(counts) == 0 {
		return Weights{}, fmt.Errorf("%s: no counts of calls: neither a profile, strace -c's table nor JSON such as {\"read\": 12}", name)
	}
	return Weights{Counts: counts}, nil
}

func checkCount(call string, n float64) error {
	if !(n >= 0 && n < 1e18) {
		return fmt.Errorf("%s: %v is no count", call, n)
	}
	if !abi.Known(call) {
		return errors.New("unknown call " + call)
	}
	return nil
}
