package batchtest

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
)

// The bounds of a picture. Longer runs show the first and the last invocations.
const (
	pictureColumns = 32
	pictureLast    = 8
	pictureRows    = 100
)

// SVG draws the run as an SVG image: a row for each record, in the order of first
// deliveries, a column for each invocation, and a cell where the record was in the
// event. Colour and mark of a cell say what the invocation made of the record; a
// legend explains them. The last column says what became of the record in the end.
//
// An answer only lists records. Why one is listed (it failed, was blocked, was not
// reached, or its function still ran) is known of handlers that this library makes,
// or that pass their context on to it. Where it is not known, a record that the answer
// lists, or whose invocation failed, is "reported". One that is not listed and is
// redelivered all the same, as after a lower one of a shard, is "finished, yet
// redelivered".
//
// A column is 48 pixels wide, a row 24 high. At most 32 columns are drawn, of longer
// runs the first and the last ones, and at most 100 rows; a line counts the other
// records. Those that finished at their first delivery are left out first.
// Durations below 10 ms are not written.
func (r *Run) SVG(w io.Writer) error {
	ids, fates := r.fates()
	return history{r.Invocations, ids, fates, r.Err}.writeSVG(w)
}

// SVG draws the run as [Run.SVG] does. In the end a record is delivered, dropped, or
// under the error prefix.
func (r *FirehoseRun) SVG(w io.Writer) error {
	fates := make(map[string]string)
	var ids []string
	for _, invocation := range r.Invocations {
		for _, id := range invocation.Records {
			if fates[id] == "" {
				ids = append(ids, id)
			}
			fates[id] = "left"
		}
	}
	for _, d := range r.Delivered {
		fates[d.ID] = "delivered"
	}
	for _, id := range r.Dropped {
		fates[id] = "dropped"
	}
	for _, id := range r.Failed {
		fates[id] = "error prefix"
	}
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

// history is what a picture is drawn from.
type history struct {
	invocations []Invocation
	ids         []string // in the order of rows
	fates       map[string]string
	err         error
}

// verdicts are the cells of each record in the given columns, 0 where it was not
// delivered. Records that were not finished by each of their deliveries are troubled.
func (h history) verdicts(columns []int) (cells map[string][]verdict, troubled map[string]bool) {
	cells = make(map[string][]verdict, len(h.ids))
	for _, id := range h.ids {
		cells[id] = make([]verdict, len(columns))
	}
	places := make(map[int]int, len(columns))
	for at, column := range columns {
		places[column] = at
	}
	troubled = make(map[string]bool)
	for i := range h.invocations {
		invocation := &h.invocations[i]
		at, shown := places[i]
		done, listed := setOf(invocation.Done), setOf(invocation.Listed)
		for _, id := range invocation.Ignored {
			listed[id] = true
		}
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

// rows chooses the records that are shown, the troubled ones first if there are too
// many.
func (h history) rows(troubled map[string]bool) []string {
	if len(h.ids) <= pictureRows {
		return h.ids
	}
	calm := pictureRows // how many others there is room for
	for _, id := range h.ids {
		if troubled[id] {
			calm--
		}
	}
	var rows []string
	for _, id := range h.ids {
		if len(rows) == pictureRows {
			break
		}
		if troubled[id] {
			rows = append(rows, id)
		} else if calm > 0 {
			calm--
			rows = append(rows, id)
		}
	}
	return rows
}
