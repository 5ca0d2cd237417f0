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

// Stages that copy, keep or try again: before lanes, in them, in lanes within those, and after.
type (
	// copyScene is a drawn pipeline of them.
	copyScene struct {
		policy batch.Policy
		groups []string
		rooms  [5][]string  // the kinds of the stages in each room: before lanes, in them in three rooms, after
		lanes  [2]int       // 0: no lanes within the others
		takes  []int        // milliseconds of one call after the other
		fails  map[act]bool // which calls fail
	}
	// act is the nth call of a function for a record.
	act struct{ at, record, nth int }

	// copyPlay is what happened.
	copyPlay struct {
		copyScene
		mu       sync.Mutex
		calls    int
		acts     map[act]int   // by function and record
		expected []int         // how often each function is called for a record
		inLanes  []bool        // whether a function is called in lanes
		failedAt map[int][]int // by record, the functions
		busy     map[act]bool  // by function and record
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
	for room, name := range []string{"before", "in lanes", "in lanes within", "after those", "after"} {
		if name == "after" {
			kinds = append(slices.Clone(kinds), "chunk", "lanes")
		}
		c.rooms[room] = rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 3).Draw(t, name)
	}
	if c.lanes[1] == 0 {
		c.rooms[2] = nil
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

// answer runs the pipeline and returns what is reported.
func (c *copyPlay) answer(t *rapid.T) []string {
	source := grouped(context.Background(), c.groups, batch.WithPolicy(c.policy), batch.WithoutAllFailedError())
	copies := 1
	var rooms [5]func(texts) texts
	for i, kinds := range c.rooms {
		rooms[i] = c.room(kinds, 0 < i && i < 4, &copies)
	}
	response, err := batch.Run(source, func(s texts) texts {
		return rooms[4](batch.Parallel(rooms[0](s), c.lanes[0], func(s texts) texts {
			s = rooms[1](s)
			if c.lanes[1] > 0 {
				s = batch.Parallel(s, c.lanes[1], rooms[2])
			}
			return rooms[3](s)
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return listed(response)
}

// room makes the stages of one room. copies is how many Results there are of each record.
func (c *copyPlay) room(kinds []string, inLanes bool, copies *int) func(texts) texts {
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

// call is a function with an effect. It must not be called for a record that comes after one
// of its group, or of the batch, which has failed there or earlier or is not through with it.
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
				c.wrong = fmt.Sprintf("%d and %d are in function %d at once", before, record, at)
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

// ordered reports whether a record may not take effect after an earlier one has failed.
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

// tee gives each Result to two functions and sends what came of both.
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
	"late": func(s texts) texts { // every Result at the end, and every other one at once, too
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

// mustReport is what has failed and what it holds back.
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

func TestCopiesTakeEffectInOrderAndExactlyWhatFailedAndWhatItHoldsBackIsReported(t *testing.T) {
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
						t.Fatalf("%d is acknowledged, but was %d times in function %d, not %d", record, got, at, n)
					}
				}
			}
		})
	})
}

func TestWhateverIsKeptDroppedOrSettledWhatFailedAndWhatItHoldsBackIsReported(t *testing.T) {
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
