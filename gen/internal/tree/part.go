package tree

import "math/bits"

// part is the runs from i to j without those whose bit, counted from i, is set
// in gone: other tests have dealt with them. Of more than everyCut, none is gone.
type part struct {
	i, j int
	gone uint64
}

// kind is how a test divides a part.
type kind uint8

const (
	cut   kind = iota // run and all behind it from those before
	value             // run, of one value, from the others
	alike             // run and all that lead where it does from the others, by their bits
)

// divide is a part in two, by a test that takes the first apart from the rest.
func (s *search) divide(p part, k kind, r int) (first, rest part) {
	switch k {
	case cut:
		return p.slice(r, p.j), p.slice(p.i, r-1)
	case value:
		rest = part{p.i, p.j, p.gone | 1<<(r-p.i)}
		if p.j-p.i >= everyCut { // only at an end of so many
			rest = p.slice(max(p.i, r+1), p.j)
			if r == p.j {
				rest = p.slice(p.i, r-1)
			}
		}
		return part{r, r, 0}, rest
	}
	var class uint64
	for k := r; k <= p.j; k = s.next[k] {
		class |= 1 << (k - p.i)
	}
	return part{p.i, p.j, p.gone | ^class&(1<<(p.j-p.i+1)-1)}, part{p.i, p.j, p.gone | class}
}

// trim drops runs at both ends that are gone.
func (s *search) trim(p part) part {
	if p.gone == 0 {
		return p
	}
	skip := bits.TrailingZeros64(^p.gone)
	p.i += skip
	p.gone >>= skip
	for p.gone != 0 && p.gone>>(p.j-p.i)&1 != 0 {
		p.gone &^= 1 << (p.j - p.i)
		p.j--
	}
	return p
}

func (p part) has(k int) bool { return p.gone>>(k-p.i)&1 == 0 }

// present has the bits of the runs that are there, counted from i; they are few.
func (p part) present() uint64 { return (1<<(p.j-p.i+1) - 1) &^ p.gone }

// slice is the runs of p from i to j.
func (p part) slice(i, j int) part {
	q := part{i, j, 0}
	if p.gone != 0 {
		q.gone = p.gone >> (i - p.i) & (1<<(j-i+1) - 1)
	}
	return q
}

func (s *search) weight(p part) float64 {
	w := s.sums[p.j+1] - s.sums[p.i]
	for gone := p.gone; gone != 0; gone &= gone - 1 {
		k := p.i + bits.TrailingZeros64(gone)
		w -= s.sums[k+1] - s.sums[k]
	}
	return w
}

// known is the best choice for a part, nil if it has not been looked for.
func (s *search) known(p part) *choice {
	at := int32(0)
	switch {
	case p.j-p.i < exactRuns:
		if s.small[p.i] != nil {
			at = s.small[p.i][p.present()]
		}
	case p.gone == 0 && p.j-p.i < everyCut:
		at = s.whole[p.i*everyCut+p.j-p.i]
	default:
		at = s.large[p]
	}
	if at == 0 {
		return nil
	}
	return &s.made[at]
}

// know makes c the best choice for a part.
func (s *search) know(p part, c choice) {
	at := int32(len(s.made))
	s.made = append(s.made, c)
	switch {
	case p.j-p.i < exactRuns:
		if s.small[p.i] == nil {
			s.small[p.i] = s.ns.table()
		}
		s.small[p.i][p.present()] = at
	case p.gone == 0 && p.j-p.i < everyCut:
		s.whole[p.i*everyCut+p.j-p.i] = at
	default:
		s.large[p] = at
	}
}

// single is the one node that all runs of p lead to, if there is one.
func (s *search) single(p part) *Node {
	if p.gone == 0 && p.j-p.i > 1 {
		return nil
	}
	var to *Node
	for k := p.i; k <= p.j; k++ {
		switch {
		case !p.has(k):
		case to == nil:
			to = s.runs[k].to
		case to != s.runs[k].to:
			return nil
		}
	}
	return to
}
