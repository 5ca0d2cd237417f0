package batchtest

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"slices"

	"github.com/samber/lo"
)

// The bounds of a picture. Longer runs show the first and the last invocations.
const (
	pictureColumns = 32
	pictureLast    = 8
	pictureRows    = 100
)

// SVG draws the run as an SVG image. It has a row per record, in the order of their first
// deliveries, and a column per invocation. The colour and the mark of a cell say what the
// invocation made of the record, and a legend explains them. The last column says how the record
// ended.
//
// A response only lists records. The reason (the record failed, was blocked, was not reached, or
// its function was still running) is known if the handler is made by package batch or passes its
// context to it. If the reason is unknown, a record that is listed, or whose invocation failed, is
// "reported"; [Run.String] says "listed" or "failed". A record that is not listed but is
// redelivered all the same, such as one after a listed record of a shard, is "finished, yet
// redelivered"; Run.String says "again".
//
// A column is 48 pixels wide, and a row 24 pixels high. At most 32 columns are drawn: of longer runs,
// the first and the last ones. At most 100 rows are drawn, and a line counts the other records.
// Records that finished at their first delivery are left out first. Durations below 10 ms are not
// shown.
func (r *Run) SVG(w io.Writer) error {
	ids, fates := r.fates()
	return history{r.Invocations, ids, fates, r.Err}.writeSVG(w)
}

// SVG draws the run as [Run.SVG] does. A record ends delivered, dropped, or under the error prefix,
// or is still there.
func (r *FirehoseRun) SVG(w io.Writer) error {
	ids, fates := r.fates()
	return history{r.Invocations, ids, fates, r.Err}.writeSVG(w)
}

//go:embed picture.svg.tmpl
var pictureText string

var pictureTemplate = template.Must(template.New("picture").Parse(pictureText))

func (h history) writeSVG(w io.Writer) error {
	var out bytes.Buffer
	if err := pictureTemplate.Execute(&out, h.draw()); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// history is what a picture shows.
type history struct {
	invocations []Invocation
	ids         []string // in the order of rows
	fates       map[string]string
	err         error
}

// verdicts returns the cells of each record in the given columns, 0 where it was not delivered. A
// record is troubled if one of its deliveries did not finish it.
func (h history) verdicts(columns []int) (cells map[string][]verdict, troubled map[string]bool) {
	cells = lo.Associate(h.ids, func(id string) (string, []verdict) { return id, make([]verdict, len(columns)) })
	positions := lo.AssociateI(columns, func(column, i int) (int, int) { return column, i })
	troubled = make(map[string]bool)
	for i := range h.invocations {
		invocation := &h.invocations[i]
		at, shown := positions[i]
		done, listed := setOf(invocation.Done), setOf(slices.Concat(invocation.Listed, invocation.Ignored))
		for _, id := range invocation.Records {
			v := invocation.verdict(id, done[id], listed[id])
			if shown {
				cells[id][at] = v
			}
			troubled[id] = troubled[id] || v != finished
		}
	}
	return cells, troubled
}

// rows chooses the records to show. If there are too many, it prefers the troubled ones.
func (h history) rows(troubled map[string]bool) []string {
	if len(h.ids) <= pictureRows {
		return h.ids
	}
	room := pictureRows - lo.CountBy(h.ids, func(id string) bool { return troubled[id] }) // for the others
	rows := lo.Filter(h.ids, func(id string, _ int) bool {
		if troubled[id] {
			return true
		}
		room--
		return room >= 0
	})
	return rows[:min(len(rows), pictureRows)]
}
