package around_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/around"
	"github.com/lambdabatch/batch/examples/around/breaker"
	"github.com/lambdabatch/batch/examples/around/timeout"
	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
	"github.com/sony/gobreaker/v2"
)

var errThrottled = errors.New("throttled")

func newBreaker() *breaker.Breaker {
	return gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{})
}

// The first call hangs, the second is throttled, and the third succeeds. The order arrives twice and is charged once.
func TestOneClaimCoversAllTriesAndEachTryHasItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		calls := 0
		charge := around.Careful(once.Memory(), newBreaker(), func(ctx context.Context, o around.Order) (around.Receipt, error) {
			switch calls++; calls {
			case 1:
				<-ctx.Done()
				return around.Receipt{}, ctx.Err()
			case 2:
				return around.Receipt{}, errThrottled
			}
			return around.Receipt{Order: o.ID}, nil
		})
		start := time.Now()
		receipts, failures := batch.Partition(batch.TryMap(batch.Of(around.Order{ID: "o-1"}, around.Order{ID: "o-1"}), charge))
		is.Equal(len(failures), 0)
		is.Equal(receipts, []around.Receipt{{Order: "o-1"}, {Order: "o-1"}})
		is.Equal(calls, 3)
		is.True(time.Since(start) < 2500*time.Millisecond) // a timeout of 2 s, and waits of about 50 and 100 ms
	})
}

func TestFinishedWorkIsAcknowledgedEvenIfTheServiceIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		down := false
		charge := around.Careful(once.Memory(), newBreaker(), func(_ context.Context, o around.Order) (around.Receipt, error) {
			if down {
				return around.Receipt{}, errThrottled
			}
			return around.Receipt{Order: o.ID}, nil
		})
		_, err := charge(t.Context(), around.Order{ID: "done"})
		is.NoErr(err)
		down = true
		for i := 0; !errors.Is(err, gobreaker.ErrOpenState); i++ {
			_, err = charge(t.Context(), around.Order{ID: fmt.Sprint(i)})
			is.True(err != nil)
		}
		_, err = charge(t.Context(), around.Order{ID: "done"})
		is.NoErr(err)
	})
}

func TestACallThatNeverReturnsFailsAfterAllItsTriesAndFreesItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		hangs := true
		mail := around.CarefulEach(once.Memory(), newBreaker(), func(ctx context.Context, _ around.Order) error {
			if hangs {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		err := mail(t.Context(), around.Order{ID: "o-1"})
		is.True(errors.Is(err, timeout.ErrExceeded))
		hangs = false
		is.NoErr(mail(t.Context(), around.Order{ID: "o-1"}))
	})
}

func ExampleCareful() {
	calls := 0
	charge := around.Careful(once.Memory(), newBreaker(), func(_ context.Context, o around.Order) (around.Receipt, error) {
		if calls++; calls == 1 {
			return around.Receipt{}, errThrottled
		}
		return around.Receipt{Order: o.ID}, nil
	})
	for r := range batch.TryMap(batch.Of(around.Order{ID: "o-1"}, around.Order{ID: "o-1"}), charge) {
		fmt.Println(r.Value())
	}
	fmt.Println(calls, "calls")
	// Output:
	// {o-1} true
	// {o-1} true
	// 2 calls
}

func ExampleCarefulEach() {
	mail := around.CarefulEach(once.Memory(), newBreaker(), func(_ context.Context, o around.Order) error {
		fmt.Println("mail for", o.ID)
		return nil
	})
	for r := range batch.TryEach(batch.Of(around.Order{ID: "o-1"}, around.Order{ID: "o-1"}), mail) {
		fmt.Println(r.Err())
	}
	// Output:
	// mail for o-1
	// <nil>
	// <nil>
}
