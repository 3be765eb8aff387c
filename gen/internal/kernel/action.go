package kernel

// The actions of SECCOMP_RET_* values (linux/seccomp.h), which have data in the 16
// bits below.
const (
	RetKillProcess = 0x80000000
	RetKillThread  = 0x00000000
	RetTrap        = 0x00030000
	RetErrno       = 0x00050000
	RetNotify      = 0x7fc00000
	RetTrace       = 0x7ff00000
	RetLog         = 0x7ffc0000
	RetAllow       = 0x7fff0000
)

// Action is the action of a SECCOMP_RET_* value, without its data.
func Action(ret uint32) uint32 { return ret &^ 0xffff }

// Happens reports whether the kernel executes a call with this answer by itself.
func Happens(ret uint32) bool { return Action(ret) == RetAllow || Action(ret) == RetLog }

// Kills reports whether this answer ends the caller.
func Kills(ret uint32) bool { return Action(ret) == RetKillProcess || Action(ret) == RetKillThread }
