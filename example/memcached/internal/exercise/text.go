package exercise

import (
	"context"
	"fmt"
	"strings"
)

// The replies of the text protocol are those of protocol.txt, which memcached
// comes with, and where that is silent those of memcached 1.6.18.

func storage(s *session) {
	s.say("delete st noreply")
	s.say("get st", "END")
	s.say("replace st 0 0 1\nx", "NOT_STORED")
	s.say("append st 0 0 1\nx", "NOT_STORED")
	s.say("prepend st 0 0 1\nx", "NOT_STORED")
	s.say("cas st 0 0 1 1\nx", "NOT_FOUND")
	s.say("add st 7 0 3\nabc", "STORED")
	s.say("add st 8 0 3\nxyz", "NOT_STORED")
	s.say("get st", "VALUE st 7 3", "abc", "END")
	s.say("replace st 4294967295 0 3\ndef", "STORED")
	s.say("append st 0 0 2\ngh", "STORED")
	s.say("prepend st 0 0 2\nbc", "STORED")
	s.say("get st", "VALUE st 4294967295 7", "bcdefgh", "END")
	s.say("set st 0 0 0\n", "STORED")
	s.say("get st", "VALUE st 0 0", "", "END")

	cas := s.say("gets st", `^VALUE st 0 0 (\d+)$`, "", "END")
	s.say("cas st 1 0 1 "+cas+"\na", "STORED")
	s.say("cas st 2 0 1 "+cas+"\nb", "EXISTS")
	s.say("get st", "VALUE st 1 1", "a", "END")
	s.say("delete st", "DELETED")
	s.say("delete st", "NOT_FOUND")

	s.say("set st 0 0 1 noreply\n1")
	s.say("add st 0 0 1 noreply\n2")
	s.say("append st 0 0 1 noreply\n3")
	s.say("prepend st 0 0 1 noreply\n0")
	s.say("incr st 5 noreply")
	s.say("decr st 1 noreply")
	s.say("touch st 0 noreply")
	s.say("get st", "VALUE st 0 3", "17 ", "END") // 013+5-1, padded to its old length
	s.say("delete st noreply")
	s.say("get st", "END")

	longest := strings.Repeat("k", 250)
	s.say("set "+longest+" 0 0 1\nx", "STORED")
	s.say("get "+longest, "VALUE "+longest+" 0 1", "x", "END")
	s.say("delete "+longest, "DELETED")
}

func numbers(s *session) {
	s.say("delete num noreply")
	s.say("incr num 1", "NOT_FOUND")
	s.say("decr num 1", "NOT_FOUND")
	s.say("set num 0 0 2\n10", "STORED")
	s.say("incr num 5", "15")
	s.say("decr num 14", "1")
	s.say("decr num 100", "0")
	s.say("incr num 18446744073709551615", "18446744073709551615")
	s.say("incr num 2", "1") // wraps at 64 bits
	s.say("incr num x", "CLIENT_ERROR invalid numeric delta argument")
	s.say("set num 0 0 1\nx", "STORED")
	s.say("incr num 1", "CLIENT_ERROR cannot increment or decrement non-numeric value")
}

func retrieval(s *session) {
	// More keys than memcached takes apart in one go (24 tokens).
	var keys, want []string
	for i := range 30 {
		key := fmt.Sprintf("re%d", i)
		keys = append(keys, key)
		if i%3 == 0 {
			s.say("delete " + key + " noreply")
			continue
		}
		s.say(fmt.Sprintf("set %s %d 0 %d\n%s", key, i, len(key), key), "STORED")
		want = append(want, fmt.Sprintf("VALUE %s %d %d", key, i, len(key)), key)
	}
	s.say("get "+strings.Join(keys, " "), append(want, "END")...)
	s.say("bget re1", "VALUE re1 1 3", "re1", "END")
	cas := s.say("gets re1 re0 re2", `^VALUE re1 1 3 (\d+)$`, "re1", `^VALUE re2 2 3 \d+$`, "re2", "END")
	s.say("gat 100 re1 re0 re2", "VALUE re1 1 3", "re1", "VALUE re2 2 3", "re2", "END")
	s.say("gats 100 re1", "VALUE re1 1 3 "+cas, "re1", "END") // a touch leaves the cas as it is
	s.say("mg re1 t", `^HD t(100|99|98)$`)
	s.say("touch re1 0", "TOUCHED")
	s.say("mg re1 t", "HD t-1")
	s.say("touch re0 0", "NOT_FOUND")
	s.say("gat 0 re0", "END")
}

