package batchtest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// world records the effects of the functions of a pipeline. A function that was left running may
// write to it after its Drain has returned. Sleeping in a bubble does not synchronize, so tests
// must lock mu to read it, too.
type world struct {
	pipeline pipeline
	plans    map[string]plan // constant while functions run

	mu           sync.Mutex // guards the fields below
	invocation   int
	failed       map[string]int // how often, by record
	acted        []effect
	acknowledged map[string]bool // by key: settled or filtered records and parts
}

type effect struct {
	item
	invocation int
}

func newWorld(p pipeline, plans map[string]plan) *world {
	return &world{pipeline: p, plans: plans, failed: make(map[string]int), acknowledged: make(map[string]bool)}
}

// giveUp is the error that Catch settles.
type giveUp struct{ item item }

func (giveUp) Error() string { return "give up" }

// attempt fails if the plan of the item says so.
func (w *world) attempt(ctx context.Context, place int, it item) error {
	w.mu.Lock()
	p := w.plans[it.ID]
	wrong := p.how != "" && p.place == place && w.failed[it.ID] < p.times
	if wrong {
		w.failed[it.ID]++
	}
	w.mu.Unlock()
	if !wrong {
		return nil
	}
	err := errors.New("it went wrong")
	if p.settled {
		err = giveUp{it}
	}
	switch p.how {
	case "panic":
		panic(err)
	case "stuck":
		time.Sleep(p.lasts)
	case "slow":
		select {
		case <-time.After(p.lasts):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// act has the effect on one item or on all items of a chunk.
func (w *world) act(items ...item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, it := range items {
		w.acted = append(w.acted, effect{it, w.invocation})
	}
}

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

func (w *world) keeps(it item) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.plans[it.ID].filter {
		w.acknowledged[it.ID] = true
	}
	return !w.plans[it.ID].filter
}

func (w *world) split(it item) []item {
	parts := w.parts(it)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(parts) == 0 {
		w.acknowledged[it.ID] = true
	}
	return parts
}

func (w *world) parts(it item) []item {
	return lo.Times(w.plans[it.ID].parts, func(i int) item { return item{ID: it.ID, Group: it.Group, Part: i + 1} })
}

func (w *world) settle(_ context.Context, err error) error {
	if g, ok := errors.AsType[giveUp](err); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.acknowledged[key(g.item)] = true
		return nil
	}
	return err
}

func key(it item) string {
	if it.Part == 0 {
		return it.ID
	}
	return it.ID + " part " + string(rune('0'+it.Part))
}

// stage is the whole pipeline.
func (w *world) stage(s batch.Stream[item]) batch.Stream[item] { return w.from(0, s) }

// from is the pipeline from a place on.
func (w *world) from(place int, s batch.Stream[item]) batch.Stream[item] {
	if place == len(w.pipeline.steps) {
		return w.effect(place, s)
	}
	check := func(ctx context.Context, it item) (item, error) { return it, w.attempt(ctx, place, it) }
	switch w.pipeline.steps[place].kind {
	case "map":
		s = batch.Map(s, func(it item) item { return it })
	case "check":
		s = batch.TryMap(s, check)
	case "then":
		s = thenEach(s, check)
	case "filter":
		s = batch.Filter(s, w.keeps)
	case "tryFilter":
		s = batch.TryFilter(s, func(ctx context.Context, it item) (bool, error) {
			if err := w.attempt(ctx, place, it); err != nil {
				return false, err
			}
			return w.keeps(it), nil
		})
	case "flatMap":
		s = batch.TryFlatMap(s, func(ctx context.Context, it item) ([]item, error) {
			if err := w.attempt(ctx, place, it); err != nil {
				return nil, err
			}
			return w.split(it), nil
		})
	case "tap":
		s = batch.Tap(s, func(batch.Result[item]) {})
	case "catch":
		s = batch.Catch(s, w.settle)
	case "parallel":
		return batch.Parallel(s, w.pipeline.steps[place].lanes, func(s batch.Stream[item]) batch.Stream[item] {
			return w.from(place+1, s)
		})
	case "route":
		return w.routed(place, s)
	}
	return w.from(place+1, s)
}

// routed chooses routes by the last letter of the ID, so records of one group take different routes.
func (w *world) routed(place int, s batch.Stream[item]) batch.Stream[item] {
	n := w.pipeline.steps[place].lanes
	routes := make(map[int]batch.Stage[item, item])
	for k := range n {
		routes[k] = func(s batch.Stream[item]) batch.Stream[item] { return w.from(place+1, s) }
	}
	return batch.Route(s, func(i item) int { return int(i.ID[len(i.ID)-1]) % n }, routes)
}

// thenEach is a stage as users write them.
func thenEach(s batch.Stream[item], f func(context.Context, item) (item, error)) batch.Stream[item] {
	return func(yield func(batch.Result[item]) bool) {
		for r := range s {
			if !yield(batch.Then(r, f)) {
				return
			}
		}
	}
}

func (w *world) effect(place int, s batch.Stream[item]) batch.Stream[item] {
	if w.pipeline.chunk == 0 {
		return batch.TryEach(s, func(ctx context.Context, it item) error {
			if err := w.attempt(ctx, place, it); err != nil {
				return err
			}
			w.act(it)
			return nil
		})
	}
	return batch.TryEachChunk(s, w.pipeline.chunk, func(ctx context.Context, items []item) error {
		failed := make(batch.ItemErrors)
		for i, it := range items {
			err := w.attempt(ctx, place, it)
			switch {
			case ctx.Err() != nil: // a function that was left running must not act any more
				return context.Cause(ctx)
			case err != nil && !w.pipeline.each:
				return err // all items fail
			case err != nil:
				failed[i] = err
			case w.pipeline.each:
				w.act(it)
			}
		}
		if !w.pipeline.each {
			w.act(items...)
		}
		return failed
	})
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
