package diff

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/condition"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// Call names the calls of a change.
func (c Change) Call() string {
	switch {
	case c.Arch == nil:
		return "calls through other architectures"
	case c.Name != "":
		return c.Name
	case c.Nr == math.MaxUint32:
		return "calls that a tracer skipped"
	}
	return fmt.Sprintf("calls without a name, such as number %d", int32(c.Nr))
}

// Witness is a call that shows the change, with its arguments by name.
func (c Change) Witness() string {
	if c.Arch == nil {
		return fmt.Sprintf("number %d with the audit architecture %#x", int32(c.Nr), c.Example[table.Arch])
	}
	var texts []string
	for slot := range 6 {
		hi, lo := condition.Words(c.Arch, slot)
		v := uint64(c.Example[lo]) | uint64(c.Example[hi])<<32
		name := fmt.Sprintf("args[%d]", slot)
		if a, ok := argument(c.Arch, c.Name, slot); ok {
			name = a.Name
		} else if v == 0 {
			continue
		}
		texts = append(texts, fmt.Sprintf("%s=%#x", name, v))
	}
	name := c.Name
	if name == "" {
		name = fmt.Sprintf("number %d", int32(c.Nr))
	}
	return name + "(" + strings.Join(texts, ", ") + ")"
}

func argument(arch *abi.Arch, call string, slot int) (abi.Arg, bool) {
	args := arch.Args(call)
	i := slices.IndexFunc(args, func(a abi.Arg) bool { return a.Slot == slot && a.HiSlot < 0 })
	if i < 0 {
		return abi.Arg{}, false
	}
	return args[i], true
}
