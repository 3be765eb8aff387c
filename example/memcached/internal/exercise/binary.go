package exercise

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"
)

// The binary protocol's opcodes and statuses, from memcached's protocol_binary.h.
const (
	opGet       = 0x00
	opSet       = 0x01
	opAdd       = 0x02
	opReplace   = 0x03
	opDelete    = 0x04
	opIncrement = 0x05
	opDecrement = 0x06
	opQuit      = 0x07
	opFlush     = 0x08
	opGetQ      = 0x09
	opNoop      = 0x0a
	opVersion   = 0x0b
	opGetK      = 0x0c
	opGetKQ     = 0x0d
	opAppend    = 0x0e
	opPrepend   = 0x0f
	opStat      = 0x10
	opSetQ      = 0x11
	opAddQ      = 0x12
	opReplaceQ  = 0x13
	opDeleteQ   = 0x14
	opIncrQ     = 0x15
	opDecrQ     = 0x16
	opQuitQ     = 0x17
	opFlushQ    = 0x18
	opAppendQ   = 0x19
	opPrependQ  = 0x1a
	opTouch     = 0x1c
	opGAT       = 0x1d
	opGATQ      = 0x1e
	opListMechs = 0x20
	opGATK      = 0x23
	opGATKQ     = 0x24

	stOK        = 0x00
	stNotFound  = 0x01
	stExists    = 0x02
	stInvalid   = 0x04
	stNotStored = 0x05
	stBadDelta  = 0x06
	stUnknown   = 0x81
)

// The texts that memcached puts into the value of an error.
var (
	notFound  = []byte("Not found")
	exists    = []byte("Data exists for key.")
	notStored = []byte("Not stored.")
	badDelta  = []byte("Non-numeric server-side value for incr or decr")
	unknown   = []byte("Unknown command")
	invalid   = []byte("Invalid arguments")
)

// A packet is a request or a response; status is a response's only.
type packet struct {
	op     byte
	status uint16
	cas    uint64
	extras []byte
	key    string
	value  []byte
}

func (p packet) String() string {
	return fmt.Sprintf("binary op %#02x status %#02x cas %d extras %x key %q value %s",
		p.op, p.status, p.cas, p.extras, p.key, clip(string(p.value)))
}

// ask sends a request and checks the responses; none is wanted of a quiet
// command that has nothing to tell. A wanted packet without a cas takes any. It
// returns the last response.
func (s *session) ask(req packet, want ...packet) (last packet) {
	s.opaque++
	h := make([]byte, 24)
	h[0], h[1] = 0x80, req.op
	binary.BigEndian.PutUint16(h[2:], uint16(len(req.key)))
	h[4] = byte(len(req.extras))
	binary.BigEndian.PutUint32(h[8:], uint32(len(req.extras)+len(req.key)+len(req.value)))
	binary.BigEndian.PutUint32(h[12:], s.opaque)
	binary.BigEndian.PutUint64(h[16:], req.cas)
	s.write(bytes.Join([][]byte{h, req.extras, []byte(req.key), req.value}, nil))
	for _, w := range want {
		w.op = req.op
		last = s.packet(req)
		if w.cas == 0 {
			w.cas = last.cas
		}
		if w.String() != last.String() || !bytes.Equal(w.value, last.value) {
			s.fail("%v: want %v, got %v", req, w, last)
		}
	}
	return last
}

// packet reads one response to req.
func (s *session) packet(req packet) (p packet) {
	if s.err != nil {
		return
	}
	s.conn.SetReadDeadline(time.Now().Add(patience))
	h := make([]byte, 24)
	if magic, err := s.r.Peek(1); err == nil && magic[0] != 0x81 {
		s.fail("%v: want a response with magic 0x81, got %x", req, magic)
		return
	}
	if _, err := io.ReadFull(s.r, h); err != nil {
		s.fail("%v: want a response, got: %w", req, err)
		return
	}
	key, extras := int(binary.BigEndian.Uint16(h[2:])), int(h[4])
	rest := make([]byte, binary.BigEndian.Uint32(h[8:]))
	opaque := binary.BigEndian.Uint32(h[12:])
	if opaque != s.opaque || extras+key > len(rest) {
		s.fail("%v: want a response with opaque %d, got header %x", req, s.opaque, h)
		return
	}
	if _, err := io.ReadFull(s.r, rest); err != nil {
		s.fail("%v: want %d bytes of body, got: %w", req, len(rest), err)
		return
	}
	p = packet{
		op:     h[1],
		status: binary.BigEndian.Uint16(h[6:]),
		cas:    binary.BigEndian.Uint64(h[16:]),
		extras: rest[:extras],
		key:    string(rest[extras : extras+key]),
		value:  rest[extras+key:],
	}
	s.keep(req.String(), p.String())
	return p
}

