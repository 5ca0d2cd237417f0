package batch_test

// What is logged if records of several batches meet: each with the logger of its own batch.

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

// The function returns the error of a record of a batch within the record. That one is still running.
func TestARecordThatFailsWithAnErrorOfAnotherBatchIsNotLoggedAsStillRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "0")
		open := func(ctx context.Context, _ batch.Record) (context.Context, func(batch.Outcome)) { return ctx, nil }
		var j journal
		other := inLanes(grouped(ctx, []string{""}, reserve, batch.WithScope(open)), 1, stuck)
		source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(batch.StopGroup), batch.WithLogger(slog.New(&j)))
		response, err := batch.Run(source, batch.Each(func(_ context.Context, v string) error {
			if v != "1" {
				return nil
			}
			_, failures := batch.Partition(other)
			return failures[0].Err
		}))
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1", "r2"})
		is.Equal(j.lines, []string{
			"ERROR (r1) record failed record=r1 group=g error=running: its function had not returned when the response was due",
			"WARN () records not processed records=3 blocked=1",
		})
	})
}

// A stage drops the failure of one record of the other batch, and another becomes two values.
func TestFailuresOfABatchWithoutALoggerDoNotDisturbTheLogOfAnother(t *testing.T) {
	is := is.New(t)
	var j journal
	own := batch.From(t.Context(), []string{"a", "b"}, byID, batch.WithLogger(slog.New(&j)))
	other := batch.FlatMap(batch.TryEach(batch.Of("x", "y"), failingOn("x")), func(v string) []string { return []string{v, v} })
	both := func(yield func(batch.Result[string]) bool) {
		dropping(own, "b")(yield)
		other(func(r batch.Result[string]) bool { return r.Err() != nil || yield(r) })
	}
	response, err := batch.CollectFirehose(batch.Map(both, func(string) batch.FirehoseRecord { return batch.FirehoseRecord{} }))
	is.NoErr(err)
	is.Equal(lo.Map(response.Records, func(r batch.FirehoseResult, _ int) string { return r.Result }),
		[]string{"Ok", "ProcessingFailed", "ProcessingFailed", "ProcessingFailed"})
	is.Equal(j.lines, []string{"WARN () records not processed records=4 unreached=1"})
}

// The batch without a logger comes first. Of the other one a stage throws a failure away.
func TestADiscardedFailureIsLoggedThoughAnotherBatchHasNoLogger(t *testing.T) {
	is := is.New(t)
	var j journal
	own := batch.From(t.Context(), []string{"a", "b"}, byID, batch.WithLogger(slog.New(&j)))
	failing := unchanged(batch.TryEach(own, failingOn("a")))
	both := func(yield func(batch.Result[string]) bool) {
		batch.Of("x")(yield)
		failing(func(r batch.Result[string]) bool { return r.Err() != nil || yield(r) })
	}
	response, err := batch.Collect(both)
	is.NoErr(err)
	is.Equal(listed(response), []string{"a"})
	is.Equal(j.lines, []string{"ERROR () record failed record=a error=boom"})
}

// Run gets both batches. The function of the second one is stuck, and only that batch has a logger.
func TestARecordIsLoggedAsRunningThoughAnotherBatchHasNoLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var j journal
		own := grouped(ctx, []string{"g", "h"}, reserve, batch.WithLogger(slog.New(&j)))
		both := func(yield func(batch.Result[string]) bool) {
			batch.From(ctx, []string{"x"}, byID, reserve, batch.WithLogger(nil))(yield)
			own(yield)
		}
		response, err := batch.Run(both, batch.Each(stuckOn(t, "1")))
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1"})
		is.Equal(j.lines, []string{"WARN () record still running record=r1 group=h"})
	})
}
