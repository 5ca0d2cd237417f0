package retry_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v7"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/around/retry"
	"github.com/matryer/is"
)

// failing returns a function whose first n calls fail, and the number of all calls.
func failing(n int, err error) (f func(context.Context, int) (int, error), calls *int) {
	calls = new(int)
	return func(_ context.Context, v int) (int, error) {
		if *calls++; *calls <= n {
			return 0, err
		}
		return v, nil
	}, calls
}

func TestACallThatFailsForAMomentSucceedsWithinOneDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		f, calls := failing(3, errThrottled)
		got, err := retry.Map(f)(t.Context(), 7)
		is.NoErr(err)
		is.Equal(got, 7)
		is.Equal(*calls, 4)
	})
}

func TestAfterFourCallsTheRecordFailsWithTheLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		f, calls := failing(99, errThrottled)
		_, err := retry.Map(f)(t.Context(), 7)
		is.True(errors.Is(err, errThrottled))
		is.True(errors.Is(err, backoff.ErrExhausted))
		is.Equal(*calls, 4)
	})
}

func TestAPermanentErrorIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		f, calls := failing(99, backoff.Permanent(errDeclined))
		_, err := retry.Map(f)(t.Context(), 7)
		is.True(errors.Is(err, errDeclined))
		is.Equal(*calls, 1)
		is.Equal(time.Since(start), time.Duration(0))
	})
}

func TestAWaitThatWouldOutlastTheRecordsContextIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		f, calls := failing(99, errThrottled)
		_, err := retry.Map(f)(ctx, 7)
		is.True(errors.Is(err, errThrottled))
		is.Equal(*calls, 2) // the second wait, of 80 ms at least, does not fit
		is.NoErr(ctx.Err())
	})
}

func TestTheEndOfTheContextEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		broken := errors.New("broken off")
		time.AfterFunc(10*time.Millisecond, func() { cancel(broken) })
		start := time.Now()
		f, calls := failing(99, errThrottled)
		_, err := retry.Map(f)(ctx, 7)
		is.True(errors.Is(err, broken))
		is.True(errors.Is(err, errThrottled))
		is.Equal(*calls, 1)
		is.Equal(time.Since(start), 10*time.Millisecond)
	})
}

func TestASuccessThatComesAfterTheEndOfTheContextCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		got, err := retry.Map(func(_ context.Context, v int) (int, error) {
			time.Sleep(150 * time.Millisecond)
			return v, nil
		})(ctx, 7)
		is.NoErr(err)
		is.Equal(got, 7)
	})
}

func TestLanesWaitSideBySideEachWithItsOwnBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var seen sync.Map
		flaky := retry.Map(func(_ context.Context, v int) (int, error) {
			calls, _ := seen.LoadOrStore(v, new(atomic.Int32))
			if calls.(*atomic.Int32).Add(1) < 4 {
				return 0, errThrottled
			}
			return v, nil
		})
		start := time.Now()
		response, err := batch.Collect(batch.Parallel(batch.Of(1, 2, 3, 4, 5, 6, 7, 8), 8,
			func(s batch.Stream[int]) batch.Stream[int] { return batch.TryMap(s, flaky) }))
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.True(time.Since(start) <= 420*time.Millisecond) // 50 + 100 + 200 ms, and 20 % of jitter
	})
}

func TestFunctionsWithoutAValueAreTriedAgainToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		calls := 0
		store := retry.Each(func(context.Context, int) error {
			if calls++; calls < 4 {
				return errThrottled
			}
			return nil
		})
		response, err := batch.Collect(batch.TryEach(batch.Of(7), store))
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.Equal(calls, 4)
	})
}
