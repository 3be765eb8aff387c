package profile

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func key(program, thread, phase string, nr uint32) Key {
	return Key{Program: program, Thread: thread, Phase: phase, Arch: "amd64", Number: nr}
}

// sample has one of everything.
func sample() *Profile {
	p := &Profile{}
	socket := key("/usr/bin/server", "server", Start, 41)
	p.Add(socket, [6]uint64{0xffffffff00000002, 0x80801, 6, 7, 8, 9}) // the upper half is not the kernel's
	p.Add(socket, [6]uint64{10, 0x80801, 6})
	for i := range uint64(Most + 1) {
		p.Add(key("/usr/bin/server", "worker", Serve, 3), [6]uint64{4 | i<<8}) // close
	}
	p.Add(key("", "", "", 0x12345), [6]uint64{1, 2, 3})
	clone3 := key("/usr/bin/server", "server", Start, 435)
	p.Add(clone3, [6]uint64{0x7000, 88})
	p.AddValue(clone3, "flags", 0x3d0f00)
	p.AddCount(key("/bin/sh", "", "", 0), 7)
	return p
}

func TestProfilesAreCounted(t *testing.T) {
	p := sample()
	socket := p.Call(key("/usr/bin/server", "server", Start, 41))
	want := map[string]Values{
		"domain":   {Seen: map[uint64]uint64{2: 1, 10: 1}, All: 2, Any: 10},
		"type":     {Seen: map[uint64]uint64{0x80801: 2}, All: 0x80801, Any: 0x80801},
		"protocol": {Seen: map[uint64]uint64{6: 2}, All: 6, Any: 6},

		"type with AF_INET":      {Seen: map[uint64]uint64{0x80801: 1}, All: 0x80801, Any: 0x80801},
		"type with AF_INET6":     {Seen: map[uint64]uint64{0x80801: 1}, All: 0x80801, Any: 0x80801},
		"protocol with AF_INET":  {Seen: map[uint64]uint64{6: 1}, All: 6, Any: 6},
		"protocol with AF_INET6": {Seen: map[uint64]uint64{6: 1}, All: 6, Any: 6},
	}
	if socket.Count != 2 || !reflect.DeepEqual(socket.Args, want) {
		t.Errorf("socket: %d, %v", socket.Count, socket.Args)
	}
	closed := p.Call(key("/usr/bin/server", "worker", Serve, 3))
	if v := closed.Args["fd"]; closed.Count != Most+1 || v.Seen != nil || v.All != 4 || v.Any != 0x3f04 || v.Noted() != Most+1 {
		t.Errorf("close: %d, %+v", closed.Count, v)
	}
	if n := p.Counts(); n["close"] != Most+1 || n["socket"] != 2 || n["read"] != 7 || len(n) != 4 {
		t.Errorf("counts: %v", n)
	}
}

func TestProfilesSurviveJSON(t *testing.T) {
	text, err := sample().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text) || !Is(text) {
		t.Fatalf("no JSON, or not known again:\n%s", text)
	}
	back, err := Read("sample.json", text)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := back.MarshalJSON()
	if !bytes.Equal(text, again) {
		t.Errorf("wrote\n%s\nread and wrote\n%s", text, again)
	}
	if !strings.Contains(string(text), `{"program":"/usr/bin/server","thread":"server","phase":"start","arch":"amd64","call":"socket","count":2,`+
		`"args":{"domain":{"seen":{"0x2":1,"0xa":1}},"protocol":{"seen":{"0x6":2}},`+
		`"protocol with AF_INET":{"seen":{"0x6":1}},"protocol with AF_INET6":{"seen":{"0x6":1}},"type":{"seen":{"0x80801":2}},`+
		`"type with AF_INET":{"seen":{"0x80801":1}},"type with AF_INET6":{"seen":{"0x80801":1}}}}`) {
		t.Errorf("no line for socket:\n%s", text)
	}
}

