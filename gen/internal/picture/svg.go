package picture

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// Sizes in pixels.
const (
	character = 7.25 // how wide one is
	boxHeight = 22
	rowHeight = 22
	column    = 48 // between two columns of boxes, for curves, which take as much again as they are wide
	answers   = 22 // at the right of a box, for yes and no
	margin    = 16
	head      = 40 // above the tree, for the title
	widest    = 84 // the edge of all calls together
	thinnest  = 1.2
)

// SVG is the tree as a drawing that needs nothing else: from the left to the right,
// each edge as wide as its calls weigh, and pale for those that the kernel's cache of
// verdicts answers.
func (t *Tree) SVG() string {
	d := drawing{tree: t, at: map[*Node]*box{}, y: head + margin}
	d.columns()
	d.place(t.Root)
	for _, l := range d.leaves {
		l.x = d.right
		d.width = max(d.width, l.x+chip(l.To.Text)+6+textWidth(l.who(shown))+margin)
	}
	return d.write()
}

// drawing is a tree with the places of its parts.
type drawing struct {
	tree   *Tree
	xs     []float64 // where the boxes of each column begin
	gaps   []float64 // behind them
	depths map[*Node]int
	right  float64 // where the ends begin
	at     map[*Node]*box
	leaves []*leaf
	y      float64 // how far rows are taken
	width  float64
	b      strings.Builder
}

// box is a test.
type box struct {
	x, y, w, h float64 // y is the middle
}

// leaf is an edge to an end, which has a row of its own.
type leaf struct {
	*Edge
	x, y float64
}

func textWidth(s string) float64 { return character * float64(len([]rune(s))) }

// chip is how wide an action is drawn.
func chip(action string) float64 { return textWidth(action) + 14 }

func boxWidth(n *Node) float64 { return textWidth(n.Text) + 14 + answers }

// stroke is how wide an edge is drawn.
func (d *drawing) stroke(e *Edge) float64 {
	return max(thinnest, widest*e.Weight/d.tree.Root.Weight)
}

// columns puts each test right of those before it.
func (d *drawing) columns() {
	d.depths = map[*Node]int{}
	var widths []float64
	for _, n := range d.tree.nodes {
		if n.Yes == nil {
			continue
		}
		depth := d.depths[n]
		for _, w := range n.ways() {
			d.depths[w.To] = max(d.depths[w.To], depth+1)
		}
		for len(widths) <= depth {
			widths = append(widths, 0)
			d.gaps = append(d.gaps, 0)
		}
		widths[depth] = max(widths[depth], boxWidth(n))
		for _, w := range n.ways() {
			d.gaps[depth] = max(d.gaps[depth], column+d.stroke(w.Edge))
		}
	}
	x := float64(margin)
	for i, w := range widths {
		d.xs = append(d.xs, x)
		x += w + d.gaps[i]
	}
	d.right = x
}

// place finds the rows of what an edge leads to, and returns the middle.
func (d *drawing) place(e *Edge) float64 {
	n := e.To
	if n.Yes == nil {
		height := max(rowHeight, d.stroke(e)+6)
		d.leaves = append(d.leaves, &leaf{Edge: e, y: d.y + height/2})
		d.y += height
		return d.y - height/2
	}
	b := &box{x: d.xs[d.depths[n]], w: boxWidth(n)}
	d.at[n] = b
	sum, own := 0.0, 0
	for _, w := range n.ways() {
		b.h += d.stroke(w.Edge)
		if d.at[w.To] == nil {
			sum += d.place(w.Edge)
			own++
		}
	}
	if own == 0 {
		d.y += rowHeight
		sum, own = d.y-rowHeight/2, 1
	}
	b.h = max(boxHeight, b.h+4)
	b.y = sum / float64(own)
	d.y = max(d.y, b.y+b.h/2)
	return b.y
}

