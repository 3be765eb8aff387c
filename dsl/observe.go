package dsl

import "slices"

// Observe returns p with every denial turned into [Log], for a trial in production:
// what p would have denied happens, and the kernel logs it, which needs no supervisor
// and costs little. secgen explain reads the records against p. All else is p's, After
// too: a stage on top of one that is observed names that, not p's.
//
//	// Trial is what runs until the log is empty.
//	var Trial = dsl.Observe(Serve)
//
// The kernel logs few records a second, and none of arguments; secgen run -observe
// tells of every call. Notify and Trace, which a supervisor or a tracer decides, stay.
func Observe(p Policy) Policy {
	p.Default = observed(p.Default)
	p.BadArch = observed(p.BadArch)
	if p.BadArch == (Action{}) {
		p.BadArch = Log // not set, it would be KillProcess
	}
	p.Newer.Action = observed(p.Newer.Action)
	p.Rules = slices.Clone(p.Rules)
	for i := range p.Rules {
		p.Rules[i].Action = observed(p.Rules[i].Action)
	}
	return p
}

func observed(a Action) Action {
	switch a.Kind {
	case KindKillProcess, KindKillThread, KindTrap, KindErrno, KindErrnoNumber:
		return Log
	}
	return a
}
