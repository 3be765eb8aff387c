package exercise

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// counters checks that the server counts what it is asked.
func counters(s *session) {
	s.say("delete co1 noreply")
	s.say("delete co2 noreply")
	before := s.stats("")
	s.say("set co1 0 0 1\n1", "STORED")
	s.say("get co1 co2", "VALUE co1 0 1", "1", "END")
	s.say("incr co1 1", "2")
	s.say("incr co2 1", "NOT_FOUND")
	s.say("decr co1 1", "1")
	s.say("decr co2 1", "NOT_FOUND")
	cas := s.say("gets co1", `^VALUE co1 0 1 (\d+)$`, "1", "END")
	s.say("cas co1 0 0 1 "+cas+"\n2", "STORED")
	s.say("cas co1 0 0 1 "+cas+"\n2", "EXISTS")
	s.say("cas co2 0 0 1 "+cas+"\n2", "NOT_FOUND")
	s.say("touch co1 0", "TOUCHED")
	s.say("touch co2 0", "NOT_FOUND")
	s.say("mg co1", "HD")
	s.say("delete co1", "DELETED")
	s.say("delete co1", "NOT_FOUND")
	after := s.stats("")
	for name, want := range map[string]int{
		"cmd_set": 4, "cmd_get": 4, "get_hits": 3, "get_misses": 1, "cmd_touch": 2, "touch_hits": 1, "touch_misses": 1,
		"incr_hits": 1, "incr_misses": 1, "decr_hits": 1, "decr_misses": 1, "cas_hits": 1, "cas_badval": 1, "cas_misses": 1,
		"delete_hits": 1, "delete_misses": 1, "total_connections": 0, "auth_cmds": 0,
	} {
		from, err1 := strconv.Atoi(before[name])
		to, err2 := strconv.Atoi(after[name])
		if err1 != nil || err2 != nil || to-from != want {
			s.fail("stats: want %s to grow by %d, got %q before and %q after", name, want, before[name], after[name])
		}
	}
}

// statistics goes through what "stats" can tell beyond the counters.
func statistics(s *session) {
	s.say("set p:a 0 0 1\nx", "STORED")
	settings := s.stats("settings")
	if threads := s.stats("")["threads"]; threads != settings["num_threads"] {
		s.fail("stats settings: want num_threads %s as stats has it, got %s", threads, settings["num_threads"])
	}
	s.tells("items", `^items:\d+:number [1-9]\d*$`)
	s.tells("slabs", `^\d+:used_chunks [1-9]\d*$`, `^active_slabs [1-9]\d*$`, `^total_malloced [1-9]\d*$`)
	s.tells("conns", `^\d+:state conn_listening$`, `^\d+:state conn_parse_cmd$`, `^\d+:addr \S+$`)
	s.say("stats sizes_enable", "STAT sizes_status enabled") // no END, whatever protocol.txt says
	s.say("set p:a 0 0 1\nx", "STORED")
	s.tells("sizes", `^\d+ [1-9]\d*$`)
	s.say("stats sizes_disable", "STAT sizes_status disabled")
	s.say("stats sizes", "STAT sizes_status disabled", "END")
	s.stats("extstore") // empty without one

	s.say("stats detail on", "OK")
	s.say("stats reset", "RESET")
	s.say("set p:a 0 0 1\nx", "STORED")
	s.say("get p:a p:b", "VALUE p:a 0 1", "x", "END")
	s.say("delete p:a", "DELETED")
	s.say("stats detail dump", "PREFIX p get 2 hit 1 set 1 del 1", "END")
	s.say("stats detail off", "OK")
	s.say("stats detail", "CLIENT_ERROR usage: stats detail on|off|dump")
	s.say("stats detail nonsense", "CLIENT_ERROR usage: stats detail on|off|dump")

	s.say("lru mode flat", "OK") // items of the cold queue alone are told, and all go there now
	s.say("set p:a 0 0 1\nx", "STORED")
	s.say("lru mode segmented", "OK")
	command := "stats cachedump " + s.say("me p:a", `^ME p:a .* cls=(\d+) `) + " 0"
	s.send(command)
	found := false
	for line := s.line(command, "ITEM or END"); s.err == nil && line != "END"; line = s.line(command, "ITEM or END") {
		found = found || strings.HasPrefix(line, "ITEM p:a [1 b; ")
		if !cachedItem.MatchString(line) {
			s.fail("%s: want a match of %v, got %s", command, cachedItem, clip(line))
		}
	}
	if !found {
		s.fail("%s: want a line for p:a, got none", command)
	}
	s.say("stats cachedump 500 0", "CLIENT_ERROR Illegal slab id")
	s.say("stats cachedump x 0", "CLIENT_ERROR bad command line format")
	s.say("stats cachedump", "CLIENT_ERROR bad command line")
	s.say("delete p:a", "DELETED")
}

