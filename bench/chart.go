package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Chart is panels of rows with a dot for each of two values, on one scale.
type Chart struct {
	Title, Note string
	Legend      [2]string
	Panels      []Panel
	Ticks       []float64 // from the left edge to the right
	Log         bool
	Format      string
}

// Panel is a group of rows.
type Panel struct {
	Title string
	Rows  []Row
}

// Row is one generator's; a value of 0 is not there.
type Row struct {
	Label  string
	Own    bool
	Values [2]float64
}

func (r *Report) executedChart() Chart {
	c := Chart{
		Title:  "Instructions executed for an allowed call",
		Note:   "logarithmic scale; fewer is better",
		Legend: [2]string{"all calls", "argument-checked"},
		Ticks:  []float64{5, 10, 20, 50, 100, 200, 400},
		Log:    true, Format: "%.1f",
	}
	for i, p := range r.Policies {
		panel := Panel{Title: p.Name}
		for k, peer := range r.Peers {
			panel.Rows = append(panel.Rows, Row{peer.Name, peer.Own, [2]float64{r.Cells[i][k].Mean, r.Cells[i][k].Checked}})
		}
		c.Panels = append(c.Panels, panel)
	}
	return c
}

func (r *Report) costChart() Chart {
	c := Chart{
		Title:  "Time of a call, as a multiple of the time without a filter",
		Note:   "fewer is better",
		Legend: [2]string{"1 filter", "5 stacked"},
		Format: "%.2f",
	}
	most := 1.5
	for i, w := range r.Workloads {
		panel := Panel{Title: fmt.Sprintf("%s, %s", w.Name, w.Policy.Name)}
		for k, peer := range r.Peers {
			row := Row{Label: peer.Name, Own: peer.Own}
			for v, copies := range []int{1, 5} {
				row.Values[v] = r.Ratios[i][k][copies]
				most = max(most, row.Values[v])
			}
			panel.Rows = append(panel.Rows, row)
		}
		c.Panels = append(c.Panels, panel)
	}
	step := 0.5
	for (most-1)/step > 6 {
		step *= 2
	}
	for v := 1.0; v < most+step; v += step {
		c.Ticks = append(c.Ticks, v)
	}
	return c
}

// Sizes in pixels.
const (
	chartWidth = 960
	margin     = 24
	panelWidth = (chartWidth - 3*margin) / 2
	headHeight = 84
	rowHeight  = 22
	labelWidth = 124
	valueWidth = 48
	plotWidth  = panelWidth - labelWidth - 2*valueWidth - 12
)

// The colours follow the reader's preference.
const style = `
text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
.title { font-size: 18px; font-weight: 600; }
.panel { font-size: 13px; font-weight: 600; }
.soft { fill: #656d76; font-size: 11px; }
.value { text-anchor: end; font-variant-numeric: tabular-nums; }
.own text { font-weight: 600; fill: #0969da; }
.paper { fill: #ffffff; }
.grid { stroke: #d8dee4; }
.range, .dot, .ring { stroke: #7d8590; stroke-width: 2; }
.range { opacity: .45; }
.dot { fill: #7d8590; }
.ring { fill: #ffffff; }
.own .range, .own .dot, .own .ring { stroke: #0969da; }
.own .dot { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .soft { fill: #9198a1; }
  .own text { fill: #58a6ff; }
  .paper, .ring { fill: #0d1117; }
  .grid { stroke: #30363d; }
  .own .range, .own .dot, .own .ring { stroke: #58a6ff; }
  .own .dot { fill: #58a6ff; }
}
`

// marks are of a row's two values.
var marks = [2]string{"dot", "ring"}

// svg draws the chart; the panels stand in two columns.
func (c Chart) svg() string {
	height := headHeight
	for i := 0; i < len(c.Panels); i += 2 {
		height += c.Panels[i].height()
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">`+"\n", chartWidth, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", html.EscapeString(c.Title), style)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d" rx="6"/>`+"\n", chartWidth, height)
	text(&b, margin, 34, "title", c.Title)
	c.legend(&b)
	y := headHeight
	for i, p := range c.Panels {
		c.panel(&b, margin+i%2*(panelWidth+margin), y, p)
		if i%2 == 1 {
			y += p.height()
		}
	}
	return b.String() + "</svg>\n"
}

func (c Chart) legend(b *strings.Builder) {
	x := margin + 5
	for i, mark := range marks {
		fmt.Fprintf(b, `<circle class="%s" cx="%d" cy="54" r="4.5"/>`+"\n", mark, x)
		text(b, x+11, 58, "", c.Legend[i])
		x += 36 + 7*len(c.Legend[i])
	}
	text(b, x, 58, "soft", c.Note)
}

func (p Panel) height() int { return 26 + rowHeight*len(p.Rows) + 34 }

func (c Chart) panel(b *strings.Builder, x, y int, p Panel) {
	text(b, x, y+12, "panel", p.Title)
	for i, mark := range marks {
		if slices.ContainsFunc(p.Rows, func(r Row) bool { return r.Values[i] > 0 }) {
			fmt.Fprintf(b, `<circle class="%s" cx="%d" cy="%d" r="3.5"/>`+"\n", mark, x+panelWidth-valueWidth*(1-i)-12, y+8)
		}
	}
	top, bottom := y+24, y+24+rowHeight*len(p.Rows)
	for _, t := range c.Ticks {
		at := float64(x+labelWidth) + c.at(t)
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%[1]f" y1="%d" y2="%d"/>`+"\n", at, top, bottom)
		fmt.Fprintf(b, `<text class="soft" x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", at, bottom+14, t)
	}
	for i, r := range p.Rows {
		c.row(b, x, top+rowHeight*i+rowHeight/2, r)
	}
}

func (c Chart) row(b *strings.Builder, x, y int, r Row) {
	class := ""
	if r.Own {
		class = "own"
	}
	fmt.Fprintf(b, `<g class="%s">`+"\n", class)
	text(b, x, y+4, "", r.Label)
	plot := float64(x + labelWidth)
	if r.Values[0] > 0 && r.Values[1] > 0 {
		fmt.Fprintf(b, `<line class="range" x1="%.1f" x2="%.1f" y1="%d" y2="%[3]d"/>`+"\n", plot+c.at(r.Values[0]), plot+c.at(r.Values[1]), y)
	}
	for i := 1; i >= 0; i-- { // the dot over the ring
		if v := r.Values[i]; v > 0 {
			fmt.Fprintf(b, `<circle class="%s" cx="%.1f" cy="%d" r="4.5"/>`+"\n", marks[i], plot+c.at(v), y)
			text(b, x+panelWidth-valueWidth*(1-i), y+4, "value", fmt.Sprintf(c.Format, v))
		}
	}
	b.WriteString("</g>\n")
}

// at is where a value stands on the scale.
func (c Chart) at(v float64) float64 {
	from, to := c.Ticks[0], c.Ticks[len(c.Ticks)-1]
	if c.Log {
		from, to, v = math.Log(from), math.Log(to), math.Log(v)
	}
	return plotWidth * (v - from) / (to - from)
}

func text(b *strings.Builder, x, y int, class, s string) {
	fmt.Fprintf(b, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y, html.EscapeString(s))
}
