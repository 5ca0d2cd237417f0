package batchtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing/synctest"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// A rig is a stage with the batch of a scene as its input.
type rig[A, B any] struct {
	scene[A]
	output  batch.Stream[B]
	census  *census
	current *trial
}

// A trial is one range over the output of a stage, and what was observed in it. Building the
// stage is a trial, too.
type trial struct {
	conditions
	mu       sync.Mutex
	ranges   int // over the input
	received []snapshot
	sent     []snapshot
	over     bool    // the range has ended or its consumer has stopped
	informed string  // the goroutine whose yield said that the consumer has stopped
	breach   *breach // that was noticed during the range
	reported map[int]error
	ending   ending
}

// build builds the stage on its own goroutine.
func (c *checker[A, B]) build(s scene[A], under conditions) (r *rig[A, B], building *trial) {
	s.conditions = under
	r = &rig[A, B]{scene: s, census: &c.census}
	building = &trial{conditions: under}
	r.current = building
	building.ending = callAll(func() {
		if under.lanes > 0 {
			r.output = batch.Parallel(r.input(), under.lanes, c.stage) // builds the stage later
			return
		}
		before := runtime.NumGoroutine()
		r.output = c.stage(r.input())
		r.findLeftBehind(before, building, " while it is built")
	})
	return r, building
}

// findLeftBehind complains if the stage has started a goroutine that has not ended.
func (r *rig[A, B]) findLeftBehind(before int, t *trial, when string) {
	synctest.Wait()
	if runtime.NumGoroutine() <= before {
		return
	}
	if b := r.census.leftBehind(when); b != nil {
		t.complain(b)
	}
}

// input is the stream that the stage receives. It notes each range and each Result in the current trial.
func (r *rig[A, B]) input() batch.Stream[A] {
	return func(yield func(batch.Result[A]) bool) {
		t := r.current
		t.begin()
		ctx, cancel := context.WithCancel(context.Background())
		// A failure counts from the next built-in stage on. Tap is one, so the failures of
		// the batch count.
		counting := batch.Tap(r.arrivals(ctx, cancel, t), func(batch.Result[A]) {})
		counting(func(result batch.Result[A]) bool {
			t.receive(snapshotOf(result))
			return yield(result)
		})
	}
}

// arrivals is the batch, with each record in the state in which it arrives.
func (r *rig[A, B]) arrivals(ctx context.Context, cancel func(), t *trial) batch.Stream[A] {
	s := r.source(ctx, t)
	if r.split {
		s = batch.FlatMap(s, func(a A) []A { return []A{a, a} })
	}
	return func(yield func(batch.Result[A]) bool) {
		s(func(result batch.Result[A]) bool {
			i := result.Record().Index
			if r.end == i+1 {
				cancel()
			}
			if !r.arrives(i) {
				return true
			}
			return yield(arriving(result, r.records[i].arrives))
		})
	}
}

func (r *rig[A, B]) source(ctx context.Context, t *trial) batch.Stream[A] {
	values := lo.Map(r.records, func(record drawnRecord[A], _ int) A { return record.value })
	described := 0
	describe := func(A) batch.Record {
		i := described
		described++
		return batch.Record{ID: fmt.Sprintf("r%d", i), Group: r.records[i].group}
	}
	report := func(_ context.Context, report batch.Report) { t.report(report.Failures) }
	return batch.From(ctx, values, describe, batch.WithPolicy(r.policy), batch.WithReport(report), batch.WithLogger(nil))
}

var errBefore = errors.New("failed before")

func arriving[A any](r batch.Result[A], arrives arrival) batch.Result[A] {
	switch arrives {
	case arrivesFailed:
		return r.Fail(errBefore)
	case arrivesDone:
		return r.Ack()
	case arrivesTried:
		return batch.Then(r, func(_ context.Context, a A) (A, error) { return a, nil })
	}
	return r
}

// try ranges over the output once.
func (r *rig[A, B]) try() *trial {
	t := &trial{conditions: r.conditions}
	r.current = t
	t.ending = callAll(func() {
		before := runtime.NumGoroutine()
		_, _ = batch.Collect(observed(t, r.output))
		r.findLeftBehind(before, t, "")
	})
	return t
}

// tryTwiceAtOnce ranges over the output twice, concurrently.
func (r *rig[A, B]) tryTwiceAtOnce() []*trial {
	first, second := &trial{conditions: r.conditions}, &trial{conditions: r.conditions}
	r.current = &trial{} // which range receives a Result is unknown
	try := func(t *trial) func() {
		return func() { _, _ = batch.Collect(observed(t, r.output)) }
	}
	first.ending = callAll(try(first), try(second))
	return []*trial{first, second}
}

// observed notes in the trial what the stage sends.
func observed[B any](t *trial, output batch.Stream[B]) batch.Stream[B] {
	return func(yield func(batch.Result[B]) bool) {
		output(func(r batch.Result[B]) bool { return t.send(snapshotOf(r)) && yield(r) && !t.isOver() })
		t.mu.Lock()
		defer t.mu.Unlock()
		t.over = true
	}
}

func (t *trial) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ranges++
}

// receive notes a Result. It finds a stage that asks for more after its consumer has stopped if it does so on
// the goroutine that was told. Another one may not know yet that the consumer has stopped.
func (t *trial) receive(s snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.received = append(t.received, s)
	if t.over && t.breach == nil && t.lanes == 0 && goroutineID() == t.informed {
		t.breach = &breach{lawStop, fmt.Sprintf("asks for %s after its consumer has stopped", s.name())}
	}
}

// send reports whether the consumer takes what the stage sends.
func (t *trial) send(s snapshot) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		t.breach = &breach{lawStop, fmt.Sprintf("sends %s after its consumer has stopped", s.name())}
		return false
	}
	t.sent = append(t.sent, s)
	if t.over = len(t.sent) == t.stop; t.over {
		t.informed = goroutineID()
	}
	return true
}

func (t *trial) isOver() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

func (t *trial) report(failures []batch.Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reported = lo.Associate(failures, func(f batch.Failure) (int, error) { return f.Record.Index, f.Err })
}

func (t *trial) complain(b *breach) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.breach == nil {
		t.breach = b
	}
}

// stopped reports whether the consumer has stopped. Then the stage need not send everything that it
// received.
func (t *trial) stopped() bool { return t.stop > 0 && len(t.sent) >= t.stop }
