package table

import (
	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
)

var returns = map[dsl.Kind]uint32{
	dsl.KindKillProcess: kernel.RetKillProcess,
	dsl.KindKillThread:  kernel.RetKillThread,
	dsl.KindTrap:        kernel.RetTrap,
	dsl.KindErrno:       kernel.RetErrno,
	dsl.KindErrnoNumber: kernel.RetErrno,
	dsl.KindNotify:      kernel.RetNotify,
	dsl.KindTrace:       kernel.RetTrace,
	dsl.KindLog:         kernel.RetLog,
	dsl.KindAllow:       kernel.RetAllow,
}

// maxErrno is the greatest errno that every Go program takes for one: the kernel
// cuts greater ones to 4095 (MAX_ERRNO of linux/err.h), which Go's system call
// on amd64, 386 and arm takes for success.
const maxErrno = 4094

func (r *resolver) action(rule int, made []dsl.Frame, arch *abi.Arch, a dsl.Action) uint32 {
	if a.Kind == "" {
		return returns[dsl.KindKillProcess] // reported already
	}
	ret, ok := returns[a.Kind]
	if !ok {
		r.errs.add(rule, made, "", "unknown action %q", string(a.Kind))
		return returns[dsl.KindKillProcess]
	}
	switch a.Kind {
	case dsl.KindErrno:
	case dsl.KindErrnoNumber:
		if a.Data > maxErrno {
			r.errs.add(rule, made, "", "errno %d is none: they go up to %d", a.Data, maxErrno)
		}
		return ret | uint32(a.Data)
	case dsl.KindTrap, dsl.KindTrace:
		return ret | uint32(a.Data)
	default:
		if a.Data != 0 {
			r.errs.add(rule, made, "", "the action %s takes no data", a.Kind)
		}
		return ret
	}
	if a.Data != 0 {
		r.errs.add(rule, made, "", "Errno takes a name and no number; see dsl.ErrnoNumber")
	}
	e, ok := arch.Errno(string(a.Errno))
	if !ok {
		r.errs.add(rule, made, arch.Name, "no errno %s here; the names are those of package linux", orEmpty(string(a.Errno)))
		return returns[dsl.KindKillProcess]
	}
	return ret | uint32(e)
}

func orEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}
