package batch_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

type (
	// A copyScene is a drawn pipeline of stages that copy results, keep them or try again. They are placed before lanes,
	// in them, in lanes within those, and after.
	copyScene struct {
		policy batch.Policy
		groups []string
		places [5][]string  // kinds of stages: before lanes, in them, in inner lanes, in them again, after
		lanes  [2]int       // outer and inner; 0: no inner lanes
		takes  []int        // milliseconds of the first call, the second one, …
		fails  map[act]bool // which calls fail
	}
	// An act is the nth call of a function for a record.
	act struct{ at, record, nth int }

	// A copyPlay runs a scene and notes what happens.
	copyPlay struct {
		copyScene
		mu       sync.Mutex
		calls    int
		acts     map[act]int   // by function and record: the number of calls
		expected []int         // how often each function must be called for a record
		inLanes  []bool        // by function: whether it is called in lanes
		failedAt map[int][]int // by record: the functions that failed
		busy     map[act]bool  // by function and record: whether a call is running
		wrong    string
	}
)

var (
	copyKinds = []string{"effect", "effect", "effect", "repeat", "split", "pull", "tap", "tee", "retry"}
	lateKinds = append([]string{"late", "late", "settled copy", "chunk", "drop"}, copyKinds...)
)

func drawCopyScene(t *rapid.T, kinds []string) copyScene {
	c := copyScene{
		policy: rapid.SampledFrom(everyPolicy).Draw(t, "policy"),
		groups: rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b"}), 1, 10).Draw(t, "groups"),
		lanes:  [2]int{rapid.IntRange(1, 4).Draw(t, "lanes"), rapid.IntRange(0, 3).Draw(t, "lanes within")},
		takes:  rapid.SliceOfN(rapid.IntRange(0, 3), 1, 20).Draw(t, "takes"),
		fails:  make(map[act]bool),
	}
	for place, name := range []string{"before", "in lanes", "in lanes within", "after those", "after"} {
		if name == "after" {
			kinds = append(slices.Clone(kinds), "chunk", "lanes")
		}
		c.places[place] = rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 3).Draw(t, name)
	}
	if c.lanes[1] == 0 {
		c.places[2] = nil
	}
	for range rapid.IntRange(0, 3).Draw(t, "failures") {
		f := act{rapid.IntRange(0, 8).Draw(t, "at"), rapid.IntRange(0, len(c.groups)-1).Draw(t, "record"), rapid.IntRange(1, 3).Draw(t, "nth")}
		c.fails[f] = true
	}
	return c
}

func newCopyPlay(drawn copyScene) *copyPlay {
	return &copyPlay{copyScene: drawn, acts: make(map[act]int), failedAt: make(map[int][]int), busy: make(map[act]bool)}
}

