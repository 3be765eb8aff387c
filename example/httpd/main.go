// Command httpd tells the size of pictures. It is a server that puts itself into a
// sandbox: Listen until it listens, then Serve, and the thread that looks into what
// strangers send is under Worker besides.
//
//	CGO_ENABLED=0 go run ./example/httpd 127.0.0.1:8080
//	curl --data-binary @picture.png http://127.0.0.1:8080/size
package main

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

//go:generate env GOOS= GOARCH= go run github.com/secgen-dev/secgen/cmd/secgen generate -o filter_linux.go -other filter_other.go ./policy

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: httpd ADDRESS")
	}
	log.Fatal(run(os.Args[1], handler))
}

// run returns only if it cannot go on. The handler may give jobs to the worker.
func run(address string, handler func(jobs chan<- func()) http.Handler) error {
	if err := Listen.Install(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	log.Print("listening on ", l.Addr()) // and has read the time zone
	if err := Serve.Install(); err != nil {
		return err
	}
	jobs, ready := make(chan func()), make(chan error)
	go work(jobs, ready)
	if err := <-ready; err != nil {
		return err
	}
	return http.Serve(l, handler(jobs))
}

// work does jobs on a thread that has a filter of its own.
func work(jobs <-chan func(), ready chan<- error) {
	ready <- Worker.InstallThread() // which locks this goroutine to its thread
	for job := range jobs {
		job()
	}
}

func handler(jobs chan<- func()) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /size", func(w http.ResponseWriter, r *http.Request) {
		picture, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var size image.Config
		done := make(chan bool)
		jobs <- func() {
			size, _, err = image.DecodeConfig(bytes.NewReader(picture))
			close(done)
		}
		if <-done; err != nil {
			http.Error(w, err.Error(), http.StatusUnsupportedMediaType)
			return
		}
		fmt.Fprintf(w, "%d x %d\n", size.Width, size.Height)
	})
	return mux
}
