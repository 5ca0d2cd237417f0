package batchtest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
)

// world is where the functions of a pipeline have their effects. A function
// that was left behind may still write to it after its Drain has returned, and
// sleeping in a bubble synchronizes nothing, so tests take mu to read it too.
type world struct {
	pipeline pipeline
	plans    map[string]plan // not changed while functions run

	mu          sync.Mutex // guards the fields below
	invocation  int
	misbehaved  map[string]int // how often a record has failed
	acted       []effect
	acknowledge map[string]bool // settled or filtered, as a whole or, with the part, in part
}

type effect struct {
	item
	invocation int
}

func newWorld(p pipeline, plans map[string]plan) *world {
	return &world{pipeline: p, plans: plans, misbehaved: make(map[string]int), acknowledge: make(map[string]bool)}
}

// giveUp is the error that Catch settles.
type giveUp struct{ item item }

func (giveUp) Error() string { return "give up" }

// call goes wrong if the plan of it says so, and has no effect.
func (w *world) call(ctx context.Context, place int, it item) error {
	w.mu.Lock()
	p := w.plans[it.ID]
	wrong := p.how != "" && p.place == place && w.misbehaved[it.ID] < p.times
	if wrong {
		w.misbehaved[it.ID]++
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

// act is the effect, on one item or on all of a chunk.
func (w *world) act(items ...item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, it := range items {
		w.acted = append(w.acted, effect{it, w.invocation})
	}
}

// effects returns those that there were so far, in order.
func (w *world) effects() []effect {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.acted)
}

// failures returns how often a record has failed.
func (w *world) failures(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.misbehaved[id]
}

func (w *world) keeps(it item) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.plans[it.ID].filter {
		w.acknowledge[it.ID] = true
	}
	return !w.plans[it.ID].filter
}

func (w *world) split(it item) []item {
	parts := w.parts(it)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(parts) == 0 {
		w.acknowledge[it.ID] = true
	}
	return parts
}

func (w *world) parts(it item) []item {
	parts := make([]item, w.plans[it.ID].parts)
	for i := range parts {
		parts[i] = it
		parts[i].Part = i + 1
	}
	return parts
}

func (w *world) settle(_ context.Context, err error) error {
	if g, ok := errors.AsType[giveUp](err); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.acknowledge[key(g.item)] = true
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

// stage is the pipeline on a stream.
func (w *world) stage(s batch.Stream[item]) batch.Stream[item] { return w.from(0, s) }

func (w *world) from(place int, s batch.Stream[item]) batch.Stream[item] {
	if place == len(w.pipeline.steps) {
		return w.effect(place, s)
	}
	check := func(ctx context.Context, it item) (item, error) { return it, w.call(ctx, place, it) }
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
			if err := w.call(ctx, place, it); err != nil {
				return false, err
			}
			return w.keeps(it), nil
		})
	case "flatMap":
		s = batch.TryFlatMap(s, func(ctx context.Context, it item) ([]item, error) {
			if err := w.call(ctx, place, it); err != nil {
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

// routed has records take routes by their last letter, so that those of a group take several.
func (w *world) routed(place int, s batch.Stream[item]) batch.Stream[item] {
	n := w.pipeline.steps[place].lanes
	routes := make(map[int]batch.Stage[item, item])
	for k := range n {
		routes[k] = func(s batch.Stream[item]) batch.Stream[item] { return w.from(place+1, s) }
	}
	return batch.Route(s, func(i item) int { return int(i.ID[len(i.ID)-1]) % n }, routes)
}

// thenEach is a stage such as a user writes.
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
			if err := w.call(ctx, place, it); err != nil {
				return err
			}
			w.act(it)
			return nil
		})
	}
	return batch.TryEachChunk(s, w.pipeline.chunk, func(ctx context.Context, items []item) error {
		failed := make(batch.ItemErrors)
		for i, it := range items {
			err := w.call(ctx, place, it)
			switch {
			case ctx.Err() != nil: // a function that was left behind must not act any more
				return context.Cause(ctx)
			case err != nil && !w.pipeline.each:
				return err // all of them or none
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

// hasFlatMap tells whether records have parts when they come to the effect.
func (w *world) hasFlatMap() bool {
	return slices.ContainsFunc(w.pipeline.steps, func(s step) bool { return s.kind == "flatMap" })
}

// happened tells whether all that was to happen with a record had happened by
// an invocation's answer.
func (w *world) happened(id string, invocation int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.acknowledge[id] {
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
		if !acted && !w.acknowledge[key(part)] {
			return false
		}
	}
	return true
}

// overtaken returns two records of one group of which the later one had its
// effects first, "" if there are none. Of repeated effects the first counts.
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

// leftOver is overtaken with the last of repeated effects: those that last.
func (w *world) leftOver(ids []string, group func(id string) string) (late, early string) {
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

// span is from the first to the last effect of a record that counts.
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
