package batch_test

import (
	"context"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// The stage in the lane is left running with the last record. When scopes are closed, it sends copies of the others again and
// again, which come too late.
func TestAnAcknowledgedRecordHasFinishedThoughALaneThatWasLeftSendsItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		const last = 199
		closing, over := make(chan struct{}), atomic.Bool{}
		sendAgain := func(all []batch.Result[string], yield func(batch.Result[string]) bool) {
			for <-closing; !over.Load(); {
				for _, r := range all {
					yield(r)
				}
				runtime.Gosched()
			}
		}
		outcomes := make(map[int]batch.Outcome)
		scope := batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
			return ctx, func(o batch.Outcome) {
				if r.Index == 0 {
					close(closing)
				}
				outcomes[r.Index] = o
				runtime.Gosched()
			}
		})
		response, err := batch.Run(grouped(ctx, groupsInTurn(last+1, last+1), reserve, scope), func(s texts) texts {
			s = batch.TryEach(s, succeed) // opens the scopes
			return batch.Parallel(s, 1, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					var all []batch.Result[string]
					for r := range s {
						if r.Record().Index == last {
							sendAgain(all, yield)
							return
						}
						all = append(all, r)
						yield(r)
					}
				}
			})
		})
		over.Store(true)
		is.NoErr(err)
		is.Equal(listed(response), []string{"r" + strconv.Itoa(last)})
		for i := range last {
			is.True(!outcomes[i].Finished.IsZero())
		}
		is.True(outcomes[last].Finished.IsZero())
	})
}
