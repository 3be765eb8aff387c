package profile

import (
	"bytes"
	base16 "encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/explain"
)

// ReadAudit reads the records of calls in the audit log, the journal or what dmesg
// prints: those of filters that log (SECCOMP, 1326), which say nothing of arguments,
// and those that auditctl asks for (SYSCALL, 1300), which have four registers. Where a
// call has both, it counts once. Other lines are skipped.
func ReadAudit(name string, text []byte) (*Profile, error) {
	p := &Profile{}
	var records []record
	full := map[string]bool{} // events that have a record with registers
	n := 0
	for line := range bytes.Lines(text) {
		n++
		r, err := parseRecord(string(line))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if r == nil {
			continue
		}
		records = append(records, *r)
		if r.registers != nil {
			full[r.event] = true
		}
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%s: no records of calls: neither type=1326 nor type=SECCOMP or type=SYSCALL with arch= and syscall=", name)
	}
	for _, r := range records {
		switch {
		case r.registers != nil:
			p.addRegisters(r.key, *r.registers)
		case r.event == "" || !full[r.event]:
			p.AddCount(r.key, 1)
		}
	}
	return p, nil
}

// record is one of a call.
type record struct {
	key       Key
	event     string // names what records are of together
	registers *[auditRegisters]uint64
}

// auditRegisters is how many registers a record has: a0 to a3.
const auditRegisters = 4

var (
	// In audit.log, a record begins its line. What the kernel prints, it begins with a
	// time and audit:, before which the journal and syslog have who wrote it. All else
	// may be the words of a user.
	recordType = regexp.MustCompile(`^(?:(?:node=\S+ )?type=(SECCOMP|1326|SYSCALL|1300) |` +
		`(?:<\d+>)?(?:(?:\w{3} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ kernel: )?` +
		`(?:\[[ \w.:]+\] )?audit(?:\[\d+\])?: type=(1326|1300) audit\()`)
	recordEvent = regexp.MustCompile(`\baudit\(([0-9.:]+)\)`)
)

// parseRecord reads a line; nil if it is no record of a call.
func parseRecord(line string) (*record, error) {
	line, _, _ = strings.Cut(line, "\x1d") // auditd's own words for the fields follow
	kind := recordType.FindStringSubmatch(line)
	words := strings.Fields(line)
	if kind == nil || !explain.IsRecord(words) {
		return nil, nil
	}
	c, err := explain.ParseRecord(words)
	if err != nil {
		return nil, err
	}
	r := &record{key: Key{Arch: dsl.Arch(c.Arch.Name), Number: c.Nr}}
	r.key.Program = untrusted(field(words, "exe"))
	r.key.Thread = untrusted(field(words, "comm"))
	if m := recordEvent.FindStringSubmatch(line); m != nil {
		r.event = m[1]
	}
	if t := kind[1] + kind[2]; t != "SYSCALL" && t != "1300" {
		return r, nil
	}
	r.registers = &[auditRegisters]uint64{}
	for i := range r.registers {
		text := field(words, "a"+strconv.Itoa(i))
		if r.registers[i], err = strconv.ParseUint(text, 16, 64); err != nil {
			return nil, fmt.Errorf("a%d=%s in the audit record is no number in hexadecimal: paste it as the kernel wrote it, without ausearch's -i", i, text)
		}
	}
	return r, nil
}

func field(words []string, name string) string {
	for _, w := range words {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return v
		}
	}
	return ""
}

// untrusted reads a string that a program chose: in quotes, or in hexadecimal if it
// has spaces or the like (kernel/audit.c, audit_log_untrustedstring).
func untrusted(text string) string {
	if s, ok := strings.CutPrefix(text, `"`); ok {
		return strings.TrimSuffix(s, `"`)
	}
	if s, err := base16.DecodeString(text); err == nil {
		return string(s)
	}
	return "" // (null) or ?
}

// addRegisters counts a call of which the first registers are known.
func (p *Profile) addRegisters(k Key, registers [auditRegisters]uint64) {
	all := [6]uint64{}
	copy(all[:], registers[:])
	values := map[string]uint64{}
	for _, arg := range p.call(k).looked {
		if max(arg.Slot, arg.HiSlot) < auditRegisters {
			values[arg.Name] = arg.In(all)
		}
	}
	p.AddKnown(k, values)
}
