package exercise

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// halfOpen has clients that say nothing, say half of something, hang up on one
// side, or die in the middle of a value.
func halfOpen(ctx context.Context, t Target) error {
	s := t.dial(ctx)
	defer s.close()
	before := s.connections()
	s.say("delete ha1 noreply")
	s.say("delete ha2 noreply")

	silent, half, line, done, dead := t.dial(ctx), t.dial(ctx), t.dial(ctx), t.dial(ctx), t.dial(ctx)
	others := []*session{silent, half, line, done, dead}
	defer func() {
		for _, o := range others {
			o.close()
		}
	}()
	half.write([]byte("set ha1 0 0 10\r\nabc"))
	dead.write([]byte("set ha2 0 0 10\r\nabc"))
	line.write([]byte("get h"))
	s.await("two clients to be in the middle of a value", func() bool {
		n := 0
		for _, v := range s.stats("conns") {
			if v == "conn_nread" {
				n++
			}
		}
		return n == 2
	})
	dead.reset()
	done.send("get ha1")
	if c, ok := done.conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
	done.hear("get ha1 with the sending side closed after it", "END")
	done.ends("get ha1 with the sending side closed after it")
	half.send("defghij")
	half.hear("the second half of set ha1", "STORED")
	line.send("a1")
	line.hear("the second half of get ha1", "VALUE ha1 0 10", "abcdefghij", "END")
	silent.say("get ha2", "END")
	for _, o := range others {
		o.close()
	}
	s.settles(before)
	s.say("mn", "MN")
	return errors.Join(s.err, silent.err, half.err, line.err, done.err, dead.err)
}

// slow has a client that sends a byte at a time, and one that reads so.
func slow(ctx context.Context, t Target) error {
	sends, reads := t.dial(ctx), t.dial(ctx)
	defer sends.close()
	defer reads.close()
	if c, ok := reads.conn.(interface{ SetReadBuffer(int) error }); ok {
		c.SetReadBuffer(64 << 10)
	}
	v := pattern(300 << 10)
	reads.say(fmt.Sprintf("set sl 0 0 %d\n%s", len(v), v), "STORED")
	reads.send("get sl")
	for _, b := range []byte("set sm 0 0 5\r\nabcde\r\nget sm\r\n") {
		sends.write([]byte{b})
		time.Sleep(2 * time.Millisecond)
	}
	sends.hear("set sm, a byte at a time", "STORED", "VALUE sm 0 5", "abcde", "END")
	reads.r = bufio.NewReaderSize(slowly{reads.conn}, 8<<10)
	reads.hear("get sl, slowly", fmt.Sprintf("VALUE sl 0 %d", len(v)), v, "END")
	sends.say("delete sm", "DELETED")
	reads.say("delete sl", "DELETED")
	return errors.Join(sends.err, reads.err)
}

// slowly reads a little, and later.
type slowly struct{ io.Reader }

func (s slowly) Read(b []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return s.Reader.Read(b[:min(len(b), 8<<10)])
}

// connections counts the server's clients when the number has stopped changing:
// it may be letting go of those of an earlier step.
func (s *session) connections() int {
	n, same := s.stat("curr_connections"), 0
	s.await("curr_connections to stop changing", func() bool {
		now := s.stat("curr_connections")
		if now == n {
			same++
		} else {
			n, same = now, 0
		}
		return same == 5
	})
	return n
}

// settles waits until the server has let go of all connections but n.
func (s *session) settles(n int) {
	s.await(fmt.Sprintf("curr_connections to be %d again", n), func() bool {
		return s.stats("")["curr_connections"] == strconv.Itoa(n)
	})
}

// crowd has 60 clients connected at the same time, each with an item of its own.
func crowd(ctx context.Context, t Target) error {
	const n = 60
	s := t.dial(ctx)
	defer s.close()
	before := s.connections()
	var connected, checked sync.WaitGroup
	leave := make(chan struct{})
	errs := make([]error, n)
	connected.Add(n)
	for i := range n {
		checked.Go(func() {
			c := t.dial(ctx)
			defer c.close()
			c.say("version", "^VERSION ")
			connected.Done()
			key := fmt.Sprintf("cd%d", i)
			for round := range 20 {
				v := strings.Repeat(key, round+1)
				c.say(fmt.Sprintf("set %s %d 0 %d\n%s", key, i, len(v), v), "STORED")
				c.say("get "+key, fmt.Sprintf("VALUE %s %d %d", key, i, len(v)), v, "END")
			}
			c.say("delete "+key, "DELETED")
			<-leave
			errs[i] = c.err
		})
	}
	connected.Wait()
	if got := s.stat("curr_connections"); got != before+n {
		s.fail("stats: want %d curr_connections with %d clients more, got %d", before+n, n, got)
	}
	close(leave)
	checked.Wait()
	s.settles(before)
	return errors.Join(append(errs, s.err)...)
}

// storm has some hundred clients that reset their connections, many before the
// server has so much as accepted them. The server then fails to learn a client's
// address and says so with perror(3), which makes system calls of its own.
func storm(ctx context.Context, t Target) error {
	const goroutines, each = 8, 13
	s := t.dial(ctx)
	defer s.close()
	before := s.connections()
	s.say(fmt.Sprintf("set sm 0 0 100000\n%s", strings.Repeat("x", 100_000)), "STORED")
	s.say("delete sm1 noreply")
	last := []string{ // what a client says before it goes
		"",
		"get sm\r\n",
		"set sm1 0 0 10\r\nabc",
		strings.Repeat("get sm\r\n", 200),
	}
	errs := make([]error, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				c := t.dial(ctx)
				c.write([]byte(last[(g+i)%len(last)]))
				c.reset()
				// A reset of the server's own may come first; a refusal may not.
				if op, ok := errors.AsType[*net.OpError](c.err); ok && op.Op == "dial" {
					errs[g] = c.err
				}
			}
		})
	}
	wg.Wait()
	s.settles(before)
	s.say("get sm1", "END")
	s.say("delete sm", "DELETED")
	s.say("mn", "MN")
	return errors.Join(append(errs, s.err)...)
}

