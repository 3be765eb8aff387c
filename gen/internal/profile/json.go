package profile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
)

// format names the version of the JSON.
const format = "profile/1"

// document is a profile as JSON. There, values are hexadecimal: many programs would
// round 64-bit numbers.
//
//	{
//	"secgen": "profile/1",
//	"calls": [
//	{"program":"/usr/bin/memcached","thread":"mc-worker","phase":"serve","arch":"amd64","call":"accept4","count":12,"args":{"flags":{"seen":{"0x800":12}}}},
//	…
//	]
//	}
//
// An argument may be there again for calls in which another had a value, as "flags
// with PROT_EXEC" and "protocol with AF_INET".
type document struct {
	Secgen string  `json:"secgen"`
	Calls  []entry `json:"calls"`
}

type entry struct {
	Program string          `json:"program,omitempty"`
	Thread  string          `json:"thread,omitempty"`
	Phase   string          `json:"phase,omitempty"` // start or serve
	Arch    dsl.Arch        `json:"arch"`
	Call    string          `json:"call,omitempty"`   // empty: the tables have no name for the number
	Number  *uint32         `json:"number,omitempty"` // where there is no name
	Count   uint64          `json:"count"`
	Args    map[string]args `json:"args,omitempty"`
}

// args are an argument's values: each, or if they are too many the bits that all
// have and that any has, and how often the argument was noted.
type args struct {
	Seen  map[hex]uint64 `json:"seen,omitempty"`
	All   *hex           `json:"all,omitempty"`
	Any   *hex           `json:"any,omitempty"`
	Times uint64         `json:"times,omitempty"`
}

type hex uint64

func (h hex) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%#x", uint64(h)), nil }

func (h *hex) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 0, 64)
	if err != nil {
		return fmt.Errorf("%q is no number such as 0x1f", text)
	}
	*h = hex(n)
	return nil
}

// MarshalJSON writes a line a call, so that two profiles can be compared.
func (p *Profile) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"secgen\": %q,\n\"calls\": [", format)
	for i, k := range p.Keys() {
		line, err := json.Marshal(p.entry(k))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	b.WriteString("\n]\n}\n")
	return b.Bytes(), nil
}

func (p *Profile) entry(k Key) entry {
	c := p.calls[k]
	e := entry{Program: k.Program, Thread: k.Thread, Phase: k.Phase, Arch: k.Arch, Call: k.Name(), Count: c.Count}
	if e.Call == "" {
		e.Number = &k.Number
	}
	for name, v := range c.Args {
		var a args
		if v.Seen == nil {
			a.All, a.Any, a.Times = (*hex)(&v.All), (*hex)(&v.Any), v.Times
		} else {
			a.Seen = map[hex]uint64{}
			for value, n := range v.Seen {
				a.Seen[hex(value)] = n
			}
		}
		if e.Args == nil {
			e.Args = map[string]args{}
		}
		e.Args[name] = a
	}
	return e
}

// Is reports whether a text claims to be a profile.
func Is(text []byte) bool {
	var d struct {
		Secgen string `json:"secgen"`
	}
	return json.Unmarshal(text, &d) == nil && d.Secgen != ""
}

// mostCalls is how many calls a profile has at most, so that no sum of them is too much
// for 64 bits.
const mostCalls = 1 << 53

// Read reads a profile as MarshalJSON writes it; name is for errors.
func Read(name string, text []byte) (*Profile, error) {
	var d document
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&d); err != nil {
		return nil, fmt.Errorf("%s: no profile of secgen's: %w", name, err)
	}
	if _, err := in.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: something follows the profile", name)
	}
	if d.Secgen != format {
		return nil, fmt.Errorf("%s: this is %q, and this secgen reads %s", name, d.Secgen, format)
	}
	p := &Profile{}
	var sum uint64
	for i, e := range d.Calls {
		if e.Count > mostCalls-sum {
			return nil, fmt.Errorf("%s: call %d: no run makes so many calls: %d", name, i+1, e.Count)
		}
		sum += e.Count
		if err := p.read(e); err != nil {
			return nil, fmt.Errorf("%s: call %d: %w", name, i+1, err)
		}
	}
	return p, nil
}

func (p *Profile) read(e entry) error {
	arch := abi.Lookup(string(e.Arch))
	if arch == nil {
		return fmt.Errorf("unknown architecture %q", e.Arch)
	}
	if !slices.Contains([]string{"", Start, Serve}, e.Phase) {
		return fmt.Errorf("%q is no phase: it is start or serve, or missing", e.Phase)
	}
	k := Key{Program: e.Program, Thread: e.Thread, Phase: e.Phase, Arch: e.Arch}
	switch nr, ok := arch.Number(e.Call); {
	case ok && e.Number == nil:
		k.Number = nr
	case e.Call == "" && e.Number != nil: // which has a name if the tables have grown
		k.Number = *e.Number
	case e.Call == "":
		return errors.New("there is neither a call nor a number")
	case !ok:
		return fmt.Errorf("%s has no call %s", e.Arch, e.Call)
	default:
		return fmt.Errorf("%s and number %d: one of them is enough", e.Call, *e.Number)
	}
	if p.calls[k] != nil {
		return fmt.Errorf("%s is there before", e.Call)
	}
	c := p.call(k)
	c.Count = e.Count
	for _, name := range slices.Sorted(maps.Keys(e.Args)) {
		if err := c.read(name, e.Args[name], widthOf(arch, k.Name(), name)); err != nil {
			return fmt.Errorf("%s's %s: %w", cmp.Or(e.Call, fmt.Sprint(k.Number)), name, err)
		}
	}
	return nil
}

// widthOf is how many bits the values have that are noted of an argument.
func widthOf(arch *abi.Arch, call, name string) int {
	name, _, _ = strings.Cut(name, " with ")
	for _, arg := range arch.Args(call) {
		if arg.Name == name {
			return arg.Bits
		}
	}
	return 64 // it is in memory
}

// read adds the values of an argument, of which the call was counted before.
func (c *Call) read(name string, a args, width int) error {
	var any, noted uint64
	count := func(n uint64) error {
		if n > c.Count-noted {
			return fmt.Errorf("its values were noted more often than the call was made, %s", Times(c.Count, "time"))
		}
		noted += n
		return nil
	}
	switch {
	case len(a.Seen) > 0 && a.All == nil && a.Any == nil && a.Times == 0:
		for value, n := range a.Seen {
			if err := count(n); err != nil {
				return err
			}
			any |= uint64(value)
			c.note(name, uint64(value), n)
		}
	case len(a.Seen) == 0 && a.All != nil && a.Any != nil:
		if err := count(a.Times); err != nil {
			return err
		}
		if any = uint64(*a.Any); uint64(*a.All)&^any != 0 {
			return fmt.Errorf("all values have the bits %#x, and any has %#x, which lacks some of them", uint64(*a.All), any)
		}
		c.merge(name, Values{All: uint64(*a.All), Any: any, Times: a.Times})
	default:
		return errors.New("give the values seen, or all and any")
	}
	if bits.Len64(any) > width {
		return fmt.Errorf("it has %d bits, which is too few for %#x", width, any)
	}
	return nil
}
