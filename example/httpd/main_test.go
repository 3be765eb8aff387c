//go:build linux && (amd64 || arm64)

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A server that has to be caught in what it must not do is this test binary once
// more, built as the server is, with handlers that try it.
const childEnv = "SECGEN_HTTPD_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, run("127.0.0.1:0", attempts))
	os.Exit(1)
}

// attempts are the server's handler and, under /on/serve/ and /on/worker/, what must
// not work: done by a thread that serves, and by the worker.
func attempts(jobs chan<- func()) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", handler(jobs))
	for name, try := range map[string]func() error{
		"open": func() error { _, err := os.ReadFile("/etc/passwd"); return err },
		"dial": func() error { _, err := net.Dial("tcp", "127.0.0.1:1"); return err },
		"exec": func() error { return syscall.Exec("/bin/true", []string{"true"}, nil) },
	} {
		mux.HandleFunc("/on/serve/"+name, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, try()) })
		mux.HandleFunc("/on/worker/"+name, func(w http.ResponseWriter, r *http.Request) {
			said := make(chan error)
			jobs <- func() { said <- try() }
			fmt.Fprint(w, <-said)
		})
	}
	return mux
}

// build makes the server, and with "test" the one that tries what it must not,
// without cgo, for that is what its policies are for.
func build(t *testing.T, args ...string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "httpd")
	cmd := exec.Command("go", append(args, "-o", bin, ".")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// A server runs, and says on standard error where.
type server struct {
	cmd    *exec.Cmd
	url    string
	ended  chan bool
	status string // once it has ended
	stderr bytes.Buffer
}

func start(t *testing.T, bin string, env ...string) *server {
	t.Helper()
	s := &server{cmd: exec.Command(bin, "127.0.0.1:0"), ended: make(chan bool)}
	s.cmd.Env = append(os.Environ(), env...)
	stderr, err := s.cmd.StderrPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stderr)
	first, err := lines.ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSpace(first), "listening on ")
	if !found {
		rest, _ := io.ReadAll(lines)
		t.Fatalf("%v: %s%s", err, first, rest)
	}
	s.url = "http://" + address
	end := sync.OnceFunc(func() { s.cmd.Process.Kill(); <-s.ended })
	go func() {
		io.Copy(&s.stderr, lines)
		s.cmd.Wait()
		s.status = s.cmd.ProcessState.String()
		close(s.ended)
	}()
	t.Cleanup(end)
	return s
}

func (s *server) post(path string, body []byte) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Post(s.url+path, "", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return strings.TrimSpace(string(text)), err
}

func picture(t *testing.T) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 200))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheServerWorks(t *testing.T) {
	s := start(t, build(t, "build"))
	p := picture(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if got, err := s.post("/size", p); got != "300 x 200" {
				t.Errorf("%q, %v", got, err)
			}
			if got, err := s.post("/size", []byte("no picture")); got != "image: unknown format" {
				t.Errorf("%q, %v", got, err)
			}
			if got, err := s.post("/size", make([]byte, 2<<20)); err == nil && got != "http: request body too large" {
				t.Errorf("%q", got)
			}
			if got, err := s.post("/nothing", nil); got != "404 page not found" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	// One thread is under three filters more than this test, the others under two.
	statuses, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	own, threads := filters(t, "/proc/self/status"), map[int]int{}
	for _, path := range statuses {
		threads[filters(t, path)-own]++
	}
	if len(threads) != 2 || threads[3] != 1 || threads[2] != len(statuses)-1 {
		t.Errorf("threads by their number of filters: %v", threads)
	}
}

// filters is how many a thread is under.
func filters(t *testing.T, status string) (n int) {
	t.Helper()
	text, err := os.ReadFile(status)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\nSeccomp_filters:")
	if _, err := fmt.Sscan(rest, &n); !found || err != nil {
		t.Skip("the kernel does not count a thread's filters (it does since Linux 5.9)")
	}
	return n
}

func TestWhatMustNotWorkDoesNot(t *testing.T) {
	bin := build(t, "test", "-c")
	const killed = "signal: bad system call"
	for path, want := range map[string]string{
		"/on/serve/open":  "open /etc/passwd: permission denied",
		"/on/serve/dial":  killed,
		"/on/serve/exec":  killed,
		"/on/worker/open": killed, // where Serve alone gives an errno
		"/on/worker/dial": killed,
		"/on/worker/exec": killed,
	} {
		t.Run(strings.TrimPrefix(path, "/on/"), func(t *testing.T) {
			s := start(t, bin, childEnv+"=1")
			p := picture(t)
			if got, err := s.post("/size", p); got != "300 x 200" {
				t.Fatalf("%q, %v", got, err)
			}
			got, err := s.post(path, nil)
			if want == killed {
				<-s.ended
				if !slices.Contains([]string{killed, killed + " (core dumped)"}, s.status) {
					t.Errorf("%s, not %s: %q, %v\n%s", s.status, want, got, err, s.stderr.String())
				}
				return
			}
			if got != want {
				t.Errorf("%q, not %q: %v", got, want, err)
			}
			if got, err := s.post("/size", p); got != "300 x 200" {
				t.Errorf("afterwards: %q, %v", got, err)
			}
		})
	}
}
