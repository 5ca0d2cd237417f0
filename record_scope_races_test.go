package batch_test

// What happens to scopes when two goroutines do something at the same moment. Each test tries often, because it cannot
// bring that moment about.

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// await returns as soon as the condition holds. It gives up the processor now and then, in case there is only one.
func await(holds func() bool) {
	for i := 1; !holds(); i++ {
		if i%1000 == 0 {
			runtime.Gosched()
		}
	}
}

// pass takes a moment for each step.
func pass(steps int) {
	var x atomic.Int32
	for range steps {
		x.Add(1)
	}
}

// The hook of r1 returns while the collector goes on from r0 to r1. It takes the collector a while to find the outcome,
// since the stage has ranged over the batch many times.
func TestAScopeIsClosedOnceIfItsHookReturnsJustWhenTheAnswerIsGiven(t *testing.T) {
	for try := range 400 {
		is := is.New(t)
		var opening, closing, returning atomic.Bool
		var closed [2]atomic.Int32
		hook := batch.WithScope(func(_ context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
			if r.Index == 0 {
				return nil, func(batch.Outcome) {
					closed[0].Add(1)
					closing.Store(true)
					await(returning.Load)
				}
			}
			opening.Store(true)
			await(closing.Load)
			returning.Store(true)
			pass(try)
			return nil, func(batch.Outcome) { closed[1].Add(1) }
		})
		same := func(_ context.Context, v string) (string, error) { return v, nil }
		gone := make(chan struct{})
		_, _ = batch.Run(grouped(t.Context(), make([]string, 2), hook), func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for range 200 {
					s(yield)
				}
				for r := range s {
					if r.Record().Index == 0 {
						yield(batch.Then(r, same))
						continue
					}
					go func() { // is left running
						defer close(gone)
						batch.Then(r, same)
					}()
					await(opening.Load)
				}
			}
		})
		<-gone
		is.Equal(closed[0].Load(), int32(1))
		is.Equal(closed[1].Load(), int32(1))
	}
}

// The answer ends the contexts of the batch, and then those in lanes. Many other contexts that end, too, make that take
// long. A goroutine that was left running goes on in between with a result in a lane that no function has seen yet.
func TestNoFunctionIsCalledInLanesWhileTheAnswerEndsTheContexts(t *testing.T) {
	const others = 5000
	for range 5 {
		is := is.New(t)
		var d diary
		gone, end := make(chan struct{}), make(chan struct{})
		var ended sync.WaitGroup // the race detector bears only 8,128 goroutines at once
		ended.Add(others)
		_, _ = batch.Run(grouped(t.Context(), []string{""}, d.scope("a ")), func(s texts) texts {
			outside, inside := make(chan batch.Result[string], 1), make(chan batch.Result[string])
			before := func(yield func(batch.Result[string]) bool) {
				for r := range s {
					outside <- r
					yield(r)
				}
			}
			lane := func(s texts) texts {
				return func(func(batch.Result[string]) bool) {
					for r := range s {
						inside <- r
						<-end
					}
				}
			}
			return func(func(batch.Result[string]) bool) {
				go func() {
					for range batch.Parallel(before, 1, lane) {
					}
				}()
				r, batchEnds := <-inside, (<-outside).Context()
				for range others {
					context.AfterFunc(batchEnds, ended.Done)
				}
				go func() {
					defer close(gone)
					await(func() bool { return batchEnds.Err() != nil })
					batch.Then(r, func(context.Context, string) (int, error) { d.note("called"); return 0, nil })
				}()
			}
		})
		<-gone
		ended.Wait()
		close(end)
		is.Equal(len(d.noted()), 0)
	}
}