// large stores values up to the largest there may be and compares them.
func large(s *session) {
	most := s.setting("item_size_max") // of data, key and header together
	if s.err != nil {
		return
	}
	for _, size := range []int{1, 1000, 16 << 10, 300 << 10, 512 << 10, 600 << 10, most - 1024} {
		v := pattern(size)
		s.say(fmt.Sprintf("set la 0 0 %d\n%s", size, v), "STORED")
		s.say("get la", fmt.Sprintf("VALUE la 0 %d", size), v, "END")
		s.say("append la 0 0 2\nyz", "STORED")
		s.say("mg la v", fmt.Sprintf("VA %d", size+2), v+"yz")
		s.say("delete la", "DELETED")
	}
}

// pattern is a text of n bytes that does not repeat soon.
func pattern(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%x", sha256.Sum256([]byte(strconv.Itoa(i))))
	}
	return b.String()[:n]
}

// pipelined sends many commands in one go: small ones, so that the server lets
// other clients have their turn in between; then reads of a large value that
// nobody takes for a while, so that it finds the socket full.
func pipelined(s *session) {
	const small, big = 1000, 120
	s.say("set pi 0 0 1\nx", "STORED")
	yields := s.stat("conn_yields")
	s.send(strings.TrimSuffix(strings.Repeat("get pi\n", small), "\n"))
	for range small {
		s.hear("one of many get pi", "VALUE pi 0 1", "x", "END")
	}
	if got := s.stat("conn_yields"); s.err == nil && got == yields {
		s.fail("stats: want conn_yields to grow from %d in %d pipelined reads, got the same", yields, small)
	}

	v := pattern(512 << 10)
	s.say(fmt.Sprintf("set pi 0 0 %d\n%s", len(v), v), "STORED")
	s.send(strings.TrimSuffix(strings.Repeat("get pi\n", big), "\n"))
	time.Sleep(200 * time.Millisecond)
	want := fmt.Sprintf("VALUE pi 0 %d\r\n%s\r\nEND\r\n", len(v), v)
	got := make([]byte, len(want))
	for i := range big {
		if s.err != nil {
			return
		}
		s.conn.SetReadDeadline(time.Now().Add(patience))
		if n, err := io.ReadFull(s.r, got); err != nil {
			s.fail("get pi, %d of %d in a row: want %d bytes, got %d and then: %w", i+1, big, len(want), n, err)
		} else if string(got) != want {
			s.fail("get pi, %d of %d in a row: want %s, got %s", i+1, big, clip(want), clip(string(got)))
		}
	}
	s.say("delete pi", "DELETED")
}

// eviction stores more than there is room for, then has a page of memory moved
// from the class that filled it to another.
func eviction(s *session) {
	const limit, size = 64, 100_000 // MB, bytes
	was := s.stat("limit_maxbytes") >> 20
	s.say(fmt.Sprintf("cache_memlimit %d", limit), "OK")
	s.say("set ev 0 0 1\nx", "STORED")
	evictions := s.stat("evictions")
	v := pattern(size)
	n := (limit << 20) / size * 5 / 4
	for i := range n {
		s.send(fmt.Sprintf("set ev%d 0 0 %d noreply\n%s", i, size, v))
	}
	last := fmt.Sprintf("ev%d", n-1)
	s.say("get "+last, fmt.Sprintf("VALUE %s 0 %d", last, size), v, "END")
	if got := s.stat("evictions"); s.err == nil && got == evictions {
		s.fail("stats: want evictions to grow from %d when %d values of %d bytes go into %d MB, got the same", evictions, n, size, limit)
	}

	from, to := s.say("me "+last, `^ME .* cls=(\d+) `), s.say("me ev", `^ME .* cls=(\d+) `)
	moved := s.stat("slabs_moved")
	reassign := fmt.Sprintf("slabs reassign %s %s", from, to)
	s.await("a page to be taken", func() bool { return s.say(reassign, `^(OK|BUSY) ?`) == "OK" })
	s.await("the page to be moved", func() bool { return s.stat("slabs_moved") > moved })
	s.say(fmt.Sprintf("cache_memlimit %d", was), "OK")
	s.say("flush_all", "OK")
}

// growth stores so many items that the hash table must grow (assoc.c: at one
// and a half items a bucket). Once it has, a second run finds nothing to do.
func growth(s *session) {
	const most = 17 // where a run ends that began at memcached's 16
	power := s.stat("hash_power_level")
	if power >= most {
		return
	}
	was := s.stat("limit_maxbytes") >> 20
	s.say(fmt.Sprintf("cache_memlimit %d", was+32), "OK") // room for small items, if others have taken it all
	n := 3<<power/2 + 1000
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "set gr%d 0 0 1 noreply\nx\n", i)
	}
	s.send(strings.TrimSuffix(b.String(), "\n"))
	s.await("the hash table to grow", func() bool { return s.stat("hash_power_level") == power+1 })
	s.await("all items to have moved", func() bool { return s.stats("")["hash_is_expanding"] == "0" })
	for i := 0; i < n; i += 1000 {
		key := fmt.Sprintf("gr%d", i)
		s.say("get "+key, "VALUE "+key+" 0 1", "x", "END")
	}
	s.say(fmt.Sprintf("cache_memlimit %d", was), "OK")
	s.say("flush_all", "OK")
}
