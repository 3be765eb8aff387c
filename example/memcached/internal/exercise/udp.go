package exercise

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// datagrams talks the text protocol over UDP: one command, in one datagram, and a
// reply in one or several, each with a header of 8 bytes (protocol.txt).
func datagrams(ctx context.Context, t Target) error {
	t.Network = "udp"
	return plain(func(s *session) {
		big := pattern(10_000)
		for _, c := range []struct{ command, want string }{
			{"set ud 5 0 3\nabc", "STORED"},
			{"get ud", "VALUE ud 5 3\nabc\nEND"},
			{"add ud 0 0 1\nx", "NOT_STORED"},
			{"set un 0 0 1\n7", "STORED"},
			{"incr un 1", "8"},
			{"get no", "END"},
			{"mg ud v f", "VA 3 f5\nabc"},
			{"mn", "MN"},
			{"touch ud 0", "TOUCHED"},
			{"delete un", "DELETED"},
			{"nonsense", "ERROR"},
			{"set ub 0 0 1\nx", "STORED"},
			{"append ub 0 0 9\n123456789", "STORED"},
			{"delete ub", "DELETED"},
		} {
			s.exchange(c.command, c.want)
		}
		over := t
		over.Network = "tcp"
		stored := plain(func(s *session) { s.say(fmt.Sprintf("set ub 0 0 %d\n%s", len(big), big), "STORED") })
		if err := stored(ctx, over); err != nil {
			s.fail("over TCP: %w", err)
		}
		s.exchange("get ub", fmt.Sprintf("VALUE ub 0 %d\n%s\nEND", len(big), big))
		// What the server does not take has no reply: a header that is cut off, and a
		// command in two datagrams.
		s.write([]byte("short"))
		s.frame([]byte{0, 9, 0, 0, 0, 2, 0, 0}, "get ub")
		s.exchange("get ud", "VALUE ud 5 3\nabc\nEND")
	})(ctx, t)
}

// exchange sends one command and checks the reply.
func (s *session) exchange(command, want string) {
	s.opaque++
	id := uint16(s.opaque)
	s.frame([]byte{byte(id >> 8), byte(id), 0, 0, 0, 1, 0, 0}, command)
	want = strings.ReplaceAll(want, "\n", "\r\n") + "\r\n"
	if got := s.datagram(id); s.err == nil && got != want {
		s.fail("%s, over UDP: want %s, got %s", clip(command), clip(want), clip(got))
	} else {
		s.keep(command, got)
	}
}

func (s *session) frame(header []byte, command string) {
	s.write(append(header, strings.ReplaceAll(command, "\n", "\r\n")+"\r\n"...))
}

// datagram reads the reply to request id, whose datagrams may come in any order.
func (s *session) datagram(id uint16) string {
	if s.err != nil {
		return ""
	}
	s.conn.SetReadDeadline(time.Now().Add(patience))
	parts := map[uint16]string{}
	for {
		b := make([]byte, 64<<10)
		n, err := s.conn.Read(b)
		if err != nil || n < 8 {
			s.fail("request %d over UDP: want a reply, got %d bytes: %v", id, n, err)
			return ""
		}
		if binary.BigEndian.Uint16(b) != id {
			continue
		}
		parts[binary.BigEndian.Uint16(b[2:])] = string(b[8:n])
		if total := binary.BigEndian.Uint16(b[4:]); len(parts) == int(total) {
			var whole strings.Builder
			for i := range total {
				whole.WriteString(parts[i])
			}
			return whole.String()
		}
	}
}
