package batchtest_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/matryer/is"
	"github.com/samber/lo"
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
	attr, _ := lo.Find(s.Attrs, func(a xml.Attr) bool { return a.Name.Local == name })
	return attr.Value
}

// all returns the elements with a name, at any depth.
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

// cells returns the groups with a tooltip.
func (s shape) cells() []shape {
	return lo.Filter(s.all("g"), func(g shape, _ int) bool {
		return len(g.Inside) > 0 && g.Inside[0].XMLName.Local == "title"
	})
}

func (s shape) tooltip() string { return s.Inside[0].Text }

// state returns the verdict in the tooltip of a cell.
func (s shape) state() string {
	_, state, _ := strings.Cut(s.tooltip(), ": ")
	return state
}

// rows returns a text per row: the name, the states of the cells, and the fate of the record.
func (s shape) rows() []string {
	var rows []string
	for _, g := range s.Inside {
		texts := g.all("text")
		if !strings.HasPrefix(g.attr("transform"), "translate(0 ") || len(texts) != 2 {
			continue
		}
		states := lo.Map(g.cells(), func(cell shape, _ int) string { return " " + cell.state() })
		rows = append(rows, texts[0].Text+":"+strings.Join(states, ",")+"; "+texts[1].Text)
	}
	return rows
}

// texts returns the texts outside of tooltips, in document order.
func (s shape) texts() []string {
	return lo.FlatMap(s.all("text"), func(text shape, _ int) []string {
		return lo.Map(append([]shape{text}, text.all("tspan")...), func(s shape, _ int) string { return s.Text })
	})
}

func TestRowsAreReadAsTheyAreDrawn(t *testing.T) {
	q := queueOf(2)
	run := q.Drain(t.Context(), listing(once("m-2")))
	is.New(t).Equal(drawn(t, run).rows(), []string{"m-1: finished; deleted", "m-2: reported, finished; deleted"})
}
