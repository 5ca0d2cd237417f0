package batch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// A result has room for the number of 255 feeders. The consumers of all further lanes share one.
func TestAPipelineMayHaveMoreThan255Parallels(t *testing.T) {
	many := func(s texts) texts {
		for range 260 {
			s = batch.Parallel(s, 1, unchanged)
		}
		return s
	}
	for _, policy := range everyPolicy {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var report batch.Report
				var written effects
				ctx, reserve := deadline(t)
				response, err := batch.Run(grouped(ctx, []string{"g", "h", "g", "h"}, reserve, batch.WithPolicy(policy), reportInto(&report)), func(s texts) texts {
					s = inLanes(many(s), 4, stuckOn(t, "1"))
					return batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error { written.note(vs...); return nil })
				})
				is.NoErr(err)
				want := map[batch.Policy][]string{
					batch.Continue:  {"r1"},
					batch.StopGroup: {"r1", "r3"},
					batch.StopBatch: {"r1", "r2", "r3"},
				}[policy]
				is.Equal(listed(response), want)
				is.Equal(len(written.all), 4-len(want))
				is.Equal(runningIDs(report), []string{"r1"})
			})
		})
	}
}

// A failure goes from the second to last lanes into the last ones, whose Catch takes long and then leaves it as it is. The stages
// before must not take the failure for one that is undecided in their own lanes.
func TestAFailureBetweenLanesThatShareAFeederHoldsBackItsGroup(t *testing.T) {
	for _, before := range []int{0, 252, 253, 254, 255, 300} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var called effects
			source := grouped(t.Context(), []string{"g", "g"}, batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				for range before {
					s = batch.Parallel(s, 1, unchanged)
				}
				s = batch.Parallel(s, 2, func(s texts) texts {
					return lingering(batch.TryEach(s, func(ctx context.Context, v string) error {
						called.note(v)
						return failingOn("0")(ctx, v)
					}))
				})
				return batch.Parallel(s, 2, func(s texts) texts {
					return batch.Catch(s, func(_ context.Context, err error) error { time.Sleep(10 * time.Second); return err })
				})
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{"r0", "r1"})
			is.Equal(called.all, []string{"0"})
		})
	}
}