var cachedItem = regexp.MustCompile(`^ITEM \S+ \[\d+ b; \d+ s\]$`)

// tells checks that "stats sub" has a line that matches each pattern.
func (s *session) tells(sub string, patterns ...string) {
	told := s.stats(sub)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(told)) {
		lines = append(lines, name+" "+told[name])
	}
	for _, p := range patterns {
		if !slices.ContainsFunc(lines, regexp.MustCompile(p).MatchString) {
			s.fail("stats %s: want a line that matches %s, got %q", sub, p, lines)
		}
	}
}

func lru(s *session) {
	was := s.stats("settings")
	s.say("lru tune 10 25 0.1 2.0", "OK")
	s.say("lru temp_ttl 60", "OK")
	s.say("lru mode flat", "OK")
	s.say("set lr 0 10 1\nx", "STORED") // goes to the temporary queue
	s.say("get lr", "VALUE lr 0 1", "x", "END")
	s.tells("settings", `^hot_lru_pct 10$`, `^warm_lru_pct 25$`, `^hot_max_factor 0.10$`, `^temporary_ttl 60$`, `^temp_lru yes$`, `^lru_segmented no$`)
	s.say("lru mode segmented", "OK")
	s.say("lru temp_ttl -1", "OK")
	s.say(fmt.Sprintf("lru tune %s %s %s %s", was["hot_lru_pct"], was["warm_lru_pct"], was["hot_max_factor"], was["warm_max_factor"]), "OK")
	s.say("lru tune 50 50 0.1 2.0", "ERROR hot and warm pcts must not exceed 80")
	s.say("lru tune 10 25 0 2.0", "ERROR hot/warm age factors must be greater than 0")
	s.say("lru mode nonsense", "ERROR")
	s.say("lru temp_ttl x", "ERROR")
}

func memoryLimit(s *session) {
	was := s.stat("limit_maxbytes") >> 20
	s.say(fmt.Sprintf("cache_memlimit %d", was+36), "OK")
	s.tells("settings", fmt.Sprintf(`^maxbytes %d$`, (was+36)<<20))
	s.say(fmt.Sprintf("cache_memlimit %d", was), "OK")
	s.say(fmt.Sprintf("cache_memlimit %d noreply", was))
	s.say("cache_memlimit 1", "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m")
	s.say("cache_memlimit 2000000000", "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes")
	s.say("cache_memlimit x", "ERROR")
}

func slabs(s *session) {
	was := s.stats("settings")
	for _, mode := range []string{"0", "2", "1", was["slab_automove"]} {
		s.say("slabs automove "+mode, "OK")
	}
	s.say("slabs automove ratio 0.7", "OK")
	s.tells("settings", `^slab_automove_ratio 0.70$`)
	s.say("slabs automove ratio "+was["slab_automove_ratio"], "OK")
	s.say("slabs automove 3", "ERROR")
	s.say("slabs automove x", "CLIENT_ERROR bad command line format")
	s.say("slabs reassign 1 1", "SAME src and dst class are identical")
	s.say("slabs reassign 900 1", "BADCLASS invalid src or dst class id")
	s.say("slabs reassign x 1", "CLIENT_ERROR bad command line format")
}

func crawler(s *session) {
	was := s.stats("settings")
	s.say("flush_all", "OK")
	s.say("set cr1 0 0 1\nx", "STORED")
	s.say("set cr%2 0 100 1\nx", "STORED")
	class := s.say("me cr1", `^ME cr1 .* cls=(\d+) `)
	for _, arg := range []string{"sleep 0", "tocrawl 100", "sleep 100"} {
		s.say("lru_crawler "+arg, "OK")
		s.idle("crawl "+class, "OK")
		s.idle("crawl all", "OK")
	}
	s.tells("settings", `^lru_crawler_sleep 100$`, `^lru_crawler_tocrawl 100$`)
	for _, what := range []string{"all", "hash", class} {
		s.idle("metadump "+what, "")
		s.dumped("lru_crawler metadump "+what, "cr1", "cr%252")
	}
	s.idle("crawl 900", "BADCLASS invalid class id")
	s.idle("metadump 900", "BADCLASS invalid class id")
	s.say("lru_crawler sleep 1000001", "CLIENT_ERROR sleep must be one second or less")
	s.say("lru_crawler sleep x", "CLIENT_ERROR bad command line format")
	s.say("lru_crawler tocrawl x", "CLIENT_ERROR bad command line format")
	s.say("lru_crawler sleep "+was["lru_crawler_sleep"], "OK")
	s.say("lru_crawler tocrawl "+was["lru_crawler_tocrawl"], "OK")
}

