package batch_test

// When the contexts in lanes end: those of two batches at different times, or long before the deadline.

import (
	"context"
	"errors"
	"strconv"
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

// The function returns half a patience after the contexts have ended.
func TestLanesInLanesWaitForFunctionsAfterTheContextsHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		_, failures := batch.Partition(batch.Parallel(grouped(ctx, []string{"a", "b"}, reserve, batch.WithLogger(nil)), 2, func(s texts) texts {
			return inLanes(s, 2, taking(6500*time.Millisecond))
		}))
		is.Equal(len(failures), 0)
	})
}

// The lane takes the second record after its context has ended, and a Tap hangs there. The source may hang as well. Run
// would not wait longer, either.
func TestLanesAreGivenUpInTimeThoughTheyTookARecordAfterTheContextsHadEnded(t *testing.T) {
	for _, sourceHangs := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, reserve := deadline(t)
			start, hang := time.Now(), stuckOn(t, "1")
			source := func(yield func(batch.Result[string]) bool) {
				grouped(ctx, []string{"a", "b"}, reserve, batch.WithLogger(nil))(yield)
				if sourceHangs {
					_ = hang(ctx, "1")
				}
			}
			_, failures := batch.Partition(batch.Parallel(source, 1, func(s texts) texts {
				return batch.Tap(batch.TryEach(s, taking(6200*time.Millisecond)), func(r batch.Result[string]) {
					_ = hang(ctx, strconv.Itoa(r.Record().Index))
				})
			}))
			is.True(time.Since(start) <= 8*time.Second) // the contexts end at 6 s, and half of the reserve is 2 s
			is.Equal(len(failures), 1)
			is.Equal(failures[0].Record.Index, 1)
		})
	}
}

// A stage takes one result out of the lanes, leaves the loop and hangs.
func TestARecordAtWhichTheLoopOverLanesWasLeftIsNotReportedAsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		hang := stuckOn(t, "")
		var report batch.Report
		source := grouped(ctx, []string{"a", "b"}, reserve, batch.WithLogger(nil), batch.WithoutAllFailedError(),
			batch.WithReport(func(_ context.Context, r batch.Report) { report = r }))
		_, err := batch.Run(source, func(s texts) texts {
			return func(func(batch.Result[string]) bool) {
				for range inLanes(s, 1, succeed) {
					break
				}
				_ = hang(ctx, "")
			}
		})
		is.NoErr(err)
		is.Equal([]int{report.Reported(), report.Unreached + report.NotStarted, report.Running}, []int{2, 2, 0}) // the lane may have taken b
	})
}
