package batchtest_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// process is one invocation of the handler. When it is killed, its functions no longer change the world, as if they had
// stopped at that moment, and the invocation fails.
type process struct {
	*world
	invocation int
	killed     chan struct{}
}

var errKilled = errors.New("the process was killed")

// begin begins an invocation, which its first functions belong to.
func (w *world) begin() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.invocation++
	w.running = &process{world: w, invocation: w.invocation, killed: make(chan struct{})}
	return w.running
}

// now returns the process that runs.
func (w *world) now() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running
}

// isKilled needs mu.
func (p *process) isKilled() bool {
	select {
	case <-p.killed:
		return true
	default:
		return false
	}
}

// alive calls f, unless the process is killed before, and kills it afterwards if it is time.
func (p *process) alive(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isKilled() {
		return
	}
	f()
	if p.steps++; slices.Contains(p.kills, p.steps) {
		tallied("a process is killed", 1)
		close(p.killed)
	}
}

// attempt fails if the plan of the item says so.
func (p *process) attempt(ctx context.Context, place int, it item) error {
	wrong := false
	plan := p.plans[it.ID]
	p.alive(func() {
		wrong = plan.how != "" && plan.place == place && p.failed[it.ID] < plan.times
		if wrong {
			p.failed[it.ID]++
			tallied(p.kindAt(place)+" "+plan.how, 1)
		}
	})
	if !wrong {
		return nil
	}
	err := errors.New("it went wrong")
	if plan.settled && p.kindAt(place) != "bulk" { // Catch would settle it for all items of the chunk
		err = giveUp{it}
	}
	switch plan.how {
	case "panic":
		panic(err)
	case "exit":
		runtime.Goexit()
	case "stuck":
		time.Sleep(plan.lasts)
	case "slow":
		select {
		case <-time.After(plan.lasts):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// act has the effect on one item or on all items of a chunk.
func (p *process) act(items ...item) (acted bool) {
	p.alive(func() {
		for _, it := range items {
			p.acted = append(p.acted, effect{it, p.invocation})
		}
		acted = true
	})
	return acted
}

func (p *process) keeps(it item) bool {
	if p.plans[it.ID].filter {
		p.alive(func() { p.acknowledged[it.ID] = true })
	}
	return !p.plans[it.ID].filter
}

func (p *process) split(it item) []item {
	parts := p.parts(it)
	if len(parts) == 0 {
		p.alive(func() { p.acknowledged[it.ID] = true })
	}
	return parts
}

func (p *process) settle(_ context.Context, err error) error {
	if g, ok := errors.AsType[giveUp](err); ok {
		p.alive(func() { p.acknowledged[key(g.item)] = true })
		return nil
	}
	return err
}

// from is the pipeline from a place on.
func (p *process) from(place int, s batch.Stream[item]) batch.Stream[item] {
	if place == len(p.pipeline.steps) {
		return p.effect(place, s)
	}
	step := p.pipeline.steps[place]
	check := func(ctx context.Context, it item) (item, error) { return it, p.attempt(ctx, place, it) }
	switch step.kind {
	case "map":
		s = batch.Map(s, func(it item) item { return it })
	case "check":
		s = batch.TryMap(s, check)
	case "then":
		s = thenEach(s, check)
	case "filter":
		s = batch.Filter(s, p.keeps)
	case "tryFilter":
		s = batch.TryFilter(s, func(ctx context.Context, it item) (bool, error) {
			if err := p.attempt(ctx, place, it); err != nil {
				return false, err
			}
			return p.keeps(it), nil
		})
	case "flatMap":
		s = batch.TryFlatMap(s, func(ctx context.Context, it item) ([]item, error) {
			if err := p.attempt(ctx, place, it); err != nil {
				return nil, err
			}
			return p.split(it), nil
		})
	case "tap":
		s = batch.Tap(s, func(batch.Result[item]) {})
	case "catch":
		s = batch.Catch(s, p.settle)
	case "bulk":
		s = batch.TryEachChunk(s, step.n, func(ctx context.Context, items []item) error {
			return p.attemptAll(ctx, place, items)
		})
	case "hold":
		s = held(s)
	case "pull":
		s = pulled(s)
	case "ahead":
		s = ahead(s)
	case "parallel":
		return batch.Parallel(s, step.n, func(s batch.Stream[item]) batch.Stream[item] { return p.from(place+1, s) })
	case "route":
		return p.routed(place, s)
	}
	return p.from(place+1, s)
}

// attemptAll fails for all items if it fails for one.
func (p *process) attemptAll(ctx context.Context, place int, items []item) error {
	for _, it := range items {
		if err := p.attempt(ctx, place, it); err != nil {
			return err
		}
	}
	return nil
}

// routed chooses routes by the last letter of the ID, so records of one group take different routes.
func (p *process) routed(place int, s batch.Stream[item]) batch.Stream[item] {
	n := p.pipeline.steps[place].n
	routes := lo.Associate(lo.Range(n), func(k int) (int, batch.Stage[item, item]) {
		return k, func(s batch.Stream[item]) batch.Stream[item] { return p.from(place+1, s) }
	})
	return batch.Route(s, func(i item) int { return int(i.ID[len(i.ID)-1]) % n }, routes)
}

func (p *process) effect(place int, s batch.Stream[item]) batch.Stream[item] {
	if p.pipeline.chunk == 0 {
		return batch.TryEach(s, func(ctx context.Context, it item) error {
			if err := p.attempt(ctx, place, it); err != nil {
				return err
			}
			if !p.act(it) {
				return errKilled
			}
			return nil
		})
	}
	return batch.TryEachChunk(s, p.pipeline.chunk, func(ctx context.Context, items []item) error {
		failed := make(batch.ItemErrors)
		for i, it := range items {
			err := p.attempt(ctx, place, it)
			switch {
			case ctx.Err() != nil: // a function that was left running must not act any more
				return context.Cause(ctx)
			case err != nil && !p.pipeline.each:
				return err // all items fail
			case err != nil:
				failed[i] = err
			case p.pipeline.each && !p.act(it):
				return errKilled
			}
		}
		if !p.pipeline.each && !p.act(items...) {
			return errKilled
		}
		return failed
	})
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

// held sends each Result when the next one has come.
func held(s batch.Stream[item]) batch.Stream[item] {
	return func(yield func(batch.Result[item]) bool) {
		var kept []batch.Result[item]
		for r := range s {
			kept = append(kept, r)
			if len(kept) > 1 {
				if !yield(kept[0]) {
					return
				}
				kept = kept[1:]
			}
		}
		for _, r := range kept {
			if !yield(r) {
				return
			}
		}
	}
}

// pulled asks for one Result after another.
func pulled(s batch.Stream[item]) batch.Stream[item] {
	return func(yield func(batch.Result[item]) bool) {
		next, stop := iter.Pull(iter.Seq[batch.Result[item]](s))
		defer stop()
		for r, ok := next(); ok; r, ok = next() {
			if !yield(r) {
				return
			}
		}
	}
}

// ahead runs the stages before on another goroutine, which fetches two Results ahead. It ends as that goroutine ends: if it
// hid that a function has ended the goroutine, the Results that are kept there would be dropped.
func ahead(s batch.Stream[item]) batch.Stream[item] {
	return func(yield func(batch.Result[item]) bool) {
		fetched, stopped := make(chan batch.Result[item], 2), make(chan struct{})
		returned := false
		go func() {
			defer close(fetched)
			s(func(r batch.Result[item]) bool {
				select {
				case fetched <- r:
					return true
				case <-stopped:
					return false
				}
			})
			returned = true
		}()
		defer func() {
			close(stopped)
			for range fetched { // until the goroutine has ended
			}
		}()
		for r := range fetched {
			if !yield(r) {
				return
			}
		}
		if !returned {
			runtime.Goexit()
		}
	}
}