// answer runs the pipeline and returns the identifiers of the reported records.
func (c *copyPlay) answer(t *rapid.T) []string {
	source := grouped(context.Background(), c.groups, batch.WithPolicy(c.policy), batch.WithoutAllFailedError())
	copies := 1
	var stages [5]func(texts) texts
	for i, kinds := range c.places {
		stages[i] = c.build(kinds, 0 < i && i < 4, &copies)
	}
	response, err := batch.Run(source, func(s texts) texts {
		return stages[4](batch.Parallel(stages[0](s), c.lanes[0], func(s texts) texts {
			s = stages[1](s)
			if c.lanes[1] > 0 {
				s = batch.Parallel(s, c.lanes[1], stages[2])
			}
			return stages[3](s)
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return listed(response)
}

// build makes one stage of several. copies is how many results each record has there.
func (c *copyPlay) build(kinds []string, inLanes bool, copies *int) func(texts) texts {
	var stages []func(texts) texts
	function := func(inLanes bool) (at int) {
		c.expected, c.inLanes = append(c.expected, *copies), append(c.inLanes, inLanes)
		return len(c.expected) - 1
	}
	for _, kind := range kinds {
		switch kind {
		case "effect":
			at := function(inLanes)
			stages = append(stages, batch.Each(c.call(at)))
		case "lanes":
			f := c.call(function(true))
			stages = append(stages, func(s texts) texts { return batch.Parallel(s, 2, batch.Each(f)) })
		case "chunk":
			at := function(inLanes)
			stages = append(stages, func(s texts) texts { return batch.TryEachChunk(s, 3, c.write(at)) })
		case "tee":
			one, other := function(inLanes), function(inLanes)
			stages = append(stages, c.tee(one, other))
			*copies *= 2
		case "repeat", "split":
			stages = append(stages, copyStages[kind])
			*copies *= 2
		default:
			stages = append(stages, copyStages[kind])
		}
	}
	return func(s texts) texts {
		for _, stage := range stages {
			s = stage(s)
		}
		return s
	}
}

// call makes a function with an effect. It must not be called for a record if an earlier one, which it must not
// overtake, has failed in this or an earlier function, or is still in this one.
func (c *copyPlay) call(at int) func(context.Context, string) error {
	return func(_ context.Context, v string) error {
		record := indexOf(v)
		c.mu.Lock()
		takes := time.Duration(c.takes[c.calls%len(c.takes)]) * time.Millisecond
		c.calls++
		c.acts[act{at: at, record: record}]++
		nth := c.acts[act{at: at, record: record}]
		for before := range record {
			if !c.ordered(before, record, c.inLanes[at]) {
				continue
			}
			if slices.ContainsFunc(c.failedAt[before], func(f int) bool { return f <= at }) {
				c.wrong = fmt.Sprintf("%d is in function %d, but %d has failed in %v", record, at, before, c.failedAt[before])
			}
			if c.busy[act{at: at, record: before}] {
				c.wrong = fmt.Sprintf("%d and %d are in function %d at the same time", before, record, at)
			}
		}
		for after := record + 1; after < len(c.groups); after++ {
			if c.ordered(record, after, c.inLanes[at]) && c.acts[act{at: at, record: after}] > 0 {
				c.wrong = fmt.Sprintf("%d is in function %d after %d", record, at, after)
			}
		}
		c.busy[act{at: at, record: record}] = true
		c.mu.Unlock()
		time.Sleep(takes)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.busy[act{at: at, record: record}] = false
		if !c.fails[act{at, record, nth}] {
			return nil
		}
		c.failedAt[record] = append(c.failedAt[record], at)
		return errBoom
	}
}

// ordered reports whether a record is held back if an earlier one fails.
func (c *copyPlay) ordered(before, record int, inLanes bool) bool {
	together := c.groups[record] != "" && c.groups[record] == c.groups[before]
	return c.policy == batch.StopBatch && !inLanes || c.policy != batch.Continue && together
}

func (c *copyPlay) write(at int) func(context.Context, []string) error {
	return func(_ context.Context, values []string) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, v := range values {
			c.acts[act{at: at, record: indexOf(v)}]++
		}
		return nil
	}
}

// tee calls two functions for each result and sends both outcomes.
func (c *copyPlay) tee(one, other int) func(texts) texts {
	a, b := c.call(one), c.call(other)
	return func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if !yield(batch.Then(r, sameValue(a))) || !yield(batch.Then(r, sameValue(b))) {
					return
				}
			}
		}
	}
}

func splitInTwo(s texts) texts {
	return batch.FlatMap(s, func(v string) []string { return []string{v, v} })
}

// copyStages are the stages that have no function of their own to count.
var copyStages = map[string]func(texts) texts{
	"repeat": repeating,
	"split":  splitInTwo,
	"pull":   pulled,
	"tap":    unchanged,
	"retry": func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				_ = batch.Then(r, sameValue(failingOn(r.Record().ID[1:])))
				if !yield(batch.Then(r, sameValue(succeed))) {
					return
				}
			}
		}
	},
	"late": func(s texts) texts { // sends every second result at once, and all of them at the end
		return func(yield func(batch.Result[string]) bool) {
			var all []batch.Result[string]
			for r := range s {
				if all = append(all, r); r.Record().Index%2 == 0 && !yield(r) {
					return
				}
			}
			slices.Values(all)(yield)
		}
	},
	"settled copy": func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				both := []batch.Result[string]{r, r.Ack()}
				if r.Record().Index%2 == 0 {
					slices.Reverse(both)
				}
				if !yield(both[0]) || !yield(both[1]) {
					return
				}
			}
		}
	},
	"drop": func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if _, ok := r.Value(); (!ok || r.Record().Index%3 > 0) && !yield(r) {
					return
				}
			}
		}
	},
}

// mustReport returns the records that failed and those that they hold back.
func (c *copyPlay) mustReport() (ids []string) {
	ids = []string{}
	for i := range c.groups {
		bad := len(c.failedAt[i]) > 0
		for before := range i {
			bad = bad || len(c.failedAt[before]) > 0 && c.ordered(before, i, false)
		}
		if bad {
			ids = append(ids, fmt.Sprintf("r%d", i))
		}
	}
	return ids
}

func TestCopiesTakeEffectInOrderAndExactlyFailedAndHeldBackRecordsAreReported(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		drawn := drawCopyScene(t, copyKinds)
		rapid.SyncTest(t, func(t *rapid.T) {
			c := newCopyPlay(drawn)
			reported := c.answer(t)
			if c.wrong != "" {
				t.Fatalf("%s; reported %v", c.wrong, reported)
			}
			equal(t, "reported", reported, c.mustReport())
			for record := range c.groups {
				if slices.Contains(reported, fmt.Sprintf("r%d", record)) {
					continue
				}
				for at, n := range c.expected {
					if got := c.acts[act{at: at, record: record}]; got != n {
						t.Fatalf("%d is acknowledged, but function %d was called %d times for it instead of %d", record, at, got, n)
					}
				}
			}
		})
	})
}

func TestFailedAndHeldBackRecordsAreReportedWhateverStagesKeepDropOrSettle(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		drawn := drawCopyScene(t, lateKinds)
		rapid.SyncTest(t, func(t *rapid.T) {
			c := newCopyPlay(drawn)
			reported := c.answer(t)
			for _, id := range c.mustReport() {
				if !slices.Contains(reported, id) {
					t.Fatalf("%s is acknowledged; reported %v, failed %v", id, reported, c.failedAt)
				}
			}
		})
	})
}
