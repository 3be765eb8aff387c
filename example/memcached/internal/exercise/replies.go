package exercise

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Replies keeps what a server answered, for comparison with what another answered.
// What is asked again and again until something has happened is left out: how often
// depends on time.
type Replies struct {
	mu       sync.Mutex
	sessions []*transcript
}

// transcript is what one session was answered.
type transcript struct{ lines []string }

// session begins a session's transcript.
func (r *Replies) session() *transcript {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &transcript{}
	r.sessions = append(r.sessions, t)
	return t
}

func (t *transcript) add(sent, got string) {
	sent = clip(sent)
	if housekeeping.MatchString(sent) {
		return
	}
	for _, d := range different {
		if d.sent.MatchString(sent) {
			got = d.got.ReplaceAllString(got, d.instead)
		}
	}
	t.lines = append(t.lines, fmt.Sprintf("%s answered %q", sent, got))
}

// Difference says how another server's replies differ from these; it is empty if
// they do not. The order of sessions, some of which run at once, does not count.
func (r *Replies) Difference(other *Replies) string {
	want, got := r.texts(), other.texts()
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			return diff(at(want, i), at(got, i))
		}
	}
	return ""
}

// texts are the sessions in which there were replies, sorted.
func (r *Replies) texts() (texts []string) {
	for _, t := range r.sessions {
		if len(t.lines) > 0 {
			texts = append(texts, strings.Join(t.lines, "\n"))
		}
	}
	slices.Sort(texts)
	return texts
}

// diff finds the first line that differs.
func diff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if at(w, i) != at(g, i) {
			const most = 400
			got, want := at(g, i), at(w, i)
			return got[:min(len(got), most)] + "; without a filter: " + want[:min(len(want), most)]
		}
	}
	return ""
}

// housekeeping asks what goes on inside, which depends on how far background threads
// have got: what was flushed or has expired is there until one of them finds it, and
// the log tells of connections when they are closed. The steps check these replies by
// themselves.
var housekeeping = regexp.MustCompile(`^"(stats (items|slabs|sizes|extstore|cachedump .*)|lru_crawler metadump .*|watch)"$`)

// different is what two servers answer differently although both are right.
var different = []struct {
	sent, got *regexp.Regexp
	instead   string
}{
	// The process's number, times and loads; and counters, since what is asked again
	// and again counts too.
	{regexp.MustCompile(`^"stats"$|^"binary op 0x10 `), regexp.MustCompile(`\d+`), "N"},
	// Where it listens and keeps its files; its age at the last flush.
	{regexp.MustCompile(`^"stats settings"$`), regexp.MustCompile(`^STAT (tcpport|udpport|domain_socket|ext_path|oldest) .*`), "STAT $1 ..."},
	// Seconds since an item was last asked for.
	{regexp.MustCompile(`^"me `), regexp.MustCompile(` la=\d+`), " la=N"},
	// Descriptors, ports and times.
	{regexp.MustCompile(`^"stats conns"$`), regexp.MustCompile(`\d+`), "N"},
}

func at(list []string, i int) string {
	if i >= len(list) {
		return "nothing"
	}
	return list[i]
}
