package peers

// Several records at once.

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/matryer/is"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch"
)

// slow takes a second per record, and tells how many records it had at the same time.
func slow(f func(context.Context, string) error, most *atomic.Int32) func(context.Context, string) error {
	var now atomic.Int32
	return func(ctx context.Context, body string) error {
		n := now.Add(1)
		defer now.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		time.Sleep(time.Second)
		return f(ctx, body)
	}
}

// apart are bodies of records that no group keeps in order.
func apart(n int) []string {
	return lo.Times(n, func(i int) string { return "fine@" + strconv.Itoa(i) })
}

func TestAsManyRecordsRunAtOnceAsThereAreLanes(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		for _, lanes := range []int{1, 2, 4, 10} {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var w worker
				var most atomic.Int32
				work := slow(w.do, &most)
				h := s.handler(func(s texts) texts { return batch.Parallel(s, lanes, batch.Each(work)) })
				start := time.Now()
				response, err := h.Invoke(context.Background(), s.event(apart(10)...))
				is.NoErr(err)
				is.Equal(string(response), reporting())
				is.Equal(int(most.Load()), lanes)
				is.Equal(time.Since(start), time.Duration((10+lanes-1)/lanes)*time.Second)
			})
		}
	})
}

func TestInLanesExactlyTheFailedMessagesAreReportedInBatchOrder(t *testing.T) {
	for _, lanes := range []int{2, 5} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var w worker
			h := standard.handler(func(s texts) texts {
				return batch.Parallel(s, lanes, batch.Each(func(ctx context.Context, body string) error {
					if body == "bad and slow" {
						time.Sleep(time.Minute) // so it finishes last
					}
					return w.do(ctx, body)
				}))
			})
			response, err := h.Invoke(context.Background(), standard.event("fine", "bad and slow", "fine", "bad", "fine"))
			is.NoErr(err)
			is.Equal(string(response), reporting("2", "4"))
			is.Equal(len(w.called), 5)
			is.Equal(w.called[4], "bad and slow")
		})
	}
}

func TestInLanesAFailureOnAStreamReportsTheLaterRecordsUnlessThePolicyIsContinue(t *testing.T) {
	forEach(t, streams, func(t *testing.T, s source) {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			for _, test := range []struct {
				opts     []batch.Option
				reported []string
			}{{nil, []string{"2", "3", "4", "5"}}, {[]batch.Option{batch.WithPolicy(batch.Continue)}, []string{"2", "4"}}} {
				var w worker
				response, err := s.handler(w.inLanes, test.opts...).Invoke(context.Background(), s.event("fine@a", "bad@b", "fine@c", "bad@d", "fine@e"))
				is.NoErr(err)
				is.Equal(string(response), reporting(test.reported...))
			}
		})
	})
}

func TestWithoutLanesRecordsRunInOrderOneAtATime(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var w worker
			var most atomic.Int32
			h := s.handler(batch.Each(slow(w.do, &most)))
			_, err := h.Invoke(context.Background(), s.event("c@1", "a@2", "b@3"))
			is.NoErr(err)
			is.Equal(int(most.Load()), 1)
			is.Equal(w.called, []string{"c", "a", "b"})
		})
	})
}
