package gen

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
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

// ReadWeights returns the weights that go by a name, default or uniform, or, if profile
// is the path of a file, those that ReadCounts reads there.
func ReadWeights(name, profile string) (Weights, error) {
	switch {
	case name != "default" && name != "uniform":
		return Weights{}, fmt.Errorf("there are no weights called %q: say default or uniform", name)
	case profile == "":
		return Weights{Uniform: name == "uniform"}, nil
	case name == "uniform":
		return Weights{}, errors.New("uniform weights and a profile of counts exclude each other: name one")
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		return Weights{}, err
	}
	return ReadCounts(profile, text)
}

// ReadCounts reads how often calls were made: the table that strace -c prints, or
// JSON that maps names to numbers.
func ReadCounts(name string, text []byte) (Weights, error) {
	counts := map[string]float64{}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		if err := json.Unmarshal(text, &counts); err != nil {
			return Weights{}, fmt.Errorf("%s: no map of calls to counts: %w", name, err)
		}
		for call, n := range counts {
			if err := checkCount(call, n); err != nil {
				return Weights{}, fmt.Errorf("%s: %w", name, err)
			}
		}
	} else if err := straceCounts(text, counts); err != nil {
		return Weights{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(counts) == 0 {
		return Weights{}, fmt.Errorf("%s: no counts of calls: neither strace -c's table nor JSON such as {\"read\": 12}", name)
	}
	return Weights{Counts: counts}, nil
}

// straceCounts reads rows such as
//
//	% time     seconds  usecs/call     calls    errors syscall
//	 40.00    0.000012           3         4         1 openat
//
// where errors may be empty; -U chooses other columns, which the head names.
func straceCounts(text []byte, counts map[string]float64) error {
	var head []string
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) > 1 && fields[len(fields)-1] == "syscall":
			head = strings.Fields(strings.Replace(lines.Text(), "% time", "%time", 1))
			continue
		case head == nil || len(fields) == 0 || strings.HasPrefix(fields[0], "-"):
			continue
		}
		call := fields[len(fields)-1]
		if call == "total" {
			head = nil // what another process did may follow
			continue
		}
		column := -1
		for i, h := range head {
			if h == "calls" {
				column = i
			}
		}
		if column < 0 || column >= len(fields)-1 {
			return fmt.Errorf("line %d: there is no column of calls", n)
		}
		count, err := strconv.ParseFloat(fields[column], 64)
		if err == nil {
			err = checkCount(call, count)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		counts[call] += count
	}
	return lines.Err()
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
