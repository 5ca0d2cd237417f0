package batch_test

// When the contexts in lanes end: those of two batches at different times, or long before the deadline.

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// Each batch has one record, whose function does not heed its context.
func TestLanesWaitForTheBatchWhoseContextsEndLast(t *testing.T) {
	type invocation struct {
		deadline time.Duration // 1 s after the contexts of the records end
		over     bool          // cancelled
		takes    time.Duration
	}
	short := invocation{deadline: 3 * time.Second}
	long := invocation{deadline: 10 * time.Second, takes: 5 * time.Second}
	over := invocation{deadline: 20 * time.Second, over: true}
	for name, batches := range map[string][]invocation{
		"the later one comes last":  {short, long},
		"the later one comes first": {long, short},
		"the first one is over":     {over, long},
		"the last one is over":      {long, over},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				all := func(yield func(batch.Result[invocation]) bool) {
					for _, b := range batches {
						ctx, cancel := context.WithTimeout(context.Background(), b.deadline)
						t.Cleanup(cancel)
						if b.over {
							cancel()
						}
						batch.From(ctx, []invocation{b}, func(invocation) batch.Record { return batch.Record{} }, batch.WithReserve(time.Second))(yield)
					}
				}
				finished := make(map[invocation]bool)
				for r := range batch.Parallel(all, 2, batch.Each(func(_ context.Context, b invocation) error { time.Sleep(b.takes); return nil })) {
					b, _ := r.Value()
					finished[b] = true
				}
				for _, b := range batches {
					is.Equal(finished[b], !b.over)
				}
			})
		})
	}
}

// The patience begins when the invocation is cancelled, not at its deadline.
func TestLanesWaitAQuarterOfTheReserveAfterAnInvocationIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		parent, reserve := deadline(t)
		ctx, cancel := context.WithCancel(parent)
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, failures := batch.Partition(inLanes(grouped(ctx, []string{"a", "b"}, reserve, batch.WithLogger(nil)), 2, stuckOn(t, "0")))
		is.Equal(time.Since(start), 2*time.Second)
		is.Equal(len(failures), 1)
		is.True(errors.Is(failures[0].Err, batch.ErrRunning))
	})
}

// The consumer is stuck at record 0, so the lane waits with a later one, whose function has returned.
func TestARecordThatWaitsForTheConsumerOfLanesIsNotReportedAsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var report batch.Report
		source := grouped(ctx, make([]string, 500), reserve, batch.WithLogger(nil), batch.WithoutAllFailedError(),
			batch.WithReport(func(_ context.Context, r batch.Report) { report = r }))
		_, err := batch.Run(source, func(s texts) texts { return batch.TryEach(inLanes(s, 1, succeed), stuckOn(t, "0")) })
		is.NoErr(err)
		is.Equal(report.Running, 1)
	})
}

// The first part has left the lane, and the function of the second one is stuck there.
func TestARecordIsReportedAsRunningInALaneThatOneOfItsPartsHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "0b")
		_, failures := batch.Partition(batch.Parallel(grouped(ctx, []string{"a", "b"}, reserve, batch.WithLogger(nil)), 2, func(s texts) texts {
			parts := batch.FlatMap(s, func(v string) []string { return []string{v + "a", v + "b"} })
			return batch.TryEach(parts, stuck)
		}))
		is.Equal(len(failures), 1)
		is.True(errors.Is(failures[0].Err, batch.ErrRunning))
	})
}