func TestMergingIsCountingTogether(t *testing.T) {
	a, b := sample(), sample()
	a.Merge(b)
	if c := a.Call(key("/usr/bin/server", "server", Start, 41)); c.Count != 4 || c.Args["domain"].Seen[10] != 2 {
		t.Errorf("socket: %+v", c)
	}
	if v := a.Call(key("/usr/bin/server", "worker", Serve, 3)).Args["fd"]; v.Seen != nil || v.Any != 0x3f04 {
		t.Errorf("close: %+v", v)
	}
	if v := a.Call(key("/usr/bin/server", "worker", Serve, 3)).Args["fd"]; v.Noted() != 2*(Most+1) {
		t.Errorf("close's fd was noted %d times", v.Noted())
	}
	// What is too much for one is too much for both.
	few := &Profile{}
	few.Add(key("/usr/bin/server", "worker", Serve, 3), [6]uint64{0x10000})
	few.Merge(sample())
	if v := few.Call(key("/usr/bin/server", "worker", Serve, 3)).Args["fd"]; v.Seen != nil || v.All != 0 || v.Any != 0x13f04 {
		t.Errorf("close: %+v", v)
	}
	if s := a.Sum(); s.Len() != 5 {
		t.Errorf("%d calls are left", s.Len())
	}
}

func TestProfilesThatAreNone(t *testing.T) {
	one := func(entry string) string { return `{"secgen":"profile/1","calls":[` + entry + `]}` }
	for text, want := range map[string]string{
		`[]`:                                "no profile of secgen's",
		`{"secgen":"profile/2","calls":[]}`: `"profile/2"`,
		`{"secgen":"profile/1","rules":[]}`: "unknown field",
		one(`{"arch":"vax","call":"read","count":1}`):                                                                            `unknown architecture "vax"`,
		one(`{"arch":"amd64","call":"mmap2","count":1}`):                                                                         "amd64 has no call mmap2",
		one(`{"arch":"amd64","count":1}`):                                                                                        "neither a call nor a number",
		one(`{"arch":"amd64","call":"read","number":0,"count":1}`):                                                               "one of them is enough",
		one(`{"arch":"amd64","call":"read","count":-1}`):                                                                         "no profile of secgen's",
		one(`{"arch":"amd64","call":"read","phase":"end","count":1}`):                                                            `"end" is no phase`,
		one(`{"arch":"amd64","call":"read","args":{"fd":{}},"count":1}`):                                                         "the values seen, or all and any",
		one(`{"arch":"amd64","call":"read","args":{"fd":{"all":"x"}},"count":1}`):                                                "no number such as 0x1f",
		one(`{"arch":"amd64","call":"read","count":1},{"arch":"amd64","call":"read","count":1}`):                                 "call 2: read is there before",
		one(`{"arch":"amd64","call":"close","args":{"fd":{"all":"0x5","any":"0x4","times":3}},"count":3}`):                       "close's fd: all values have the bits 0x5, and any has 0x4",
		one(`{"arch":"amd64","call":"close","args":{"fd":{"seen":{"0x4":4}}},"count":3}`):                                        "noted more often than the call was made, 3 times",
		one(`{"arch":"amd64","call":"close","args":{"fd":{"seen":{"0x4":1,"0x5":18446744073709551615}}},"count":3}`):             "noted more often",
		one(`{"arch":"amd64","call":"close","args":{"fd":{"all":"0x4","any":"0x4","times":4}},"count":3}`):                       "noted more often",
		one(`{"arch":"amd64","call":"openat","args":{"flags":{"seen":{"0xffffffffff":1}}},"count":1}`):                           "openat's flags: it has 32 bits, which is too few for 0xffffffffff",
		one(`{"arch":"amd64","call":"mmap","args":{"flags with PROT_EXEC":{"all":"0","any":"0x10000000000000000"}}}`):            "no number such as",
		one(`{"arch":"amd64","call":"socket","args":{"type with AF_INET":{"all":"0","any":"0x100000000","times":1}},"count":1}`): "32 bits",
		one(`{"arch":"amd64","call":"read","count":9007199254740993}`):                                                           "call 1: no run makes so many calls",
		one(`{"arch":"amd64","call":"read","count":5},{"arch":"amd64","call":"write","count":18446744073709551615}`):             "call 2: no run makes so many calls",
		`{"secgen":"profile/1","calls":[]} x`:                                                                                    "something follows",
	} {
		if _, err := Read("p.json", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), "p.json: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	text, _ := sample().MarshalJSON()
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Read("p.json", text)
		if err != nil {
			return
		}
		out, err := p.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read("p.json", out); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
	})
}
