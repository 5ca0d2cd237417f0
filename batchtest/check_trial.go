package batchtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing/synctest"

	"github.com/lambdabatch/batch"
)

// A rig is a stage with the batch of a scene before it.
type rig[A, B any] struct {
	scene[A]
	out batch.Stream[B]
	now *passage // the one that is under way
}

// build builds the stage on a goroutine of its own, and says how that ended.
func (c *checking[A, B]) build(s scene[A], course course) (r *rig[A, B], building *passage) {
	s.course = course
	r = &rig[A, B]{scene: s}
	building = &passage{course: course}
	r.now = building
	building.ending = called(func() {
		if course.lanes > 0 {
			r.out = batch.Parallel(r.in(), course.lanes, c.stage)
		} else {
			r.out = c.stage(r.in())
		}
	})
	return r, building
}

// in is the batch as it comes to the stage.
func (r *rig[A, B]) in() batch.Stream[A] {
	return func(yield func(batch.Result[A]) bool) {
		p := r.now
		p.begin()
		ctx, cancel := context.WithCancel(context.Background())
		known := batch.Tap(r.before(ctx, cancel, p), func(batch.Result[A]) {}) // failures count from here on
		known(func(result batch.Result[A]) bool {
			p.enter(crossingOf(result))
			return yield(result)
		})
	}
}

// before is the batch with what stages before have made of it.
func (r *rig[A, B]) before(ctx context.Context, cancel func(), p *passage) batch.Stream[A] {
	s := r.source(ctx, p)
	if r.split {
		s = batch.FlatMap(s, func(a A) []A { return []A{a, a} })
	}
	return func(yield func(batch.Result[A]) bool) {
		s(func(result batch.Result[A]) bool {
			i := result.Record().Index
			if r.end == i+1 {
				cancel()
			}
			if r.only > 0 && r.only != i+1 {
				return true
			}
			return yield(came(result, r.records[i].comes))
		})
	}
}

func (r *rig[A, B]) source(ctx context.Context, p *passage) batch.Stream[A] {
	values := make([]A, len(r.records))
	for i := range values {
		values[i] = r.records[i].value
	}
	described := 0
	describe := func(A) batch.Record {
		i := described
		described++
		return batch.Record{ID: fmt.Sprintf("r%d", i), Group: r.records[i].group}
	}
	report := func(_ context.Context, report batch.Report) { p.report(report.Failures) }
	return batch.From(ctx, values, describe, batch.WithPolicy(r.policy), batch.WithReport(report), batch.WithLogger(nil))
}

var errBefore = errors.New("failed before")

func came[A any](r batch.Result[A], comes coming) batch.Result[A] {
	switch comes {
	case comesFailed:
		return r.Fail(errBefore)
	case comesDone:
		return r.Ack()
	case comesTried:
		return batch.Then(r, func(_ context.Context, a A) (A, error) { return a, nil })
	}
	return r
}

// A passage is one range over what a stage makes of a batch.
type passage struct {
	course
	mu       sync.Mutex
	ranges   int // over what comes before the stage
	entered  []crossing
	left     []crossing
	over     bool    // the range, or its consumer stopped
	wrong    *breach // that showed on the way
	reported map[int]error
	ending   ending
}

func (p *passage) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ranges++
}

func (p *passage) enter(c crossing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entered = append(p.entered, c)
}

func (p *passage) report(failures []batch.Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reported = make(map[int]error)
	for _, f := range failures {
		p.reported[f.Record.Index] = f.Err
	}
}

// pass ranges over what the stage makes of the batch.
func (r *rig[A, B]) pass() *passage {
	p := &passage{course: r.course}
	r.now = p
	p.ending = called(func() {
		before := settled()
		_, _ = batch.Collect(consumed(p, r.out))
		synctest.Wait()
		if runtime.NumGoroutine() <= before { // to look at them is slow
			return
		}
		if maker, some := leftBehind(); some {
			p.complain(lawGoroutines, "leaves a goroutine behind, made by "+maker)
		}
	})
	return p
}

// passTwice is two passes at once.
func (r *rig[A, B]) passTwice() []*passage {
	first, second := &passage{course: r.course}, &passage{course: r.course}
	r.now = &passage{} // what enters is not told apart
	pass := func(p *passage) func() {
		return func() { _, _ = batch.Collect(consumed(p, r.out)) }
	}
	first.ending = called(pass(first), pass(second))
	return []*passage{first, second}
}

// consumed notes what the stage sends.
func consumed[B any](p *passage, out batch.Stream[B]) batch.Stream[B] {
	return func(yield func(batch.Result[B]) bool) {
		out(func(r batch.Result[B]) bool { return p.leave(crossingOf(r)) && yield(r) && !p.isOver() })
		p.mu.Lock()
		defer p.mu.Unlock()
		p.over = true
	}
}

// leave reports whether the consumer takes what leaves the stage.
func (p *passage) leave(c crossing) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		p.wrong = &breach{lawStop, fmt.Sprintf("sends %s after its consumer has stopped", c.name())}
		return false
	}
	p.left = append(p.left, c)
	p.over = len(p.left) == p.stop
	return true
}

func (p *passage) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

func (p *passage) complain(law, deed string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong == nil {
		p.wrong = &breach{law, deed}
	}
}

// stopped reports whether the consumer has stopped, so that not all that entered had to leave.
func (p *passage) stopped() bool { return p.stop > 0 && len(p.left) >= p.stop }
