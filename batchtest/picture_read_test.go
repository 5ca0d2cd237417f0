package batchtest_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/matryer/is"
)

// shape is an element of a picture.
type shape struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Inside  []shape    `xml:",any"`
}

type drawable interface{ SVG(io.Writer) error }

func drawn(t interface {
	Helper()
	Fatal(...any)
}, run drawable) shape {
	t.Helper()
	var out bytes.Buffer
	if err := run.SVG(&out); err != nil {
		t.Fatal(err)
	}
	var picture shape
	if err := xml.Unmarshal(out.Bytes(), &picture); err != nil {
		t.Fatal(err, out.String())
	}
	return picture
}

func (s shape) attr(name string) string {
	for _, a := range s.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// all are the elements of a name, however deep.
func (s shape) all(name string) []shape {
	var found []shape
	for _, inner := range s.Inside {
		if inner.XMLName.Local == name {
			found = append(found, inner)
		}
		found = append(found, inner.all(name)...)
	}
	return found
}

// cells are the groups with a tooltip.
func (s shape) cells() []shape {
	var cells []shape
	for _, g := range s.all("g") {
		if len(g.Inside) > 0 && g.Inside[0].XMLName.Local == "title" {
			cells = append(cells, g)
		}
	}
	return cells
}

func (s shape) tooltip() string { return s.Inside[0].Text }

// state is what a cell's tooltip says of it.
func (s shape) state() string {
	_, state, _ := strings.Cut(s.tooltip(), ": ")
	return state
}

// rows has a line per row: the name, what the cells say, and what became of the record.
func (s shape) rows() []string {
	var rows []string
	for _, g := range s.Inside {
		texts := g.all("text")
		if !strings.HasPrefix(g.attr("transform"), "translate(0 ") || len(texts) != 2 {
			continue
		}
		row := texts[0].Text + ":"
		for _, cell := range g.cells() {
			row += " " + cell.state() + ","
		}
		rows = append(rows, strings.TrimSuffix(row, ",")+"; "+texts[1].Text)
	}
	return rows
}

// texts are all texts outside of tooltips, in their order.
func (s shape) texts() []string {
	var texts []string
	for _, text := range s.all("text") {
		texts = append(texts, text.Text)
		for _, more := range text.all("tspan") {
			texts = append(texts, more.Text)
		}
	}
	return texts
}

func TestRowsAreReadAsTheyAreDrawn(t *testing.T) {
	q := queueOf(2)
	run := q.Drain(t.Context(), listing(once("m-2")))
	is.New(t).Equal(drawn(t, run).rows(), []string{"m-1: finished; deleted", "m-2: reported, finished; deleted"})
}