func (d *drawing) write() string {
	height := d.y + margin + rowHeight
	d.width = max(d.width, textWidth(d.tree.Title)+2*margin)
	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" `+
		`font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="12">`,
		d.width, height, d.width, height)
	d.printf(`<title>%s</title>`, html.EscapeString(d.tree.Title))
	d.printf(`<style>.n,.h,.s{fill:#6e7781}.t{fill:#fff;stroke:#8b949e}.b{fill:#1f2328}.a{fill:#fff;font-weight:bold}.s{font-size:9px}.h{font-size:15px}.e{fill:none}g:hover>.e{stroke-opacity:1}@media(prefers-color-scheme:dark){.n,.h{fill:#9198a1}}</style>`)
	d.text(margin, margin+10, "h", d.tree.Title)
	for _, n := range d.tree.nodes {
		if n.Yes != nil {
			d.edges(n)
		}
	}
	for _, n := range d.tree.nodes {
		if b := d.at[n]; b != nil {
			d.printf(`<rect class="t" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="5"/>`, b.x, b.y-b.h/2, b.w, b.h)
			d.text(b.x+7, b.y+4, "b", n.Text)
			for i, w := range n.ways() {
				d.text(b.x+b.w-answers+2, b.y-2+float64(9*i), "s", w.answer)
			}
		}
	}
	for _, l := range d.leaves {
		w := chip(l.To.Text)
		d.printf(`<g><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="9" fill="%s"/>`,
			about(l.Edge), l.x, l.y-9, w, 18, l.To.colour())
		d.text(l.x+7, l.y+4, "a", l.To.Text)
		d.text(l.x+w+6, l.y+4, "n", l.who(shown))
		d.printf(`</g>`)
	}
	d.legend(d.y + margin)
	d.printf(`</svg>`)
	return d.b.String()
}

// edges draws the two ways behind a test.
func (d *drawing) edges(n *Node) {
	from := d.at[n]
	ways := n.ways()
	first, second := d.stroke(ways[0].Edge), d.stroke(ways[1].Edge)
	apart := max((first+second)/2, 8)
	middle := from.y + (first-second)/4
	bend := from.x + from.w + d.gaps[d.depths[n]]
	d.edge(ways[0], from.x+from.w, middle-apart/2, bend)
	d.edge(ways[1], from.x+from.w, middle+apart/2, bend)
}

// edge draws a way from a place on: to an end it is straight from the bend on.
func (d *drawing) edge(w way, x, y, bend float64) {
	var toX, toY float64
	if i := slices.IndexFunc(d.leaves, func(l *leaf) bool { return l.Edge == w.Edge }); i >= 0 {
		toX, toY = d.leaves[i].x, d.leaves[i].y
	} else {
		toX, toY, bend = d.at[w.To].x, d.at[w.To].y, d.at[w.To].x
	}
	half := (bend - x) / 2
	path := fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fH%.1f", x, y, x+half, y, bend-half, toY, bend, toY, toX)
	stroke := func(opacity string, width float64) {
		d.printf(`<path class="e" d="%s" stroke="%s" stroke-opacity="%s" stroke-width="%.1f"/>`, path, w.colour(), opacity, width)
	}
	d.printf(`<g><title>%s</title>`, about(w.Edge))
	if w.Cached > 0 {
		stroke(pale, d.stroke(w.Edge))
	}
	if w.Cached < w.Weight {
		stroke("1", max(thinnest, d.stroke(w.Edge)*(1-w.Cached/w.Weight)))
	}
	d.printf(`</g>`)
}

// pale is how opaque that is for which no filter runs.
const pale = ".5"

// about is what one sees of an edge that one points at.
func about(e *Edge) string { return html.EscapeString(e.who(pointed)) }

func (d *drawing) text(x, y float64, class, s string) {
	d.printf(`<text class="%s" x="%.1f" y="%.1f">%s</text>`, class, x, y, html.EscapeString(s))
}

func (d *drawing) printf(format string, args ...any) {
	fmt.Fprintf(&d.b, format+"\n", args...)
}

// legend says what the widths and the pale parts mean.
func (d *drawing) legend(y float64) {
	x := float64(margin)
	for _, part := range []struct {
		opacity string
		text    string
	}{{"1", "runs the filter"}, {pale, "answered by the kernel's cache, without running it"}} {
		d.printf(`<path class="e" d="M%.1f %.1fh24" stroke="%s" stroke-opacity="%s" stroke-width="8"/>`, x, y, green, part.opacity)
		d.text(x+30, y+4, "n", part.text)
		x += 30 + textWidth(part.text) + 2*margin
	}
}
