package batchtest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

// A scene is one drawn batch, and what happens while it is on its way.
type scene[A any] struct {
	records []drawnRecord[A]
	split   bool // each record comes in two parts
	course
}

type drawnRecord[A any] struct {
	value A
	group string
	comes coming
}

// A coming is how a record comes to the stage.
type coming string

const (
	comesReady  coming = "ready"
	comesFailed coming = "failed"
	comesDone   coming = "done"
	comesTried  coming = "tried" // a function was called for it before, or refused
)

// A course is how a batch goes through the stage. The zero course is without a hindrance.
type course struct {
	policy batch.Policy
	lanes  int // 0: none
	stop   int // the consumer stops after so many Results, 0: it does not
	end    int // the context ends before this record comes, counted from 1 on, 0: it does not
	only   int // no record but this one comes, counted from 1 on, 0: all do
}

const mostRecords = 8

func drawScene[A any](values *rapid.Generator[A]) *rapid.Generator[scene[A]] {
	record := rapid.Custom(func(t *rapid.T) drawnRecord[A] {
		return drawnRecord[A]{
			comes: rapid.SampledFrom([]coming{comesReady, comesReady, comesReady, comesFailed, comesFailed, comesTried, comesDone}).Draw(t, "comes"),
			group: rapid.SampledFrom([]string{"", "a", "a", "a", "b"}).Draw(t, "group"),
			value: values.Draw(t, "value"),
		}
	})
	return rapid.Custom(func(t *rapid.T) scene[A] {
		s := scene[A]{records: rapid.SliceOfN(record, 0, mostRecords).Draw(t, "records")}
		s.split = rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, "split")
		s.policy = rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup, batch.StopGroup, batch.StopBatch}).Draw(t, "policy")
		s.lanes = rapid.IntRange(1, 3).Draw(t, "lanes")
		s.stop = rapid.IntRange(1, mostRecords).Draw(t, "stop")
		s.end = rapid.IntRange(1, mostRecords).Draw(t, "end")
		return s
	})
}

// String is the batch as a sentence shows it.
func (s scene[A]) String() string {
	records := make([]string, len(s.records))
	for i, r := range s.records {
		records[i] = fmt.Sprintf("r%d: %s", i, r.describe(s.course))
	}
	text := "{" + strings.Join(records, "; ") + "}"
	if s.split {
		text += ", each record in two parts"
	}
	return text + s.course.String()
}

// GoString is what rapid logs.
func (s scene[A]) GoString() string { return s.String() }

func (r drawnRecord[A]) describe(c course) string {
	text := shown(r.value)
	if r.comes == comesFailed || r.comes == comesDone {
		text = string(r.comes)
	}
	if r.group != "" && c.policy != batch.Continue {
		text += " of group " + r.group
	}
	return text
}

func (c course) String() string {
	var text string
	switch c.policy {
	case batch.StopGroup:
		text = " under StopGroup"
	case batch.StopBatch:
		text = " under StopBatch"
	}
	if c.lanes > 0 {
		text += fmt.Sprintf(" in %s", counted(c.lanes, "lane"))
	}
	if c.stop > 0 {
		text += fmt.Sprintf(" if the consumer stops after %s", counted(c.stop, "Result"))
	}
	if c.end > 0 {
		text += fmt.Sprintf(" if the context ends before r%d", c.end-1)
	}
	return text
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// shown is a value as a sentence shows it: short.
func shown(value any) string {
	const most = 60
	var text string
	switch v := value.(type) {
	case string, []byte, error:
		text = fmt.Sprintf("%q", v)
	default:
		text = fmt.Sprintf("%+v", v)
	}
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + gap
	}
	return text
}
