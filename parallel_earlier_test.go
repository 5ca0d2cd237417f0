package batch_test

// Results that a stage has kept from a batch that was answered enter lanes before those of the present batch.

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// afterAnEarlierBatch runs the test with a stage that sends a result of a batch that was answered a minute ago, and then the
// results that it gets.
func afterAnEarlierBatch(t *testing.T, test func(is *is.I, first func(texts) texts)) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var old batch.Result[string]
		_, err := runFor(t, 10, 1, 0, func(_ slow, s texts) texts { return batch.Tap(s, func(r batch.Result[string]) { old = r }) })
		is.NoErr(err)
		test(is, func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				if yield(old) {
					s(yield)
				}
			}
		})
	})
}

func TestLanesGiveNothingUpAndWriteNoSmallChunksBecauseOfAnEarlierBatch(t *testing.T) {
	for place, lanes := range map[string]func(texts) texts{
		"in lanes":   func(s texts) texts { return inLanes(s, 2, succeed) },
		"on a route": onOneRoute(batch.Each(succeed)),
		"in lanes in a lane": func(s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return inLanes(s, 2, succeed) })
		},
	} {
		t.Run(place, func(t *testing.T) {
			afterAnEarlierBatch(t, func(is *is.I, first func(texts) texts) {
				var w writes
				response, err := runFor(t, 60, 50, time.Second, func(before slow, s texts) texts {
					return batch.TryEachChunk(lanes(first(before(s))), 25, w.write)
				})
				is.NoErr(err)
				is.Equal(len(listed(response)), 0)
				is.Equal(w.sizes, []int{25, 25})
			})
		})
	}
}

func TestLanesGiveAFunctionThatIsStuckUpInTimeAfterAnEarlierBatch(t *testing.T) {
	afterAnEarlierBatch(t, func(is *is.I, first func(texts) texts) {
		var w writes
		response, err := runFor(t, 10, 5, 0, func(_ slow, s texts) texts {
			s = inLanes(first(s), 5, func(_ context.Context, v string) error {
				if v == "1" {
					time.Sleep(time.Minute)
				}
				return nil
			})
			return batch.TryEachChunk(s, 25, w.write)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1"})
		is.Equal(w.sizes, []int{4})
	})
}

func TestStagesRunNotFurtherAheadOfLanesAfterAnEarlierBatch(t *testing.T) {
	afterAnEarlierBatch(t, func(is *is.I, first func(texts) texts) {
		var begun atomic.Int32
		var ahead []int32
		_, err := runFor(t, 60, 1000, 0, func(_ slow, s texts) texts {
			s = batch.Map(s, func(v string) string {
				if begun.Add(1) == 1 {
					time.Sleep(time.Millisecond) // the result of the earlier batch has passed the lanes
				}
				return v
			})
			return inLanes(first(s), 1, func(_ context.Context, v string) error {
				time.Sleep(10 * time.Millisecond)
				ahead = append(ahead, begun.Load()-int32(indexOf(v)))
				return nil
			})
		})
		is.NoErr(err)
		is.True(slices.Max(ahead) <= 130)
	})
}

// The loop is left at the result of the earlier batch, while the function for record 0 hangs before the lanes.
func TestLanesThatAreLeftDoNotWaitForWhatHangsBeforeThemAfterAnEarlierBatch(t *testing.T) {
	afterAnEarlierBatch(t, func(is *is.I, first func(texts) texts) {
		response, err := runFor(t, 10, 4, 0, func(_ slow, s texts) texts {
			hanging := batch.TryEach(s, func(_ context.Context, v string) error {
				if v == "0" {
					time.Sleep(time.Minute)
				}
				return nil
			})
			return func(yield func(batch.Result[string]) bool) {
				for range batch.Parallel(first(hanging), 1, unchanged) {
					time.Sleep(time.Second) // until the function has begun
					break
				}
				s(yield)
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0"})
	})
}

// The present batch has no deadline. The loop over the lanes is left, while a function before them takes ten seconds.
func TestLanesWaitForWhatRunsBeforeThemWithoutADeadlineDespiteAnEarlierBatch(t *testing.T) {
	for _, place := range []int{0, 1} { // of the result of the earlier batch
		t.Run(strconv.Itoa(place), func(t *testing.T) {
			afterAnEarlierBatch(t, func(is *is.I, first func(texts) texts) {
				in := func(yield func(batch.Result[string]) bool) {
					for r := range grouped(context.Background(), groupsInTurn(3, 3)) {
						if r.Record().Index == place {
							first(batch.Of[string]())(yield)
						}
						if r.Record().Index == 2 {
							time.Sleep(10 * time.Second)
						}
						if !yield(r) {
							return
						}
					}
				}
				start := time.Now()
				for range batch.Parallel(in, 1, unchanged) {
					time.Sleep(time.Second) // until two records have arrived
					break
				}
				is.Equal(time.Since(start), 10*time.Second)
			})
		})
	}
}
