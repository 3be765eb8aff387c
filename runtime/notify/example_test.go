//go:build linux && (amd64 || arm64)

package notify_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"syscall"
	"unsafe"

	"github.com/secgen-dev/secgen/gen"
	golden "github.com/secgen-dev/secgen/golden/notify"
	"github.com/secgen-dev/secgen/runtime/notify"
)

// A thread under a filter whose policy gives uname and most sockets dsl.Notify, and a
// supervisor in the same process. InstallNotify would do the same for all threads.
func Example() {
	fds := make(chan int)
	go func() {
		fd, err := golden.Ask.InstallNotifyThread()
		if err != nil {
			log.Fatal(err)
		}
		fds <- fd
		// Not syscall.Socket and syscall.Uname, which keep the scheduler waiting.
		_, _, errno := syscall.Syscall(syscall.SYS_SOCKET, syscall.AF_INET, syscall.SOCK_DGRAM, 0)
		fmt.Println("a socket of the internet:", errno)
		_, _, errno = syscall.Syscall(syscall.SYS_UNAME, uintptr(unsafe.Pointer(&syscall.Utsname{})), 0, 0)
		fmt.Println("the machine's name:", errno)
	}() // the thread ends with its goroutine

	listener, err := notify.New(<-fds)
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	for {
		request, err := listener.Receive(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		if err := decide(request); err != nil && err != notify.ErrGone {
			log.Fatal(err)
		}
	}
	// Output:
	// asked for socket: domain 2
	// a socket of the internet: permission denied
	// asked for uname
	// the machine's name: errno 0
}

// decide goes by registers alone, so it may continue calls.
func decide(request *notify.Request) error {
	_, call, err := gen.Identify(request.Arch, request.Number)
	if err != nil {
		return request.Errno(syscall.ENOSYS)
	}
	if call.Name == "socket" {
		domain, _ := call.Args[0].In(request.Args)
		fmt.Printf("asked for socket: domain %v\n", domain)
		return request.Errno(syscall.EACCES)
	}
	fmt.Println("asked for", call.Name)
	return request.Continue()
}
