package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func init() {
	modes["served"] = served
	modes["tcp"] = func() work { return tcp }
	modes["unix"] = func() work { return unix }
	modes["udp"] = func() work { return udp }
	modes["http"] = func() work { return web }
	modes["dns"] = func() work { return dns }
	modes["close"] = closing
}

// served has a server of connections and a client of it, which both were there
// before the filter: a file, a buffer list, an echo.
func served() work {
	dir, err := os.MkdirTemp("", "")
	must(err)
	path := filepath.Join(dir, "file")
	must(os.WriteFile(path, make([]byte, 1<<20), 0o600))
	file, err := os.Open(path)
	must(err)
	must(os.RemoveAll(dir))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	clients := make(chan net.Conn, 1)
	dial := func() {
		c, err := net.Dial("tcp", l.Addr().String())
		must(err)
		clients <- c
	}
	// As many as the rounds may need: after the filter nobody can dial.
	const most = 200
	go func() {
		for range most {
			dial()
		}
	}()
	var waiting []net.Conn
	for range most {
		waiting = append(waiting, <-clients)
	}
	return func() {
		if len(waiting) == 0 {
			time.Sleep(10 * time.Millisecond)
			return
		}
		client := waiting[0]
		waiting = waiting[1:]
		conn, err := l.Accept()
		must(err)
		done := make(chan bool)
		go func() {
			defer close(done)
			b := make([]byte, 1<<20)
			_, err := client.Write(b[:100])
			must(err)
			must(client.(*net.TCPConn).CloseWrite())
			n, err := io.Copy(io.Discard, client)
			must(err)
			if n < 1<<20 {
				must(errors.New("too little came back"))
			}
		}()
		_, err = io.Copy(conn, conn)
		must(err)
		bufs := net.Buffers{[]byte("one"), []byte("two")}
		_, err = bufs.WriteTo(conn)
		must(err)
		_, err = file.Seek(0, io.SeekStart)
		must(err)
		_, err = io.Copy(conn, file)
		must(err)
		must(conn.(*net.TCPConn).SetLinger(0))
		must(conn.(*net.TCPConn).SetReadBuffer(4096))
		must(conn.SetDeadline(time.Now().Add(time.Second)))
		must(conn.(*net.TCPConn).CloseWrite())
		<-done
		must(conn.Close())
		must(client.Close())
	}
}

// closing ends a server while somebody waits in it.
func closing() work {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	return func() {
		if l == nil {
			time.Sleep(time.Millisecond)
			return
		}
		done := make(chan error)
		go func() { _, err := l.Accept(); done <- err }()
		time.Sleep(time.Millisecond)
		must(l.Close())
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			must(err)
		}
		l = nil
	}
}

func tcp() { echo("tcp", "127.0.0.1:0"); echo("tcp", "[::]:0"); echo("tcp", ":0") }

func unix() {
	dir, err := os.MkdirTemp("", "")
	must(err)
	echo("unix", filepath.Join(dir, "socket"))
	echo("unix", "@secgen-probe-"+filepath.Base(dir))
	os.RemoveAll(dir)
}

func echo(network, address string) {
	l, err := net.Listen(network, address)
	must(err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	c, err := net.DialTimeout(network, l.Addr().String(), 5*time.Second)
	must(err)
	defer c.Close()
	b := make([]byte, 100000)
	go func() {
		c.Write(b)
		c.(interface{ CloseWrite() error }).CloseWrite()
	}()
	back, err := io.ReadAll(c)
	must(err)
	if !bytes.Equal(back, b) {
		must(errors.New("another echo"))
	}
}

func udp() {
	a, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(err)
	defer a.Close()
	c, err := net.Dial("udp", a.LocalAddr().String())
	must(err)
	defer c.Close()
	_, err = c.Write([]byte("x"))
	must(err)
	b := make([]byte, 10)
	_, from, err := a.ReadFrom(b)
	must(err)
	_, err = a.WriteTo(b, from)
	must(err)
	_, err = c.Read(b)
	must(err)
	_, _, err = a.(*net.UDPConn).WriteMsgUDP([]byte("y"), nil, from.(*net.UDPAddr))
	must(err)
	_, _, _, _, err = c.(*net.UDPConn).ReadMsgUDP(b, nil)
	must(err)
}

func web() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/file" {
			http.ServeFile(w, r, "/proc/self/exe")
			return
		}
		b, err := io.ReadAll(r.Body)
		must(err)
		w.Write(b)
	})}
	go s.Serve(l)
	client := &http.Client{Transport: &http.Transport{}}
	r, err := client.Post("http://"+l.Addr().String(), "text/plain", bytes.NewReader(make([]byte, 10000)))
	must(err)
	b, err := io.ReadAll(r.Body)
	must(err)
	if len(b) != 10000 {
		must(errors.New("another body"))
	}
	r, err = client.Get("http://" + l.Addr().String() + "/file")
	must(err)
	n, err := io.Copy(io.Discard, r.Body)
	must(err)
	if n < 1<<20 {
		must(errors.New("a short file"))
	}
	client.CloseIdleConnections()
	must(s.Shutdown(context.Background()))
}

// dns asks the files, then a server that answers with nothing.
func dns() {
	addrs, err := net.LookupHost("localhost")
	if err != nil || len(addrs) == 0 {
		must(errors.Join(err, errors.New("no localhost")))
	}
	_, err = net.LookupPort("tcp", "https")
	must(err)
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(err)
	defer server.Close()
	go func() {
		b := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			b[2] |= 0x80 // a response
			b[3] |= 3    // NXDOMAIN
			server.WriteTo(b[:n], from)
		}
	}()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	_, err = r.LookupHost(context.Background(), "nonesuch.example.")
	var no *net.DNSError
	if !errors.As(err, &no) || !no.IsNotFound {
		must(errors.Join(err, errors.New("found")))
	}
}
