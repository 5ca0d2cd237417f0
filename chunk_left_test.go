package batch_test

// Stages that leave their loop when they get what a chunk sends because time is short.

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

// leavingAt leaves its loop after the first record.
func leavingAt(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if !yield(r) || r.Record().Index == 0 {
				return
			}
		}
	}
}

// A stage in the lanes leaves its loop when it has got record 0, which a chunk has sent it in time. Records of group b come to the lanes
// afterwards. The lane that was left must take none of them, or the other one would write a later one first.
func TestALaneThatWasLeftWhileItWroteAChunkTakesNothingMore(t *testing.T) {
	for name, c := range map[string]struct {
		groups     []string
		before, in map[string]time.Duration // how long the functions take before the lanes and in them
		wrote      []string                 // of group b
	}{
		"it waits": {[]string{"a", "b", "b"}, map[string]time.Duration{"1": 9100 * time.Millisecond, "2": 100 * time.Millisecond}, nil,
			[]string{"1", "2"}},
		"it works": {[]string{"a", "c", "b", "b", "b"}, nil,
			map[string]time.Duration{"0": 10 * time.Millisecond, "1": 9060 * time.Millisecond, "2": 9110 * time.Millisecond, "3": 10 * time.Millisecond, "4": 10 * time.Millisecond},
			[]string{"2", "3", "4"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				var written effects
				source := grouped(ctx, c.groups, batch.WithPolicy(batch.StopGroup))
				_, err := batch.Run(source, func(s texts) texts {
					s = batch.TryEach(s, func(_ context.Context, v string) error { time.Sleep(c.before[v]); return nil })
					return batch.Parallel(s, 2, func(s texts) texts {
						s = batch.TryEach(s, func(_ context.Context, v string) error { time.Sleep(c.in[v]); return nil })
						return leavingAt(batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error { written.note(vs...); return nil }))
					})
				})
				is.NoErr(err)
				is.Equal(lo.Filter(written.noted(), func(v string, _ int) bool { return c.groups[indexOf(v)] == "b" }), c.wrote)
			})
		})
	}
}

// delayed sends each result when the next one has come, and the last one at the end.
func delayed(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		var kept *batch.Result[string]
		for r := range s {
			if kept != nil && !yield(*kept) {
				return
			}
			kept = &r
		}
		if kept != nil {
			yield(*kept)
		}
	}
}

// Results arrive at the chunk when time is short. (If a goroutine that waits has it written, what a stage before the chunk has kept still
// comes.)
func TestNoFunctionStartsOnceWhatAChunkSendsInTimeHasMadeTheLoopEnd(t *testing.T) {
	for name, stage := range map[string]func(texts, func(texts) texts) texts{
		"plain":   func(s texts, chunked func(texts) texts) texts { return onlyFirst(chunked(s)) },
		"delayed": func(s texts, chunked func(texts) texts) texts { return onlyFirst(chunked(delayed(s))) },
		"in a lane": func(s texts, chunked func(texts) texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return onlyFirst(chunked(s)) })
		},
		"delayed in a lane": func(s texts, chunked func(texts) texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return onlyFirst(chunked(delayed(s))) })
		},
		"in a route": func(s texts, chunked func(texts) texts) texts {
			return onOneRoute(func(s texts) texts { return onlyFirst(chunked(s)) })(s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				left := false
				var late effects
				_, err := runFor(t, 10, 25, 0, func(_ slow, s texts) texts {
					return stage(s, func(s texts) texts {
						s = batch.TryEach(s, func(_ context.Context, v string) error {
							if left {
								late.note(v)
							}
							time.Sleep(480 * time.Millisecond)
							return nil
						})
						return batch.Tap(batch.TryEachChunk(s, 25, succeedAll), func(batch.Result[string]) { left = true })
					})
				})
				is.NoErr(err)
				is.True(left)
				is.Equal(len(late.noted()), 0)
			})
		})
	}
}

// Records 0 to 3 have been fetched ahead from lanes. Record 0 is in a chunk, and the function for record 1 is running, when time runs
// short and the lanes have the chunk written. The stage after it leaves its loop.
func TestAChunkThatWasLeftTakesNothingMoreFromAnotherGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		var called, written effects
		response, err := batch.Run(grouped(ctx, make([]string, 5)), func(s texts) texts {
			s = prefetching(4)(inLanes(s, 1, func(_ context.Context, v string) error {
				if v == "4" {
					time.Sleep(9900 * time.Millisecond)
				}
				return nil
			}))
			s = batch.TryEach(s, func(_ context.Context, v string) error {
				called.note(v)
				if v == "1" {
					time.Sleep(9200 * time.Millisecond)
				}
				return nil
			})
			return onlyFirst(batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error { written.note(vs...); return nil }))
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1", "r2", "r3", "r4"})
		is.Equal(called.noted(), []string{"0", "1"})
		is.Equal(written.noted(), []string{"0"})
		time.Sleep(10 * time.Second) // until the lane has ended
	})
}

// Record 0 leaves the lanes at once. The loop over them is left, while the chunk before them gets a record every 100ms.
func TestAChunkBeforeLanesThatWereLeftIsWrittenAndItsRecordsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var called, written effects
		response, err := batch.Run(grouped(context.Background(), make([]string, 10)), func(s texts) texts {
			s = batch.Filter(s, func(v string) bool { return v != "0" })
			s = batch.TryEach(s, func(_ context.Context, v string) error {
				called.note(v)
				time.Sleep(100 * time.Millisecond)
				return nil
			})
			s = batch.TryEachChunk(s, 3, func(_ context.Context, vs []string) error { written.note(vs...); return nil })
			lanes := batch.Parallel(s, 1, unchanged)
			return onlyFirst(batch.Tap(lanes, func(batch.Result[string]) { time.Sleep(50 * time.Millisecond) })) // the first function has begun
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"})
		is.Equal(called.noted(), []string{"1", "2", "3"})
		is.Equal(written.noted(), []string{"1", "2", "3"})
	})
}
