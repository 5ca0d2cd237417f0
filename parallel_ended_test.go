package batch_test

// Lanes whose input or consumer ends early.

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// Contexts inside lanes end after those outside, and the later the more contexts are derived from the record's. This is a
// race that takes several rounds.
func TestNoFunctionStartsInALaneForAResultThatWasSentAfterTheEnd(t *testing.T) {
	const rounds, derived = 5, 20_000
	for range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		var late atomic.Bool
		source := func(yield func(batch.Result[string]) bool) {
			for r := range grouped(ctx, make([]string, 2)) {
				if r.Record().Index == 1 {
					for range derived {
						_, stop := context.WithCancel(r.Context())
						defer stop()
					}
					go cancel()
					<-r.Context().Done()
				}
				if !yield(r) {
					return
				}
			}
		}
		for range inLanes(source, 1, func(_ context.Context, v string) error {
			late.Store(v == "1")
			return nil
		}) {
		}
		if late.Load() {
			t.Fatal("a function was called after its record's context had ended")
		}
	}
}

// The loop over the lanes takes the result that has gone through them, and leaves. Only then does the lane send the result on
// as it was before it entered.
func TestARecordIsAcknowledgedThoughALaneSendsACopyWhenTheLoopHasBeenLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		response, err := batch.Run(grouped(t.Context(), make([]string, 2)), func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					for inside := range batch.Parallel(slices.Values([]batch.Result[string]{r}), 1, func(s texts) texts {
						return func(yield func(batch.Result[string]) bool) {
							s(yield)
							time.Sleep(time.Second)
							yield(r)
						}
					}) {
						yield(inside)
						break
					}
				}
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
	})
}

// The stage before the lanes goes on after the loop has been left, and sends a result of another batch.
func TestALoopOverLanesEndsThoughTheStageBeforeSendsAResultOfAnotherBatchLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		calls := 0
		before := func(yield func(batch.Result[string]) bool) {
			batch.Of("0")(yield)
			time.Sleep(time.Second)
			is.True(slices.ContainsFunc(slices.Collect(batch.Of("late")), func(r batch.Result[string]) bool { return !yield(r) }))
		}
		for range inLanes(before, 1, func(context.Context, string) error { calls++; return nil }) {
			break
		}
		is.Equal(calls, 1)
	})
}
