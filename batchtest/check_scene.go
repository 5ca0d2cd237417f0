package batchtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/printable"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// A scene is a drawn batch with the conditions under which it runs through the stage.
type scene[A any] struct {
	records []drawnRecord[A]
	split   bool // each record has two parts
	times   int  // how often the records are repeated: in a long batch more than once
	conditions
}

type drawnRecord[A any] struct {
	value   A
	group   string
	arrives arrival
}

// An arrival is the state in which a record arrives at the stage.
type arrival string

const (
	arrivesReady  arrival = "ready"
	arrivesFailed arrival = "failed"
	arrivesDone   arrival = "done"
	arrivesTried  arrival = "tried" // another stage has called a function for it, or refused to
)

func (r drawnRecord[A]) ready() bool { return r.arrives == arrivesReady || r.arrives == arrivesTried }

// The zero conditions hinder nothing.
type conditions struct {
	policy batch.Policy
	lanes  int // 0: none
	stop   int // the consumer stops after this number of Results; 0: never
	end    int // the context ends before the record with this number, counted from 1, arrives; 0: never
	only   int // only the record with this number, counted from 1, arrives; 0: all do
	absent int // the record with this number, counted from 1, does not arrive; 0: all do
}

// arrives reports whether a record arrives.
func (c conditions) arrives(index int) bool {
	return c.absent != index+1 && (c.only == 0 || c.only == index+1)
}

const mostRecords = 8 // before they are repeated

func drawScene[A any](values *rapid.Generator[A]) *rapid.Generator[scene[A]] {
	record := rapid.Custom(func(t *rapid.T) drawnRecord[A] {
		return drawnRecord[A]{
			arrives: rapid.SampledFrom([]arrival{
				arrivesReady, arrivesReady, arrivesReady, arrivesFailed, arrivesFailed, arrivesTried, arrivesDone,
			}).Draw(t, "arrives"),
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
		s.times = rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 8, 8, 8}).Draw(t, "times")
		return s
	})
}

func (s scene[A]) equals(other scene[A]) bool { return reflect.DeepEqual(s, other) }

// whole returns the scene with its records repeated.
func (s scene[A]) whole() scene[A] {
	s.records = slices.Repeat(s.records, s.times)
	return s
}

// String is the scene as CheckStage prints it.
func (s scene[A]) String() string {
	records := lo.Map(s.records, func(r drawnRecord[A], i int) string {
		return fmt.Sprintf("r%d: %s", i, r.describe(s.policy))
	})
	text := "{" + strings.Join(records, "; ") + "}"
	if s.times > 1 {
		text += fmt.Sprintf(" repeated %d times", s.times)
	}
	if s.split {
		text += ", each record in two parts"
	}
	return text + s.conditions.String()
}

// GoString is the scene as rapid logs it.
func (s scene[A]) GoString() string { return s.String() }

func (r drawnRecord[A]) describe(policy batch.Policy) string {
	text := shown(r.value)
	if r.arrives == arrivesFailed || r.arrives == arrivesDone {
		text = string(r.arrives)
	}
	if r.group != "" && policy != batch.Continue {
		text += " of group " + r.group
	}
	return text
}

func (c conditions) String() string {
	var text string
	switch c.policy {
	case batch.StopGroup:
		text = " under StopGroup"
	case batch.StopBatch:
		text = " under StopBatch"
	}
	if c.lanes > 0 {
		text += " in " + counted(c.lanes, "lane")
	}
	if c.stop > 0 {
		text += " if the consumer stops after " + counted(c.stop, "Result")
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

// shown prints a value in at most 60 letters.
func shown(value any) string {
	const most = 60
	var text string
	switch v := value.(type) {
	case string, []byte, error:
		text = printable.Sprintf("%q", v)
	default:
		text = printable.Sprintf("%+v", v)
	}
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + gap
	}
	return text
}
