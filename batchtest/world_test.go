package batchtest_test

import (
	"slices"
	"sync"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// world records the effects of the functions of a pipeline. A function that was left running may
// write to it after its Drain has returned. Sleeping in a bubble does not synchronize, so tests
// must lock mu to read it, too.
type world struct {
	pipeline pipeline
	plans    map[string]plan // constant while functions run
	kills    []int           // after which steps a process is killed

	mu           sync.Mutex // guards the fields below
	invocation   int
	running      *process
	steps        int            // of functions, in all processes
	failed       map[string]int // how often, by record
	opened       map[string]int // likewise: scopes
	acted        []effect
	acknowledged map[string]bool // by key: settled or filtered records and parts
}

type effect struct {
	item
	invocation int
}

func newWorld(p pipeline, plans map[string]plan) *world {
	return &world{
		pipeline: p, plans: plans,
		failed: make(map[string]int), opened: make(map[string]int), acknowledged: make(map[string]bool),
	}
}

// giveUp is the error that Catch settles.
type giveUp struct{ item item }

func (giveUp) Error() string { return "give up" }

// effects returns the effects so far, in order.
func (w *world) effects() []effect {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.acted)
}

// failures returns how often a record has failed.
func (w *world) failures(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed[id]
}

func (w *world) parts(it item) []item {
	return lo.Times(w.plans[it.ID].parts, func(i int) item { return item{ID: it.ID, Group: it.Group, Part: i + 1} })
}

func key(it item) string {
	if it.Part == 0 {
		return it.ID
	}
	return it.ID + " part " + string(rune('0'+it.Part))
}

// stage is the whole pipeline.
func (w *world) stage(s batch.Stream[item]) batch.Stream[item] { return w.now().from(0, s) }

// tallyDrawn counts the kinds of the steps, and the pairs of them in their order.
func (w *world) tallyDrawn() {
	tallied("schedules", 1)
	for i := range len(w.pipeline.steps) + 1 {
		tallied(w.kindAt(i), 1)
		for j := range i {
			tallied(w.kindAt(j)+" > "+w.kindAt(i), 1)
		}
	}
}

// kindAt returns the kind of a step, and for the place of the effect "effect" or "chunk".
func (w *world) kindAt(place int) string {
	switch {
	case place < len(w.pipeline.steps):
		return w.pipeline.steps[place].kind
	case w.pipeline.chunk > 0:
		return "chunk"
	}
	return "effect"
}

// hasFlatMap reports whether the effect receives parts of records.
func (w *world) hasFlatMap() bool {
	return slices.ContainsFunc(w.pipeline.steps, func(s step) bool { return s.kind == "flatMap" })
}

// happened reports whether all effects on a record happened before an invocation responded.
func (w *world) happened(id string, invocation int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.acknowledged[id] {
		return true
	}
	parts := []item{{ID: id}}
	if w.hasFlatMap() {
		parts = w.parts(item{ID: id})
	}
	for _, part := range parts {
		acted := slices.ContainsFunc(w.acted, func(e effect) bool {
			return key(e.item) == key(part) && e.invocation <= invocation
		})
		if !acted && !w.acknowledged[key(part)] {
			return false
		}
	}
	return true
}

// overtaken returns two records of a group if the later one took effect first, "" if no group has
// such a pair. Of repeated effects the first one counts.
func (w *world) overtaken(ids []string, group func(id string) string) (late, early string) {
	spans := make(map[string]span)
	seen := make(map[string]bool)
	for i, e := range w.effects() {
		if !seen[key(e.item)] {
			seen[key(e.item)] = true
			spans[e.ID] = spans[e.ID].with(i)
		}
	}
	return outOfOrder(ids, group, spans)
}

// overtakenAtLast is overtaken, except that the last one of repeated effects counts.
func (w *world) overtakenAtLast(ids []string, group func(id string) string) (late, early string) {
	spans := make(map[string]span)
	seen := make(map[string]bool)
	for i, e := range slices.Backward(w.effects()) {
		if !seen[key(e.item)] {
			seen[key(e.item)] = true
			spans[e.ID] = spans[e.ID].with(i)
		}
	}
	return outOfOrder(ids, group, spans)
}

// span reaches from the first to the last effect of a record that counts.
type span struct {
	any         bool
	first, last int
}

func (s span) with(i int) span {
	if !s.any {
		return span{true, i, i}
	}
	return span{true, min(s.first, i), max(s.last, i)}
}

func outOfOrder(ids []string, group func(id string) string, spans map[string]span) (late, early string) {
	previous := make(map[string]string)
	for _, id := range ids {
		if !spans[id].any {
			continue
		}
		if before, ok := previous[group(id)]; ok && spans[before].last > spans[id].first {
			return before, id
		}
		previous[group(id)] = id
	}
	return "", ""
}
