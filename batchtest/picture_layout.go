package batchtest

import (
	"cmp"
	"fmt"
	"slices"
)

// All lengths are in pixels, and y is the base line of a text.
const (
	margin      = 16
	columnWidth = 48
	rowHeight   = 24
	lineHeight  = 14
	leastWidth  = 400

	// Ten letters of the fonts take about so much.
	monoWidth = 73
	textWidth = 66
	boldWidth = 75

	mostLetters = 26  // of the name of a record
	mostTooltip = 200 // letters
)

// picture is what the template writes.
type picture struct {
	Width, Height int
	FrameWidth    int
	FrameHeight   int
	Summary       string
	HeaderY       int
	Columns       []pictureColumn
	Rows          []pictureRow
	Notes         []placed
	LegendY       int // of the line above it, 0 if there is none
	LegendRight   int
	Legend        []legendEntry
}

type pictureColumn struct {
	X        int
	Number   string
	Y        int // of what is below the rows
	Outcome  string
	Weight   string
	Duration string
	Tooltip  string
}

type pictureRow struct {
	Y        int // the middle
	Name     string
	Tooltip  string
	From, To int // the line between the first and the last cell, if they are not the same
	Cells    []pictureCell
	EndX     int
	End      endLook
}

type pictureCell struct {
	X       int
	Look    look
	Tooltip string
}

type placed struct {
	X, Y int
	Text string
}

type legendEntry struct {
	X, Y int
	Look look
}

// draw lays the picture out from top to bottom.
func (h history) draw() picture {
	columns := columnsOf(len(h.invocations), pictureColumns, pictureLast)
	cells, troubled := h.verdicts(columns)
	ids := h.rows(troubled)
	names := h.names(ids)
	left := margin + widthOf(monoWidth, append(names, "invocation")...) + 8
	right := left + columnWidth*len(columns) + 10

	p := picture{
		Summary: fmt.Sprintf("records: %s, invocations: %s", withCommas(len(h.ids)), withCommas(len(h.invocations))),
		Width:   max(right+h.endWidth(ids)+margin, leastWidth),
		HeaderY: margin + 8,
	}
	y := margin
	if len(columns) > 0 {
		y += lineHeight
	}
	for i, id := range ids {
		row := h.row(id, names[i], columns, cells[id], left)
		row.Y, row.EndX = y+rowHeight/2, right
		p.Rows = append(p.Rows, row)
		y += rowHeight
	}
	if more := len(h.ids) - len(ids); more > 0 {
		y = p.note(y, "and "+withCommas(more)+" more")
	}
	if len(columns) == 0 {
		y = p.note(y, "no invocations")
	} else {
		p.Columns = h.columns(columns, left, y+lineHeight)
		y += lineHeight
		if slices.ContainsFunc(p.Columns, func(c pictureColumn) bool { return c.Duration != "" }) {
			y += lineHeight
		}
	}
	if h.err != nil {
		y = p.note(y, visible(firstLine("ended: "+h.err.Error())))
	}
	p.Height = p.explain(y, ids, cells) + margin
	p.FrameWidth, p.FrameHeight = p.Width-1, p.Height-1
	return p
}

// note adds a line below y and returns where it ends.
func (p *picture) note(y int, text string) int {
	y += lineHeight
	p.Notes = append(p.Notes, placed{margin, y, clipped(text, (p.Width-2*margin)*10/textWidth)})
	return y
}

func (h history) names(ids []string) []string {
	shown := make([]string, len(ids))
	for i, name := range shortened(ids) {
		shown[i] = clipped(visible(name), mostLetters)
	}
	return shown
}

func (h history) endWidth(ids []string) int {
	widest := 0
	for _, id := range ids {
		widest = max(widest, widthOf(boldWidth, endLookOf(h.fates[id]).Name))
	}
	return widest
}

func widthOf(ten int, texts ...string) int {
	widest := 0
	for _, text := range texts {
		widest = max(widest, letters(text)*ten/10+1)
	}
	return widest
}

func (h history) row(id, name string, columns []int, cells []verdict, left int) pictureRow {
	full := clipped(visible(id), mostTooltip)
	row := pictureRow{Name: name, Tooltip: full, End: endLookOf(h.fates[id])}
	for i, v := range cells {
		if v == 0 {
			continue
		}
		x := middle(left, i)
		row.From, row.To = cmp.Or(row.From, x), x
		row.Cells = append(row.Cells, pictureCell{x, v.look(), fmt.Sprintf("%s in invocation %d: %s", full, columns[i]+1, v.look().Name)})
	}
	return row
}

func middle(left, column int) int { return left + columnWidth*column + columnWidth/2 }

// columns are the numbers above the cells, and how the invocations ended below them.
func (h history) columns(columns []int, left, y int) []pictureColumn {
	drawn := make([]pictureColumn, len(columns))
	for i, column := range columns {
		drawn[i] = pictureColumn{X: middle(left, i), Y: y, Number: columnName(column), Weight: "normal"}
		if column < 0 {
			continue
		}
		invocation := h.invocations[column]
		drawn[i].Outcome = invocation.Outcome.String()
		drawn[i].Duration = lasted(invocation.Duration)
		drawn[i].Tooltip = fmt.Sprintf("invocation %d: %s after %v", column+1, invocation.Outcome, invocation.Duration)
		if invocation.Outcome == Failure {
			drawn[i].Weight = "bold"
		}
		if invocation.Err != nil {
			drawn[i].Tooltip += ": " + clipped(visible(firstLine(invocation.Err.Error())), mostTooltip)
		}
	}
	return drawn
}

// explain adds the legend of what is in the picture, in as many lines as it takes, and
// returns where it ends.
func (p *picture) explain(y int, ids []string, cells map[string][]verdict) int {
	occur := make(map[verdict]bool)
	for _, id := range ids {
		for _, v := range cells[id] {
			occur[v] = true
		}
	}
	const swatch, space = 32, 18
	x := p.Width // so that the first one begins a line
	for _, v := range []verdict{finished, again, failed, blocked, notReached, running, reported} {
		if !occur[v] {
			continue
		}
		if p.LegendY == 0 {
			y += lineHeight
			p.LegendY, p.LegendRight = y, p.Width-margin
		}
		width := swatch + widthOf(textWidth, v.look().Name)
		if x+width > p.Width-margin {
			x = margin
			y += rowHeight
		}
		p.Legend = append(p.Legend, legendEntry{x, y - 4, v.look()})
		x += width + space
	}
	return y
}
