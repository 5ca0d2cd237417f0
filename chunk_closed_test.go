package batch_test

// Chunks whose input has ended, or whose results are not wanted any more.

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// remaining is what next still has.
func remaining(next func() (batch.Result[string], bool)) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r, ok := next(); ok && yield(r); r, ok = next() {
		}
	}
}

func TestAChunkTakesNothingAfterItsInputHasEnded(t *testing.T) {
	for state, stage := range map[string]func(texts) texts{
		"ready": unchanged,
		"done":  func(s texts) texts { return batch.Filter(s, func(string) bool { return false }) },
	} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				wanted := make(chan bool)
				late := func(yield func(batch.Result[string]) bool) {
					for r := range stage(batch.Of("a")) {
						go func() {
							time.Sleep(time.Second)
							wanted <- yield(r)
						}()
					}
				}
				var sent atomic.Int32
				batch.TryEachChunk(late, 1, succeedAll)(func(batch.Result[string]) bool {
					sent.Add(1)
					return true
				})
				is.True(!<-wanted)
				is.Equal(sent.Load(), int32(0))
			})
		})
	}
}

// At 2s time runs short, after the input of the chunk has panicked. The rest of its results go past the chunk.
func TestAChunkWhoseInputHasPanickedIsNotWrittenAndHoldsNothingUp(t *testing.T) {
	for _, place := range []string{"in a lane", "after lanes"} {
		around := chunkPlaces[place]
		t.Run(place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var written effects
				slow := batch.Tap(grouped(ctx, groupsInTurn(3, 3), reserve), func(batch.Result[string]) { time.Sleep(time.Second) })
				response, err := batch.Run(slow, func(s texts) texts {
					return around(s, func(s texts) texts {
						return func(yield func(batch.Result[string]) bool) {
							next, stop := iter.Pull(s)
							defer stop()
							func() {
								defer func() { is.Equal(recover(), errBoom) }()
								crashing := func(yield func(batch.Result[string]) bool) {
									r, _ := next()
									yield(r)
									panic(errBoom)
								}
								batch.TryEachChunk(crashing, 10, func(_ context.Context, vs []string) error {
									written.note(vs...)
									return nil
								})(yield)
							}()
							remaining(next)(yield)
						}
					})
				})
				is.NoErr(err)
				is.Equal(len(written.noted()), 0)
				is.Equal(listed(response), []string{"r0"})
			})
		})
	}
}

// At 2s time runs short, and a goroutine of the stage before writes the chunk, which takes until 5s. At 3s that stage panics.
func TestAChunkThatIsBeingWrittenWhenItsInputPanicsIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		ctx, reserve := deadline(t)
		impatient := func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				first := make(chan batch.Result[string], 1)
				go s(func(r batch.Result[string]) bool { first <- r; return true })
				yield(<-first)
				time.Sleep(3 * time.Second)
				panic(errBoom)
			}
		}
		late := batch.Tap(grouped(ctx, make([]string, 2), reserve), func(r batch.Result[string]) {
			if r.Record().ID == "r1" {
				time.Sleep(4 * time.Second)
			}
		})
		response, err := batch.Run(late, func(s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					defer func() { is.Equal(time.Since(start), 5*time.Second) }()
					batch.TryEachChunk(impatient(s), 10, func(context.Context, []string) error {
						time.Sleep(3 * time.Second)
						return nil
					})(yield)
				}
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1"})
	})
}

// At 2s time runs short, and a goroutine of the stage before has the chunk written. The function ends that goroutine.
func TestNothingIsSentOnFromAChunkWhoseFunctionHasEndedTheGoroutineThatWroteItInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var written, after effects
		late := batch.Tap(grouped(ctx, groupsInTurn(3, 3), reserve), func(r batch.Result[string]) {
			if r.Record().ID == "r2" {
				time.Sleep(4 * time.Second)
			}
		})
		response, err := batch.Run(late, func(s texts) texts {
			s = batch.TryEachChunk(piped(inLanes(s, 1, succeed)), 10, func(_ context.Context, vs []string) error {
				written.note(vs...)
				runtime.Goexit()
				return nil
			})
			return batch.Tap(s, func(r batch.Result[string]) { after.note(r.Record().ID) })
		})
		var all *batch.AllFailedError
		is.True(errors.As(err, &all))
		is.Equal(listed(response), []string{"r0", "r1", "r2"})
		is.Equal(written.all, []string{"0", "1"})
		is.Equal(len(after.all), 0)
		time.Sleep(10 * time.Second) // until the source has ended
	})
}

// A goroutine of the stage before has record 0 written from 2s to 2.7s, and then record 1 until 3.4s. Record 1 arrives at
// 2.5s, and record 2 at 3.2s.
func TestResultsWaitForAChunkThatIsBeingWrittenHoweverOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var written effects
		taking := func(s texts, times map[string]time.Duration) texts {
			return batch.Tap(s, func(r batch.Result[string]) { time.Sleep(times[r.Record().ID]) })
		}
		source := taking(grouped(ctx, groupsInTurn(5, 5), reserve), map[string]time.Duration{"r3": 3200 * time.Millisecond, "r4": time.Second})
		response, err := batch.Run(source, func(s texts) texts {
			s = prefetching(4)(inLanes(s, 1, succeed))
			s = taking(s, map[string]time.Duration{"r1": 2500 * time.Millisecond, "r2": 500 * time.Millisecond})
			return batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error {
				time.Sleep(700 * time.Millisecond)
				written.note(vs...)
				return nil
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		is.Equal(written.noted(), []string{"0", "1", "2", "3", "4"})
	})
}

// The consumer stops at the first record. At 2s time runs short, and the lanes learn from the chunk that no one wants the second.
func TestLanesEndWhenTimeRunsShortIfTheirChunkHasStoppedOnAnotherGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		start := time.Now()
		lanes := inLanes(grouped(ctx, make([]string, 2), reserve), 1, func(ctx context.Context, v string) error {
			if v == "1" {
				<-ctx.Done()
			}
			return nil
		})
		for range batch.TryEachChunk(piped(lanes), 1, nothing) {
			break
		}
		is.Equal(time.Since(start), 2*time.Second)
	})
}
