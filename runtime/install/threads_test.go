//go:build linux

package install

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// gone waits for a thread to end and reports whether it did.
func gone(thread string) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join("/proc/self/task", thread)); err != nil {
			return true
		}
	}
	return false
}

// A crew is goroutines that hold a thread each, and do what they are told there.
type crew []member

type member struct {
	thread string
	orders chan func()
}

func hire(n int) crew {
	c := make(crew, n)
	for i := range c {
		c[i].orders = make(chan func())
		tid := make(chan string)
		go func() {
			runtime.LockOSThread()
			tid <- gettid()
			for order := range c[i].orders {
				order()
			}
		}()
		c[i].thread = <-tid
	}
	return c
}

// do runs f on the member's thread.
func (m member) do(f func()) {
	done := make(chan bool)
	m.orders <- func() { f(); close(done) }
	<-done
}

// all counts what f says on the members' threads at once.
func (c crew) all(f func() string) map[string]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	said := map[string]int{}
	for _, m := range c {
		wg.Go(func() {
			m.do(func() {
				s := f()
				mu.Lock()
				defer mu.Unlock()
				said[s]++
			})
		})
	}
	wg.Wait()
	return said
}

// modes counts the process's threads by seccomp mode and no_new_privs.
func modes() map[string]int {
	threads, err := filepath.Glob("/proc/self/task/*")
	must(err)
	n := map[string]int{}
	for _, t := range threads {
		t = filepath.Base(t)
		n[fmt.Sprintf("seccomp %s nnp %s", field(t, "Seccomp"), field(t, "NoNewPrivs"))]++
	}
	return n
}

// threadChildren print what they find, and the tests of the same name compare.
var threadChildren = map[string]func(){
	"every thread": func() {
		c := hire(128)
		must(AllThreads("Test", on(syscall.SYS_GETPRIORITY, errnoIs|99), 0))
		got := modes()
		fmt.Println("kinds of thread:", len(got), "enough:", got["seccomp 2 nnp 1"] > 128)
		fmt.Println(c.all(denied))
	},
	"every thread, while threads come and go": func() {
		stop := make(chan bool)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						ended := make(chan bool)
						go func() { runtime.LockOSThread(); close(ended) }()
						<-ended
					}
				}
			})
		}
		time.Sleep(10 * time.Millisecond)
		must(AllThreads("Test", on(syscall.SYS_GETPRIORITY, errnoIs|99), 0))
		fmt.Println(hire(32).all(denied))
		close(stop)
		wg.Wait()
	},
	"this thread alone": func() {
		c := hire(16)
		var later crew
		c[0].do(func() {
			must(ThisThread("Test", on(syscall.SYS_GETPRIORITY, errnoIs|99), 0))
			later = hire(16) // threads that are made from here do not inherit it
		})
		fmt.Println(modes()["seccomp 2 nnp 1"], c[:1].all(denied), c[1:].all(denied), later.all(denied))
	},
	"the thread ends with the goroutine": func() {
		tid := make(chan string)
		go func() {
			must(ThisThread("Test", on(syscall.SYS_GETPRIORITY, errnoIs|99), 0))
			tid <- gettid()
		}()
		fmt.Println(gone(<-tid))
	},
	"a failure leaves the goroutine unlocked": func() {
		tid := make(chan string)
		go func() {
			if ThisThread("Test", nil, 0) == nil || AllThreads("Test", nil, 0) == nil {
				os.Exit(1)
			}
			tid <- gettid()
		}()
		thread := <-tid
		time.Sleep(200 * time.Millisecond) // a locked goroutine's thread ends at once
		_, err := os.Stat(filepath.Join("/proc/self/task", thread))
		fmt.Println(err)
	},
	"success for all threads leaves the goroutine unlocked": func() {
		tid := make(chan string)
		go func() {
			must(AllThreads("Test", on(syscall.SYS_GETPRIORITY, errnoIs|99), 0))
			tid <- gettid()
		}()
		thread := <-tid
		time.Sleep(200 * time.Millisecond)
		_, err := os.Stat(filepath.Join("/proc/self/task", thread))
		fmt.Println(err)
	},
	"the calling thread's filters go to all": func() {
		c := hire(16)
		must(ThisThread("First", on(syscall.SYS_GETPRIORITY, errnoIs|98), 0))
		must(AllThreads("Second", on(syscall.SYS_SETPRIORITY, errnoIs|99), 0))
		fmt.Println(c.all(denied))
	},
	"a thread has a filter of its own": func() {
		c := hire(16)
		c[7].do(func() {
			name := []byte("diverged\x00")
			const setName = 15 // PR_SET_NAME of linux/prctl.h
			syscall.Syscall(syscall.SYS_PRCTL, setName, uintptr(unsafe.Pointer(&name[0])), 0)
			must(ThisThread("Own", on(syscall.SYS_GETPRIORITY, errnoIs|98), 0))
		})
		err := AllThreads("Test", on(syscall.SYS_GETPRIORITY, errnoIs|99), 0)
		text := saysErrno(err)
		fmt.Println(strings.Replace(text, "thread "+c[7].thread+" ", "thread TID ", 1))
		got := modes()
		fmt.Println(got["seccomp 2 nnp 1"], got["seccomp 0 nnp 1"], c[7:8].all(denied), c[8:].all(denied))
	},
}

func TestThreads(t *testing.T) {
	tests := map[string]string{
		"every thread": "kinds of thread: 1 enough: true\nmap[errno 99:128]\n",
		"every thread, while threads come and go":               "map[errno 99:32]\n",
		"this thread alone":                                     "1 map[errno 99:1] map[done:15] map[done:16]\n",
		"the thread ends with the goroutine":                    "true\n",
		"a failure leaves the goroutine unlocked":               "<nil>\n",
		"success for all threads leaves the goroutine unlocked": "<nil>\n",
		"the calling thread's filters go to all":                "map[errno 98:16]\n",
		// One thread has its own filter, one has no_new_privs from the attempt.
		"a thread has a filter of its own": "seccomp filter Test: nothing installed: thread TID (diverged) has a filter of its own: " +
			"install this one first; no_new_privs stays set on the calling thread\nno errno\n" +
			"1 1 map[errno 98:1] map[done:8]\n",
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
