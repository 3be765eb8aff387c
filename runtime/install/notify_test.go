//go:build linux

package install

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// listened says what is at fd, and whether it is closed on exec.
func listened(fd int) string {
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	must(err)
	flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	return fmt.Sprint(link, " closed on exec: ", flags == syscall.FD_CLOEXEC)
}

// notifyChildren have a listener and no supervisor: package runtime/notify has
// tests with one.
var notifyChildren = map[string]func(){
	"listen to all threads": func() {
		c := hire(16)
		fd, err := NotifyAllThreads("Test", asking, waitKillable)
		must(err)
		fmt.Println(listened(fd))
		must(syscall.Close(fd))
		fmt.Println(c.all(denied))
	},
	"listen to this thread": func() {
		c := hire(16)
		c[0].do(func() {
			fd, err := NotifyThisThread("Test", asking, 0)
			must(err)
			fmt.Println(listened(fd))
			must(syscall.Close(fd))
		})
		fmt.Println(c[:1].all(denied), c[1:].all(denied))
	},
	"a second listener": func() {
		_, err := NotifyAllThreads("First", asking, 0)
		must(err)
		_, err = NotifyAllThreads("Second", asking, 0)
		fmt.Println(saysErrno(err))
		fd, err := NotifyThisThread("Second", asking, 0)
		fmt.Println(fd, err != nil)
	},
	"listen although a thread has a filter of its own": func() {
		c := hire(16)
		c[7].do(func() { must(ThisThread("Own", on(syscall.SYS_GETPRIORITY, errnoIs|98), 0)) })
		fd, err := NotifyAllThreads("Test", asking, 0)
		fmt.Println(saysErrno(err))
		fmt.Println(fd, c[7:8].all(denied), c[8:].all(denied))
	},
	"a listener without a descriptor left": func() {
		must(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{}))
		_, err := NotifyAllThreads("Test", asking, 0)
		fmt.Println(saysErrno(err))
	},
}

func TestNotify(t *testing.T) {
	const nothing = "seccomp filter Test: nothing installed: "
	const stays = "; no_new_privs stays set on the calling thread: "
	closed := fmt.Sprintf("errno %d", uintptr(syscall.ENOSYS))
	tests := map[string]string{
		"listen to all threads": "anon_inode:seccomp notify closed on exec: true\nmap[" + closed + ":16]\n",
		"listen to this thread": "anon_inode:seccomp notify closed on exec: true\nmap[" + closed + ":1] map[done:15]\n",
		"a second listener": strings.Replace(nothing, "Test", "Second", 1) +
			"the thread has a filter with a listener already, and the kernel takes no second: use Notify in one stage alone" + stays +
			syscall.EBUSY.Error() + fmt.Sprintf("\nerrno %d\n-1 true\n", uintptr(syscall.EBUSY)),
		"listen although a thread has a filter of its own": nothing + "a thread that the kernel does not name has a filter of its own: install this one first" +
			stays + syscall.ESRCH.Error() + fmt.Sprintf("\nerrno %d\n-1 map[errno 98:1] map[done:8]\n", uintptr(syscall.ESRCH)),
		"a listener without a descriptor left": nothing + "there is no descriptor left for the listener: close some or raise the limit" + stays +
			syscall.EMFILE.Error() + fmt.Sprintf("\nerrno %d\n", uintptr(syscall.EMFILE)),
	}
	for who, uid := range users(t) {
		for name, want := range tests {
			t.Run(who+"/"+name, func(t *testing.T) {
				if got := output(t, name, uid); got != want {
					t.Errorf("got\n%swant\n%s", got, want)
				}
			})
		}
	}
}
