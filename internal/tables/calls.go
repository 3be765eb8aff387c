package tables

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// param is one parameter of a call on one ABI.
type param struct {
	name, ctype string
	bits        string // "16", "32", "64", "word" or "ptr"
	sign        string // "s", "u" or "-"
	slot, high  string // decimal, "unseen" or "-"
	cut         string // why bits are fewer than ctype has, "" if they are not
}

// call is what the tables know about one system call.
type call struct {
	name   string
	page   string // manual page without its section, "" if there is none
	params []param
	on     map[string][]param // per ABI that has the call
	other  map[string]string  // per ABI with another prototype: its source
	idle   bool               // no kernel implements it
}

// edit is a line of data/slots.tsv or data/widths.tsv.
type edit struct {
	line  string // for messages
	value []string
	used  bool
}

// edits are the lines of data/ that change calls.tsv's prototypes on some ABIs.
// The ABI "*" stands for a plain 64-bit one.
type edits struct {
	variants map[[2]string][]param // by ABI and call
	sources  map[[2]string]string  // of the variants
	slots    map[[3]string]*edit   // by ABI, call and parameter
	widths   map[[3]string]*edit
	lines    []*edit
}

var page = regexp.MustCompile(`(\w+)\(2\)`)

// readCalls joins calls.tsv with what the other files say about single ABIs.
func readCalls(arches []arch, ns numbers) ([]*call, error) {
	rs, err := rows("calls.tsv", "call", "index", "name", "type", "bits", "sign", "source")
	if err != nil {
		return nil, err
	}
	byName := map[string]*call{}
	for _, r := range rs {
		c := byName[r[0]]
		if c == nil {
			c = &call{name: r[0], on: map[string][]param{}, other: map[string]string{}}
			byName[r[0]] = c
		}
		if m := page.FindStringSubmatch(r[6]); m != nil {
			c.page = m[1]
		}
		if r[1] == "-" {
			c.idle = r[6] == "no kernel implements it"
			continue
		}
		p, err := newParam(r[1:6])
		if err != nil || r[1] != strconv.Itoa(len(c.params)) {
			return nil, fmt.Errorf("data/calls.tsv: %s: bad line for parameter %s %s: %v", r[0], r[1], r[2], err)
		}
		c.params = append(c.params, p)
	}
	ed, err := readEdits(arches, byName)
	if err != nil {
		return nil, err
	}
	var out []*call
	for _, name := range ns.calls() {
		c := byName[name]
		if c == nil {
			return nil, fmt.Errorf("data/calls.tsv has no line for %s: add its parameters, or its name to data/notcalls.tsv", name)
		}
		delete(byName, name)
		for _, a := range arches {
			if _, ok := ns[a.name][name]; ok {
				if c.on[a.name], err = ed.apply(a, c); err != nil {
					return nil, err
				}
				if source, ok := ed.sources[[2]string{a.name, name}]; ok {
					c.other[a.name] = source
				}
			}
		}
		// What holds on every ABI holds for the plain one.
		if c.params, err = ed.apply(arch{name: "*", word: "64"}, c); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if len(byName) > 0 {
		return nil, fmt.Errorf("data/calls.tsv has calls that no ABI has: %s", strings.Join(slices.Sorted(maps.Keys(byName)), " "))
	}
	return out, ed.unused()
}

// newParam reads the cells index, name, type, bits and sign.
func newParam(cells []string) (param, error) {
	p := param{name: cells[1], ctype: cells[2], bits: cells[3], sign: cells[4], slot: cells[0], high: "-"}
	if !slices.Contains([]string{"16", "32", "64", "word", "ptr"}, p.bits) {
		return p, fmt.Errorf("bits are %q", p.bits)
	}
	if (p.sign == "-") != (p.bits == "ptr") || !strings.Contains("su-", p.sign) {
		return p, fmt.Errorf("sign is %q", p.sign)
	}
	return p, nil
}

// width is how many bits of the parameter an ABI has room for.
func (p param) width(a arch) string {
	if p.bits == "word" || p.bits == "ptr" {
		return a.word
	}
	return p.bits
}

func readEdits(arches []arch, calls map[string]*call) (*edits, error) {
	ed := &edits{variants: map[[2]string][]param{}, sources: map[[2]string]string{}}
	rs, err := rows("variants.tsv", "abis", "call", "index", "name", "type", "bits", "sign", "source")
	if err != nil {
		return nil, err
	}
	for _, r := range rs {
		abis, err := named(arches, r[0])
		if err != nil {
			return nil, fmt.Errorf("data/variants.tsv: %s: %w", r[1], err)
		}
		if calls[r[1]] == nil {
			return nil, fmt.Errorf("data/variants.tsv: data/calls.tsv has no call %s", r[1])
		}
		for _, abi := range abis {
			key := [2]string{abi, r[1]}
			if r[7] != "-" {
				ed.sources[key] = r[7]
			}
			if r[2] == "-" {
				ed.variants[key] = []param{}
				continue
			}
			p, err := newParam(r[2:7])
			if err != nil {
				return nil, fmt.Errorf("data/variants.tsv: %s %s: %w", r[0], r[1], err)
			}
			ed.variants[key] = append(ed.variants[key], p)
		}
	}
	if ed.slots, err = ed.read(arches, "slots.tsv", "abis", "call", "argument", "slot", "high", "source"); err != nil {
		return nil, err
	}
	ed.widths, err = ed.read(arches, "widths.tsv", "abis", "call", "argument", "bits", "source")
	return ed, err
}

// read reads a file whose lines name ABIs, a call and a parameter.
func (ed *edits) read(arches []arch, file string, columns ...string) (map[[3]string]*edit, error) {
	rs, err := rows(file, columns...)
	if err != nil {
		return nil, err
	}
	out := map[[3]string]*edit{}
	for _, r := range rs {
		e := &edit{line: file + ": " + strings.Join(r[:3], " "), value: r[3:]}
		ed.lines = append(ed.lines, e)
		abis, err := named(arches, r[0])
		if err != nil {
			return nil, fmt.Errorf("data/%s: %w", e.line, err)
		}
		if r[0] == "*" {
			abis = append(abis, "*")
		}
		for _, abi := range abis {
			key := [3]string{abi, r[1], r[2]}
			if out[key] != nil {
				return nil, fmt.Errorf("data/%s: %s has another line", e.line, abi)
			}
			out[key] = e
		}
	}
	return out, nil
}

// apply gives c's parameters as ABI a takes them.
func (ed *edits) apply(a arch, c *call) ([]param, error) {
	from, ok := ed.variants[[2]string{a.name, c.name}]
	if !ok {
		from = c.params
	}
	var out []param
	taken := map[string]string{}
	for _, p := range from {
		key := [3]string{a.name, c.name, p.name}
		if e := ed.widths[key]; e != nil {
			if p.width(a) != e.value[0] {
				p.cut = e.value[1]
			}
			p.bits, e.used = e.value[0], true
		}
		if e := ed.slots[key]; e != nil {
			p.slot, p.high, e.used = e.value[0], e.value[1], true
		}
		if p.slot == "absent" {
			continue
		}
		// A 64-bit argument of a 32-bit ABI takes two slots, and data/slots.tsv
		// must say which.
		if p.bits == "64" && a.word == "32" && p.high == "-" {
			return nil, fmt.Errorf("data/slots.tsv: %s %s: %s is 64 bits wide: say where its halves are", a.name, c.name, p.name)
		}
		for _, s := range []string{p.slot, p.high} {
			if s == "-" || s == "unseen" {
				continue
			}
			if n, err := strconv.Atoi(s); err != nil || n > 5 || taken[s] != "" {
				return nil, fmt.Errorf("%s %s: slot %s of %s is taken by %q, or none", a.name, c.name, s, p.name, taken[s])
			}
			taken[s] = p.name
		}
		out = append(out, p)
	}
	return out, nil
}

// unused reports lines that changed nothing: a name in them is wrong.
func (ed *edits) unused() error {
	var idle []string
	for _, e := range ed.lines {
		if !e.used {
			idle = append(idle, e.line)
		}
	}
	if idle == nil {
		return nil
	}
	return fmt.Errorf("lines of data/ that match no parameter:\n\t%s", strings.Join(idle, "\n\t"))
}

// formatArgs writes, for each call, the prototype of a plain 64-bit ABI and
// then one line for each set of ABIs on which it is another.
func formatArgs(arches []arch, ns numbers, calls []*call) []byte {
	var b bytes.Buffer
	b.WriteString(generated)
	b.WriteString("# call, ABIs on which this line replaces the call's first one, parameters: name|type|bits and sign|slot[,high slot]\n")
	for _, c := range calls {
		plain := shown(c.params)
		b.WriteString(c.name + "\t" + plain + "\n")
		others := map[string][]string{}
		for _, a := range arches {
			if _, ok := ns[a.name][c.name]; !ok {
				continue
			}
			if s := shown(c.on[a.name]); s != plain {
				others[s] = append(others[s], a.name)
			}
		}
		for _, s := range slices.SortedFunc(maps.Keys(others), func(x, y string) int { return strings.Compare(others[x][0], others[y][0]) }) {
			b.WriteString(c.name + "\t" + strings.Join(others[s], ",") + s + "\n")
		}
	}
	return b.Bytes()
}

func shown(ps []param) string {
	var b strings.Builder
	for i, p := range ps {
		fmt.Fprintf(&b, "\t%s|%s|%s%s", p.name, p.ctype, p.bits, strings.Trim(p.sign, "-"))
		if p.slot == strconv.Itoa(i) && p.high == "-" {
			continue
		}
		b.WriteString("|" + strings.Replace(p.slot, "unseen", "-1", 1))
		if p.high != "-" {
			b.WriteString("," + p.high)
		}
	}
	return b.String()
}
