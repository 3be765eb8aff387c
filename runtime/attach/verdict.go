package attach

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
)

// verdict runs a filter on calls of which everything is known.
type verdict struct{ vm *bpf.VM }

func newVerdict(program []bpf.RawInstruction) (verdict, error) {
	decoded, ok := bpf.Disassemble(program)
	if !ok {
		return verdict{}, errors.New("the program has an instruction that golang.org/x/net/bpf does not know")
	}
	vm, err := bpf.NewVM(decoded)
	if err != nil {
		return verdict{}, fmt.Errorf("the program is none: %w", err)
	}
	return verdict{vm}, nil
}

// lets reports whether a call happens, given as struct seccomp_data, each of its
// words in network byte order.
func (v verdict) lets(data []byte) bool {
	ret, err := v.vm.Run(data)
	const allow, log = 0x7fff, 0x7ffc // SECCOMP_RET_ALLOW and _LOG of linux/seccomp.h
	return err == nil && (ret>>16 == allow || ret>>16 == log)
}