// idle sends a command to the crawler when it does nothing else: it may have
// been started by the server itself, and then answers that it is busy.
func (s *session) idle(command, want string) {
	s.await("the crawler to be idle", func() bool { return s.stats("")["lru_crawler_running"] == "0" })
	if want == "" {
		s.send("lru_crawler " + command)
		return
	}
	s.await("the crawler to take "+command, func() bool {
		s.send("lru_crawler " + command)
		got := s.line("lru_crawler "+command, want)
		if s.err == nil && got != want && !strings.HasPrefix(got, "BUSY ") {
			s.fail("lru_crawler %s: want %s, got %s", command, clip(want), clip(got))
		}
		return got == want
	})
}

// dumped checks a dump of the cache's metadata: every line of it, and that each
// of keys (URL-encoded) has one.
func (s *session) dumped(command string, keys ...string) {
	seen := map[string]bool{}
	for s.err == nil {
		got := s.line(command, "key=... or END")
		if got == "END" {
			break
		}
		m := dumpLine.FindStringSubmatch(got)
		if m == nil {
			s.fail("%s: want a match of %v, got %s", command, dumpLine, clip(got))
			break
		}
		seen[m[1]] = true
	}
	for _, k := range keys {
		if !seen[k] {
			s.fail("%s: want a line for key %s, got none", command, k)
		}
	}
}

var dumpLine = regexp.MustCompile(`^key=(\S+) exp=-?\d+ la=\d+ cas=\d+ fetch=(?:yes|no) cls=\d+ size=\d+$`)

// crawlerRestart stops and starts the crawler's thread: the one place where
// memcached makes a thread after it has begun to serve.
func crawlerRestart(s *session) {
	for range 3 {
		s.await("the crawler to be idle", func() bool { return s.stats("")["lru_crawler_running"] == "0" })
		s.say("lru_crawler disable", "OK")
		s.await("the crawler to stop", func() bool { return s.stats("settings")["lru_crawler"] == "no" })
		s.say("lru_crawler disable", "OK")
		s.say("lru_crawler crawl all", "CLIENT_ERROR lru crawler disabled")
		s.say("lru_crawler metadump all", "CLIENT_ERROR lru crawler disabled")
		s.say("lru_crawler enable", "OK")
		s.say("lru_crawler enable", "ERROR failed to start lru crawler thread")
		s.tells("settings", `^lru_crawler yes$`)
		s.say("set cw 0 0 1\nx", "STORED")
		s.idle("metadump all", "")
		s.dumped("lru_crawler metadump all", "cw")
	}
}

// watchers follows the server's log from another connection.
func watchers(ctx context.Context, t Target) error {
	w := t.dial(ctx)
	defer w.close()
	w.say("watch fetchers mutations evictions connevents", "OK")
	err := alone(func(s *session) {
		s.say("delete wa noreply")
		s.say("get wa", "END")
		s.say("set wa 0 0 1\nx", "STORED")
		s.say("get wa", "VALUE wa 0 1", "x", "END")
	})(ctx, t)
	if err != nil {
		return err
	}
	want := []string{
		`type=item_get key=wa status=not_found `,
		`type=item_store key=wa status=stored `,
		`type=item_get key=wa status=found `,
		`type=conn_new `,
		`type=conn_close .*reason=normal`,
	}
	for len(want) > 0 && w.err == nil {
		got := w.line("watch", strings.Join(want, " and "))
		if w.err == nil && !regexp.MustCompile(`^ts=\d+\.\d+ gid=\d+ type=\w+ `).MatchString(got) {
			w.fail("watch: want lines of ts, gid and type, got %s", clip(got))
		}
		want = slices.DeleteFunc(want, func(p string) bool { return regexp.MustCompile(p).MatchString(got) })
	}
	if w.err != nil {
		return w.err
	}
	// Watchers that go without a word are noticed when there is something to tell.
	for _, kind := range []string{"rawcmds sysevents", "connevents"} {
		gone := t.dial(ctx)
		gone.say("watch "+kind, "OK")
		gone.reset()
		if gone.err != nil {
			return gone.err
		}
	}
	w.close()
	return alone(func(s *session) {
		s.await("the server to let go of its watchers", func() bool { return s.stat("log_watchers") == 0 })
	})(ctx, t)
}