func mistakes(s *session) {
	format := "CLIENT_ERROR bad command line format"
	for _, command := range []string{"", "x", "nonsense", "get", "gets", "gat", "set", "set x 0 0", "incr x",
		"touch x", "delete", "verbosity", "slabs", "slabs nonsense", "lru x y", "lru_crawler", "lru_crawler nonsense",
		"stats nonsense", "watch nonsense", "extstore item_size x", "misbehave", "mc"} {
		s.say(command, "ERROR")
	}
	tooLong := strings.Repeat("k", 251)
	for _, command := range []string{"get " + tooLong, "set x 0 0 x", "set x 0 0 -1", "cas x 0 0 1 x"} {
		s.say(command, format)
	}
	s.say("set x y 0 1\n", format, "ERROR") // its data is taken for a command
	s.say("set x 0 0 3\nabcd", "CLIENT_ERROR bad data chunk", "ERROR")
	s.say("delete x 5", format+".  Usage: delete <key> [noreply]")
	s.say("touch x y", "CLIENT_ERROR invalid exptime argument")
	s.say("gat x y", "CLIENT_ERROR invalid exptime argument")
	s.say("flush_all x", "CLIENT_ERROR invalid exptime argument")
	s.say("set big 0 0 1\nx", "STORED")
	most := s.setting("item_size_max") // of data, key and header together
	s.say(fmt.Sprintf("set big 0 0 %d\n%s", most, strings.Repeat("x", most)), "SERVER_ERROR object too large for cache")
	s.say("get big", "END") // the old value must not survive
	s.say("shutdown nonsense", `^(ERROR: shutdown not enabled|CLIENT_ERROR invalid shutdown mode)$`)
	s.say("refresh_certs", `^(OK|ERROR|Error TLS not enabled)$`)
}

// expiry waits for items to expire and, meanwhile, for a flush that is to come
// later. The server's clock ticks once a second, and a flush in 4 seconds takes
// effect at the third tick (proto_text.c, process_flush_all_command).
func expiry(s *session) {
	s.say("set ex 0 -1 1\nx", "STORED")
	s.say("get ex", "END")
	s.say("set fl 0 0 1\nx", "STORED")
	s.say("flush_all 4", "OK")
	s.say("set ex 0 1 1\nx", "STORED")
	s.say("set ey 0 100 1\ny", "STORED")
	s.say("touch ey 1", "TOUCHED")
	s.await("ex to expire", func() bool { return !s.holds("ex") })
	s.await("ey to expire", func() bool { return !s.holds("ey") })
	s.say("get fl", "VALUE fl 0 1", "x", "END")
	s.await("flush_all 4 to take effect", func() bool { return !s.holds("fl") })
	s.say("flush_all", "OK") // what is stored in the second of a late flush would be lost too
}

func (s *session) holds(key string) bool {
	return s.say("mg "+key, `^(HD|EN)$`) == "HD"
}

func flush(s *session) {
	s.say("set fl 0 0 1\nx", "STORED")
	s.say("flush_all", "OK")
	s.say("get fl", "END")
	s.say("set fl 0 0 1\nx", "STORED")
	s.say("get fl", "VALUE fl 0 1", "x", "END")
	s.say("flush_all noreply")
	s.say("get fl", "END")
	s.say("set fl 0 0 1\nx", "STORED")
	s.say("flush_all 0", "OK")
	s.say("get fl", "END")
	s.say("flush_all -1", "OK")
}

func version(s *session) {
	v := s.say("version", `^VERSION (\d+\.\d+\.\d+)`)
	if got := s.stats("")["version"]; s.err == nil && !strings.HasPrefix(got, v) {
		s.fail("stats: want version %s as the command told it, got %s", v, got)
	}
	s.say("verbosity 2", "OK") // the server writes to its stderr now
	s.say("set ver 0 0 1\nx", "STORED")
	s.say("get ver", "VALUE ver 0 1", "x", "END")
	s.say("verbosity 0", "OK")
	s.say("verbosity 0 noreply")
	s.say("verbosity x", "CLIENT_ERROR bad command line format")
}

func quit(ctx context.Context, t Target) error {
	return plain(func(s *session) {
		s.say("set qu 0 0 1\nx\nget qu\nquit", "STORED", "VALUE qu 0 1", "x", "END")
		s.ends("quit")
	})(ctx, t)
}
