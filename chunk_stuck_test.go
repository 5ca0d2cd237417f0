package batch_test

// Functions that hang while a chunk is written or sent on.

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// chunkPlaces are where TryEachChunk may be: alone, in lanes or after them.
var chunkPlaces = map[string]func(s texts, stage func(texts) texts) texts{
	"alone":       func(s texts, stage func(texts) texts) texts { return stage(s) },
	"in a lane":   func(s texts, stage func(texts) texts) texts { return batch.Parallel(s, 1, stage) },
	"after lanes": func(s texts, stage func(texts) texts) texts { return stage(inLanes(s, 1, succeed)) },
}

func TestTheRecordsOfAChunkWhoseFunctionHangsAreReportedAsRunning(t *testing.T) {
	for place, around := range chunkPlaces {
		t.Run(place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				stuck := stuckOn(t, "2")
				var report batch.Report
				response, err := batch.Run(grouped(ctx, groupsInTurn(5, 5), reserve, reportInto(&report)), func(s texts) texts {
					return around(s, func(s texts) texts {
						return batch.TryEachChunk(s, 2, func(ctx context.Context, vs []string) error { return stuck(ctx, vs[0]) })
					})
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{"r2", "r3", "r4"})
				for _, f := range report.Failures {
					is.Equal(errors.Is(f.Err, batch.ErrRunning), f.Record.ID != "r4")
				}
			})
		})
	}
}

// The stage after the chunk hangs on a Result of no record, when those before it have arrived.
func TestNoRecordRunsWhileAResultOfNoRecordIsSentOnFromAChunk(t *testing.T) {
	for place, around := range chunkPlaces {
		t.Run(place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				release := make(chan struct{})
				t.Cleanup(func() { close(release) })
				response, err := batch.Run(grouped(ctx, groupsInTurn(2, 2), reserve), func(s texts) texts {
					return around(s, func(s texts) texts {
						adding := func(yield func(batch.Result[string]) bool) {
							s(yield)
							yield(batch.Result[string]{})
						}
						chunks := batch.TryEachChunk(adding, 5, func(context.Context, []string) error { return nil })
						return batch.Tap(chunks, func(r batch.Result[string]) {
							if r.Record().ID == "" {
								<-release
							}
						})
					})
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{})
			})
		})
	}
}

// The last function hangs on record 1, so the lane waits until the consumer takes more.
func TestNoRecordRunsInALaneThatWaitsForTheConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		response, err := batch.Run(grouped(ctx, groupsInTurn(300, 300), reserve), func(s texts) texts {
			return batch.TryEach(inLanes(s, 1, succeed), stuckOn(t, "1"))
		})
		is.NoErr(err)
		is.Equal(listed(response)[0], "r1")
	})
}

// The first Result goes past the lanes. Record 2 hangs, and at 2s time runs short.
func TestAChunkIsWrittenInTimeThoughItsFirstResultWentPastTheLanesBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var written effects
		past := func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				next, stop := iter.Pull(s)
				defer stop()
				first, _ := next()
				if yield(first) {
					inLanes(remaining(next), 2, stuckOn(t, "2"))(yield)
				}
			}
		}
		start := time.Now()
		response, err := batch.Run(grouped(ctx, groupsInTurn(3, 3), reserve), func(s texts) texts {
			return batch.TryEachChunk(past(s), 10, func(_ context.Context, vs []string) error {
				is.Equal(time.Since(start), 2*time.Second)
				written.note(vs...)
				return nil
			})
		})
		is.NoErr(err)
		is.Equal(written.all, []string{"0", "1"})
		is.Equal(listed(response), []string{"r2"})
	})
}
