package exercise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A session is one connection to the server. Its first failure sticks, and
// whatever is asked of it afterwards does nothing: so a step reads like a
// script, and looks at err once.
type session struct {
	conn    net.Conn
	r       *bufio.Reader
	release func() bool // ends the watch on the context
	opaque  uint32      // of the last binary request
	heard   *transcript // nil: not kept
	awaits  bool        // what is heard meanwhile depends on time
	err     error
}

func open(ctx context.Context, conn net.Conn, heard *transcript) *session {
	return &session{
		conn:    conn,
		r:       bufio.NewReaderSize(conn, 64<<10),
		release: context.AfterFunc(ctx, func() { conn.Close() }),
		heard:   heard,
	}
}

func (s *session) close() {
	if s.conn != nil {
		s.release()
		s.conn.Close()
	}
}

// reset closes the connection so that the peer gets a RST instead of a FIN
// (socket(7), SO_LINGER with time 0). On a unix socket it just closes.
func (s *session) reset() {
	if tcp, ok := s.conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	s.close()
}

func (s *session) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// say sends a command and checks its reply line by line. Newlines become
// \r\n. A wanted line that begins with ^ is a regular expression. The first
// group that any of them captures is returned.
func (s *session) say(send string, want ...string) string {
	s.send(send)
	return s.hear(send, want...)
}

// send sends a command, or several, and does not wait.
func (s *session) send(command string) {
	s.write([]byte(strings.ReplaceAll(command, "\n", "\r\n") + "\r\n"))
}

// hear checks the reply to what was sent earlier; sent is for the error alone.
func (s *session) hear(sent string, want ...string) (captured string) {
	for i, w := range want {
		got := s.line(sent, w)
		if s.err != nil {
			return ""
		}
		if !strings.HasPrefix(w, "^") {
			if got != w {
				s.fail("%s: line %d of the reply: want %s, got %s", clip(sent), i+1, clip(w), clip(got))
			}
			continue
		}
		m := regexp.MustCompile(w).FindStringSubmatch(got)
		if m == nil {
			s.fail("%s: line %d of the reply: want a match of %s, got %s", clip(sent), i+1, clip(w), clip(got))
		} else if len(m) > 1 && captured == "" {
			captured = m[1]
		}
	}
	return captured
}

// line reads one line without its \r\n; metadump ends lines with a bare \n.
func (s *session) line(sent, want string) string {
	if s.err != nil {
		return ""
	}
	s.conn.SetReadDeadline(time.Now().Add(patience))
	got, err := s.r.ReadString('\n')
	if err != nil {
		s.fail("%s: want %s, got %s and then: %w", clip(sent), clip(want), clip(got), err)
	}
	got = strings.TrimSuffix(strings.TrimSuffix(got, "\n"), "\r")
	s.keep(sent, got)
	return got
}

// keep keeps a reply for comparison with another server's.
func (s *session) keep(sent, got string) {
	if s.heard != nil && !s.awaits {
		s.heard.add(sent, got)
	}
}

func (s *session) write(b []byte) {
	if s.err != nil {
		return
	}
	s.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := s.conn.Write(b); err != nil {
		s.fail("sending %s: %w", clip(string(b)), err)
	}
}

// ends checks that the server has closed the connection and sent nothing more.
func (s *session) ends(sent string) {
	if s.err != nil {
		return
	}
	s.conn.SetReadDeadline(time.Now().Add(patience))
	if b, err := s.r.ReadByte(); err == nil {
		s.fail("%s: want the connection closed, got byte %q", clip(sent), b)
	} else if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		s.fail("%s: want the connection closed, but it was still open after %v", clip(sent), patience)
	}
}

// stats returns what "stats sub" tells, and checks that it is told in lines of
// STAT, a name and a value.
func (s *session) stats(sub string) map[string]string {
	command := strings.TrimSpace("stats " + sub)
	s.send(command)
	told := map[string]string{}
	for s.err == nil {
		got := s.line(command, "STAT or END")
		if got == "END" {
			break
		}
		f := strings.SplitN(got, " ", 3)
		if len(f) != 3 || f[0] != "STAT" {
			s.fail("%s: want lines of STAT name value, then END; got %s", command, clip(got))
		} else {
			told[f[1]] = f[2]
		}
	}
	return told
}

// stat is one number out of the general statistics.
func (s *session) stat(name string) int { return s.number("stats", s.stats(""), name) }

// setting is one number out of the settings.
func (s *session) setting(name string) int {
	return s.number("stats settings", s.stats("settings"), name)
}

func (s *session) number(command string, told map[string]string, name string) int {
	n, err := strconv.Atoi(told[name])
	if err != nil {
		s.fail("%s: want a number for %s, got %q", command, name, told[name])
	}
	return n
}

// await looks again and again until done holds.
func (s *session) await(what string, done func() bool) {
	defer func(was bool) { s.awaits = was }(s.awaits)
	s.awaits = true
	end := time.Now().Add(patience)
	for s.err == nil && !done() {
		if time.Now().After(end) {
			s.fail("waited %v in vain for %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// clip quotes the beginning of text for an error.
func clip(text string) string {
	const most = 120
	if len(text) > most {
		return fmt.Sprintf("%q... (%d bytes)", text[:most], len(text))
	}
	return strconv.Quote(text)
}
