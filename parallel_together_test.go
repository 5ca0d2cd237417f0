package batch_test

// Lanes between batches with and without a deadline, and before a chunk that another goroutine writes.

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// The contexts of the first batch end after 6 seconds. Half a second later, while the lanes still wait for its stuck
// function, a batch without a deadline begins.
func TestABatchWithoutADeadlineDoesNotMakeLanesWaitLongerForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		timed := batch.From(ctx, []string{"stuck"}, byID, batch.WithReserve(4*time.Second))
		both := func(yield func(batch.Result[string]) bool) {
			timed(yield)
			time.Sleep(6500 * time.Millisecond)
			batch.Of("late")(yield)
		}
		free := make(chan struct{})
		begun := time.Now()
		values, failures := batch.Partition(inLanes(both, 2, func(_ context.Context, v string) error {
			if v == "stuck" {
				<-free
			}
			return nil
		}))
		is.Equal(time.Since(begun), 7*time.Second) // a quarter of the reserve after the contexts have ended
		is.Equal(values, []string{"late"})
		is.Equal(len(failures), 1)
		is.Equal(failures[0].Record.ID, "stuck")
		close(free)
	})
}

// One reserve before the contexts end, lanes have the chunks after them written. Here that chunk is being written on
// another goroutine, and takes longer.
func TestLanesDoNotWaitForAChunkThatAnotherGoroutineWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		source := batch.From(ctx, []string{"a", "b"}, byID, batch.WithReserve(2*time.Second))
		response, err := batch.Run(source, func(s texts) texts {
			s = inLanes(s, 2, func(_ context.Context, v string) error {
				if v == "b" {
					time.Sleep(7 * time.Second)
				}
				return nil
			})
			return batch.TryEachChunk(piped(s), 1, func(_ context.Context, values []string) error {
				if values[0] == "a" {
					time.Sleep(6500 * time.Millisecond)
				}
				return nil
			})
		})
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
	})
}

func TestARecordAtWhichALoopOverLanesHangsIsReportedAsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		free := make(chan struct{})
		var report batch.Report
		source := batch.From(ctx, []string{"a", "b", "c"}, byID, quiet,
			batch.WithReport(func(_ context.Context, r batch.Report) { report = r }))
		_, err := batch.Run(source, func(s texts) texts {
			s = inLanes(s, 1, succeed)
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if r.Record().ID == "b" {
						<-free
					}
					yield(r)
				}
			}
		})
		is.NoErr(err)
		is.Equal([]int{report.Acknowledged, report.Unreached, report.Running}, []int{1, 2, 1})
		is.Equal(report.Failures[0].Record.ID, "b")
		is.True(errors.Is(report.Failures[0].Err, batch.ErrRunning))
		close(free)
	})
}
