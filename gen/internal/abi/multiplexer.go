package abi

import "slices"

// Multiplexer is a call that makes others: its first argument says which. Their
// arguments lie in memory, where no filter sees them, or in other registers.
type Multiplexer struct {
	Name    string
	Version uint64            // a bit that the first argument may have besides
	Calls   map[string]uint64 // other call → the first argument that means it
}

// Multiplexers are all that there are, with the numbers of
// include/uapi/linux/net.h and linux/ipc.h. They are shared: do not change them.
var Multiplexers = []Multiplexer{
	{"socketcall", 0, map[string]uint64{
		"socket": 1, "bind": 2, "connect": 3, "listen": 4, "accept": 5, "getsockname": 6, "getpeername": 7, "socketpair": 8,
		"send": 9, "recv": 10, "sendto": 11, "recvfrom": 12, "shutdown": 13, "setsockopt": 14, "getsockopt": 15,
		"sendmsg": 16, "recvmsg": 17, "accept4": 18, "recvmmsg": 19, "sendmmsg": 20,
	}},
	{"ipc", 1 << 16, map[string]uint64{
		"semop": 1, "semget": 2, "semctl": 3, "semtimedop": 4, "msgsnd": 11, "msgrcv": 12, "msgget": 13, "msgctl": 14,
		"shmat": 21, "shmdt": 22, "shmget": 23, "shmctl": 24,
	}},
}

// Makes reports whether the ABI has the call, or a multiplexer that makes it.
func (a *Arch) Makes(call string) bool {
	if _, ok := a.Number(call); ok {
		return true
	}
	return slices.ContainsFunc(Multiplexers, func(m Multiplexer) bool {
		_, made := m.Calls[call]
		_, ok := a.Number(m.Name)
		return made && ok
	})
}
