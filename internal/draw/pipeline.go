package draw

import (
	"hash/fnv"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// The values of Fate.Do.
const (
	fails   = "fails"
	panics  = "panics"
	poses   = "poses"   // fails with an error that looks like ErrBlocked
	rejects = "rejects" // filters out
	settles = "settles"
	differs = "differs" // fails with another error
	picks   = "picks"   // the foreign stage acts on this record
	toNil   = "nil"     // Fail(nil)
)

// Fate is what happens to one record in one stage.
type Fate struct {
	Do   string
	Half uint32 // 1 or 2: only to about half of the record's Results; 0: to all
}

// Stage is one drawn stage.
type Stage struct {
	Kind  string
	Fates []Fate // by record
	N     int    // values of a FlatMap, size of a chunk, or Results before a stop
	Items bool   // a chunk returns ItemErrors
}

func (s Stage) fate(index int, token string) string {
	if index < 0 || index >= len(s.Fates) {
		return ""
	}
	f := s.Fates[index]
	if f.Half != 0 {
		h := fnv.New32a()
		h.Write([]byte(token))
		if h.Sum32()%2+1 != f.Half {
			return ""
		}
	}
	return f.Do
}

// Own has every kind of stage of the library, and "then", which is written by hand as it should be.
var Own = []string{
	"map", "tryMap", "filter", "tryFilter", "flatMap", "flatMap", "tryFlatMap", "tryEach", "tryEach", "each",
	"tap", "catch", "catch", "orElse", "decode", "chunk", "then",
}

// Foreign has the kinds of stages that are not made of the library's stages. They drop, repeat, keep,
// reorder or change Results, or range over their input in unusual ways.
var Foreign = []string{
	"drop", "repeat", "hold", "reverse", "stop", "twice", "peek", "count", "none", "fail", "ack", "relabel",
	"pull", "retry",
}

// Stray has the kinds of stages that add Results of another batch, or without a record.
var Stray = []string{"zero", "other", "instead"}

var fatesOf = map[string][]string{
	"map":        {panics},
	"tryMap":     {fails, panics, poses},
	"filter":     {rejects, panics},
	"tryFilter":  {rejects, fails, panics},
	"flatMap":    {panics},
	"tryFlatMap": {fails, panics},
	"tryEach":    {fails, panics, poses},
	"each":       {fails, panics},
	"tap":        {panics},
	"catch":      {settles, settles, differs, panics},
	"orElse":     {settles, settles, differs, panics},
	"decode":     {fails, panics},
	"chunk":      {fails, panics},
	"then":       {fails, panics},
	"drop":       {picks},
	"repeat":     {picks},
	"fail":       {picks, toNil},
	"ack":        {picks},
	"zero":       {picks},
	"retry":      {fails},
}

// Case is a drawn batch with a drawn pipeline, and with the end of the records' contexts.
type Case struct {
	Batch
	Stages   []Stage
	Cut      int  // how many stages are part of the stream that Run receives
	Scoped   bool // the records have scopes
	CancelAt int  // the number of the call that cancels the context; 0: none

	// In virtual time. No deadline, and no end that follows from it, coincides with the return of
	// a call.
	Deadline time.Duration   // 0: none
	Reserve  time.Duration   // 0: the default
	Takes    []time.Duration // the durations of calls, cyclically
}

// Cases draws cases of up to 7 stages of the given kinds.
func Cases(sources, kinds []string) *rapid.Generator[Case] {
	return rapid.Custom(func(t *rapid.T) Case {
		c := Case{Batch: Batches(sources...).Draw(t, "batch")}
		for range rapid.IntRange(0, 7).Draw(t, "stages") {
			c.Stages = append(c.Stages, c.stage(t, kinds))
		}
		c.Cut = rapid.IntRange(0, len(c.Stages)).Draw(t, "cut")
		c.Scoped = rapid.Bool().Draw(t, "scoped")
		if rapid.IntRange(0, 2).Draw(t, "cancelled") == 0 {
			c.CancelAt = rapid.IntRange(1, 30).Draw(t, "cancelled at")
		}
		return c
	})
}

func (c Case) stage(t *rapid.T, kinds []string) Stage {
	s := Stage{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
	switch s.Kind {
	case "flatMap", "tryFlatMap":
		s.N = rapid.IntRange(0, 3).Draw(t, "values")
		if len(c.Stages) == 0 && rapid.IntRange(0, 9).Draw(t, "many values") == 9 {
			s.N = 70 // more than the numbers that fit into a word
		}
	case "chunk":
		s.N, s.Items = rapid.IntRange(1, 4).Draw(t, "size"), rapid.Bool().Draw(t, "item errors")
	case "stop":
		s.N = rapid.IntRange(1, 6).Draw(t, "stops after")
	}
	choice := fatesOf[s.Kind]
	if len(choice) == 0 {
		return s
	}
	s.Fates = make([]Fate, len(c.Records))
	if rapid.IntRange(0, 5).Draw(t, "all alike") == 0 {
		all := Fate{Do: rapid.SampledFrom(choice).Draw(t, "does")}
		s.Fates = slices.Repeat([]Fate{all}, len(c.Records))
		return s
	}
	for i := range s.Fates {
		if rapid.IntRange(0, 2).Draw(t, "fated") == 0 {
			s.Fates[i] = Fate{rapid.SampledFrom(choice).Draw(t, "does"), rapid.Uint32Range(0, 2).Draw(t, "half")}
		}
	}
	return s
}

// Bad draws which records of an event do not decode.
func (c Case) Bad(t *rapid.T) Case {
	for i := range c.Records {
		c.Records[i].Bad = rapid.IntRange(0, 3).Draw(t, "bad") == 0
	}
	return c
}

// Timed draws a deadline and the durations of calls. Calls take multiples of a tick, and no context
// ends and no response is due at one.
func (c Case) Timed(t *rapid.T) Case {
	const tick = 12 * time.Millisecond
	ticks := func(n int) time.Duration { return tick * time.Duration(n) }
	deadline := rapid.SampledFrom([]int{0, 1, 4, 20, 100, 600, 2000, 10000}).Draw(t, "deadline")
	c.Deadline = ticks(deadline) + 5*time.Millisecond
	if c.CancelAt > 0 || rapid.Bool().Draw(t, "reserve given") {
		c.Reserve = ticks(4*rapid.SampledFrom([]int{1, 10, 100}).Draw(t, "reserve")) + 2*time.Millisecond
	}
	duration := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 1+deadline/4), rapid.IntRange(0, 2*deadline+1))
	for range rapid.IntRange(1, 8).Draw(t, "durations") {
		c.Takes = append(c.Takes, ticks(duration.Draw(t, "takes")))
	}
	return c
}
