package batchtest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lambdabatch/batch/internal/printable"
	"github.com/samber/lo"
)

// All lengths are in pixels. The y of a text is its baseline.
const (
	margin      = 16
	columnWidth = 48
	rowHeight   = 24
	lineHeight  = 14
	leastWidth  = 400

	// The approximate width of ten letters in each font.
	monoWidth = 73
	textWidth = 66
	boldWidth = 75

	mostName    = 26  // letters
	mostTooltip = 200 // letters
)

// picture is the data of the template.
type picture struct {
	Width, Height int
	FrameWidth    int
	FrameHeight   int
	Summary       string
	HeaderY       int
	Columns       []pictureColumn
	Rows          []pictureRow
	Notes         []note
	LegendY       int // of the line above it, 0 without a legend
	LegendRight   int
	Legend        []legendEntry
}

type pictureColumn struct {
	X        int
	Number   string
	Y        int // of the text below the rows
	Outcome  string
	Weight   string
	Duration string
	Tooltip  string
}

type pictureRow struct {
	Y        int // the middle
	Name     string
	Tooltip  string
	From, To int // the line from the first to the last cell; equal without one
	Cells    []pictureCell
	EndX     int
	End      endLook
}

type pictureCell struct {
	X       int
	Look    look
	Tooltip string
}

type note struct {
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
	left := margin + pixels(monoWidth, append(names, "invocation")...) + 8
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
		y = p.addNote(y, "and "+withCommas(more)+" more")
	}
	if len(columns) == 0 {
		y = p.addNote(y, "no invocations")
	} else {
		p.Columns = h.columns(columns, left, y+lineHeight)
		y += lineHeight
		if slices.ContainsFunc(p.Columns, func(c pictureColumn) bool { return c.Duration != "" }) {
			y += lineHeight
		}
	}
	if h.err != nil {
		y = p.addNote(y, visible(firstLine("ended early: "+printable.ErrorText(h.err))))
	}
	p.Height = p.addLegend(y, ids, cells) + margin
	p.FrameWidth, p.FrameHeight = p.Width-1, p.Height-1
	return p
}

// addNote adds a line of text below y and returns where it ends.
func (p *picture) addNote(y int, text string) int {
	y += lineHeight
	p.Notes = append(p.Notes, note{margin, y, clipped(text, (p.Width-2*margin)*10/textWidth)})
	return y
}

func (h history) names(ids []string) []string {
	return lo.Map(shortened(ids), func(name string, _ int) string { return clipped(visible(name), mostName) })
}

func (h history) endWidth(ids []string) int {
	return pixels(boldWidth, lo.Map(ids, func(id string, _ int) string { return endLookOf(h.fates[id]).Name })...)
}

// pixels returns the width of the widest text, 0 without texts. tenLetters is the width of ten letters.
func pixels(tenLetters int, texts ...string) int {
	return lo.Max(lo.Map(texts, func(text string, _ int) int { return widthOf(text)*tenLetters/10 + 1 }))
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
		tooltip := fmt.Sprintf("%s in invocation %d: %s", full, columns[i]+1, v.look().Name)
		row.Cells = append(row.Cells, pictureCell{x, v.look(), tooltip})
	}
	return row
}

func middle(left, column int) int { return left + columnWidth*column + columnWidth/2 }

// columns returns the numbers above the cells and the outcomes below them.
func (h history) columns(columns []int, left, y int) []pictureColumn {
	drawn := make([]pictureColumn, len(columns))
	for i, column := range columns {
		drawn[i] = pictureColumn{X: middle(left, i), Y: y, Number: columnName(column), Weight: "normal"}
		if column < 0 {
			continue
		}
		invocation := h.invocations[column]
		drawn[i].Outcome = invocation.Outcome.String()
		drawn[i].Duration = rounded(invocation.Duration)
		drawn[i].Tooltip = fmt.Sprintf("invocation %d: %s after %v", column+1, invocation.Outcome, invocation.Duration)
		if invocation.Outcome == Failure {
			drawn[i].Weight = "bold"
		}
		if invocation.Err != nil {
			drawn[i].Tooltip += ": " + clipped(visible(firstLine(printable.ErrorText(invocation.Err))), mostTooltip)
		}
	}
	return drawn
}

// addLegend explains the verdicts that occur in the picture, in as many lines as they need. It
// returns where the legend ends.
func (p *picture) addLegend(y int, ids []string, cells map[string][]verdict) int {
	occurring := lo.FlatMap(ids, func(id string, _ int) []verdict { return cells[id] })
	const swatch, space = 32, 18
	x := p.Width // makes the first entry begin a line
	for _, v := range []verdict{finished, again, failed, blocked, notReached, running, reported} {
		if !slices.Contains(occurring, v) {
			continue
		}
		if p.LegendY == 0 {
			y += lineHeight
			p.LegendY, p.LegendRight = y, p.Width-margin
		}
		width := swatch + pixels(textWidth, v.look().Name)
		if x+width > p.Width-margin {
			x = margin
			y += rowHeight
		}
		p.Legend = append(p.Legend, legendEntry{x, y - 4, v.look()})
		x += width + space
	}
	return y
}