// words are numbers as extras carry them.
func words(ws ...uint32) (b []byte) {
	for _, w := range ws {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// count is the extras of increment and decrement.
func count(delta, initial uint64, ttl uint32) []byte {
	b := binary.BigEndian.AppendUint64(nil, delta)
	b = binary.BigEndian.AppendUint64(b, initial)
	return binary.BigEndian.AppendUint32(b, ttl)
}

// number is the value that increment and decrement answer with.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

const never = 0xffffffff // a counter's time to live: do not make it if it is not there

func binaryStorage(s *session) {
	const key = "bin"
	hi := []byte("hi")
	s.forget(key)
	s.ask(packet{op: opGet, key: key}, packet{status: stNotFound, value: notFound})
	s.ask(packet{op: opGetK, key: key}, packet{status: stNotFound, key: key})
	s.ask(packet{op: opReplace, key: key, extras: words(0, 0), value: hi}, packet{status: stNotFound, value: notFound})
	s.ask(packet{op: opAppend, key: key, value: hi}, packet{status: stNotStored, value: notStored})
	s.ask(packet{op: opPrepend, key: key, value: hi}, packet{status: stNotStored, value: notStored})
	s.ask(packet{op: opTouch, key: key, extras: words(9)}, packet{status: stNotFound, value: notFound})
	s.ask(packet{op: opGAT, key: key, extras: words(9)}, packet{status: stNotFound, value: notFound})
	s.ask(packet{op: opAdd, key: key, extras: words(7, 0), value: hi}, packet{})
	s.ask(packet{op: opAdd, key: key, extras: words(7, 0), value: hi}, packet{status: stExists, value: exists})
	got := s.ask(packet{op: opGet, key: key}, packet{extras: words(7), value: hi})
	s.ask(packet{op: opGetK, key: key}, packet{extras: words(7), key: key, value: hi, cas: got.cas})
	s.ask(packet{op: opSet, key: key, extras: words(8, 0), value: hi, cas: got.cas}, packet{})
	s.ask(packet{op: opSet, key: key, extras: words(8, 0), value: hi, cas: got.cas}, packet{status: stExists, value: exists})
	s.ask(packet{op: opReplace, key: key, extras: words(9, 0), value: []byte("ho")}, packet{})
	s.ask(packet{op: opAppend, key: key, value: []byte("!")}, packet{})
	s.ask(packet{op: opPrepend, key: key, value: []byte("!")}, packet{})
	s.ask(packet{op: opTouch, key: key, extras: words(100)}, packet{extras: words(9)})
	s.ask(packet{op: opGAT, key: key, extras: words(100)}, packet{extras: words(9), value: []byte("!ho!")})
	s.ask(packet{op: opGATK, key: key, extras: words(0)}, packet{extras: words(9), key: key, value: []byte("!ho!")})
	s.ask(packet{op: opDelete, key: key, cas: got.cas}, packet{status: stExists, value: exists})
	s.ask(packet{op: opDelete, key: key}, packet{})
	s.ask(packet{op: opDelete, key: key}, packet{status: stNotFound, value: notFound})

	big := bytes.Repeat([]byte("0123456789abcdef"), 40_000) // more than one chunk of a slab
	s.ask(packet{op: opSet, key: key, extras: words(0, 0), value: big}, packet{})
	s.ask(packet{op: opGet, key: key}, packet{extras: words(0), value: big})
	s.ask(packet{op: opDelete, key: key}, packet{})
}

func binaryNumbers(s *session) {
	const key = "binnum"
	s.forget(key)
	s.ask(packet{op: opIncrement, key: key, extras: count(1, 0, never)}, packet{status: stNotFound, value: notFound})
	s.ask(packet{op: opIncrement, key: key, extras: count(1, 41, 0)}, packet{value: number(41)})
	s.ask(packet{op: opIncrement, key: key, extras: count(1, 0, 0)}, packet{value: number(42)})
	s.ask(packet{op: opDecrement, key: key, extras: count(2, 0, 0)}, packet{value: number(40)})
	s.ask(packet{op: opDecrement, key: key, extras: count(99, 0, 0)}, packet{value: number(0)})
	s.ask(packet{op: opSet, key: key, extras: words(0, 0), value: []byte("x")}, packet{})
	s.ask(packet{op: opIncrement, key: key, extras: count(1, 0, 0)}, packet{status: stBadDelta, value: badDelta})
	s.ask(packet{op: opDelete, key: key}, packet{})
}

// binaryQuiet sends commands that answer only if they have something to tell;
// the no-op after each proves the silence.
func binaryQuiet(s *session) {
	const key = "binq"
	hi := []byte("hi")
	quiet := func(req packet, want ...packet) {
		s.ask(req, want...)
		s.ask(packet{op: opNoop}, packet{})
	}
	s.forget(key)
	quiet(packet{op: opGetQ, key: key})
	quiet(packet{op: opGetKQ, key: key})
	quiet(packet{op: opGATQ, key: key, extras: words(9)})
	quiet(packet{op: opGATKQ, key: key, extras: words(9)})
	quiet(packet{op: opDeleteQ, key: key}, packet{status: stNotFound, value: notFound})
	quiet(packet{op: opAddQ, key: key, extras: words(1, 0), value: hi})
	quiet(packet{op: opAddQ, key: key, extras: words(1, 0), value: hi}, packet{status: stExists, value: exists})
	quiet(packet{op: opReplaceQ, key: key, extras: words(2, 0), value: hi})
	quiet(packet{op: opSetQ, key: key, extras: words(3, 0), value: hi})
	quiet(packet{op: opAppendQ, key: key, value: hi})
	quiet(packet{op: opPrependQ, key: key, value: []byte("oh")})
	quiet(packet{op: opGetQ, key: key}, packet{extras: words(3), value: []byte("ohhihi")})
	quiet(packet{op: opGetKQ, key: key}, packet{extras: words(3), key: key, value: []byte("ohhihi")})
	quiet(packet{op: opGATQ, key: key, extras: words(0)}, packet{extras: words(3), value: []byte("ohhihi")})
	quiet(packet{op: opGATKQ, key: key, extras: words(0)}, packet{extras: words(3), key: key, value: []byte("ohhihi")})
	quiet(packet{op: opSetQ, key: key, extras: words(0, 0), value: []byte("5")})
	quiet(packet{op: opIncrQ, key: key, extras: count(5, 0, never)})
	quiet(packet{op: opDecrQ, key: key, extras: count(3, 0, never)})
	quiet(packet{op: opGetQ, key: key}, packet{extras: words(0), value: []byte("7 ")}) // padded to its old length
	quiet(packet{op: opFlushQ})
	quiet(packet{op: opGetQ, key: key})
}

func binaryAdmin(s *session) {
	req := packet{op: opVersion}
	s.ask(req)
	if v := s.packet(req); s.err == nil && (v.status != stOK || !release.Match(v.value)) {
		s.fail("%v: want a value like 1.6.18, got %v", req, v)
	}

	req = packet{op: opStat}
	s.ask(req)
	told := map[string]string{}
	for p := s.packet(req); s.err == nil && p.key != ""; p = s.packet(req) {
		told[p.key] = string(p.value)
	}
	if s.err == nil && !release.MatchString(told["version"]) {
		s.fail("%v: want a version among the statistics, got %q", req, told)
	}
	s.ask(packet{op: opStat, key: "reset"}, packet{})
	s.ask(packet{op: opStat, key: "detail on"}, packet{})
	s.ask(packet{op: opStat, key: "detail off"}, packet{})
	s.ask(packet{op: opStat, key: "nonsense"}, packet{status: stNotFound, value: notFound})

	s.ask(packet{op: opFlush}, packet{})
	s.ask(packet{op: opFlush, extras: words(0)}, packet{})
	s.ask(packet{op: opListMechs}, packet{status: stUnknown, value: unknown})
	s.ask(packet{op: 0x7f}, packet{status: stUnknown, value: unknown})
	s.ask(packet{op: opSet, key: "x"}, packet{status: stInvalid, value: invalid})
	s.ends("a set without extras")
}

var release = regexp.MustCompile(`^\d+\.\d+\.\d+`)

// forget makes sure that key is not there.
func (s *session) forget(key string) {
	s.ask(packet{op: opSet, key: key, extras: words(0, 0)}, packet{})
	s.ask(packet{op: opDelete, key: key}, packet{})
}

func binaryQuit(ctx context.Context, t Target) error {
	loud := plain(func(s *session) {
		s.ask(packet{op: opQuit}, packet{})
		s.ends("binary quit")
	})
	silent := plain(func(s *session) {
		s.ask(packet{op: opQuitQ})
		s.ends("binary quiet quit")
	})
	return errors.Join(loud(ctx, t), silent(ctx, t))
}
