package once_test

// Two functions that share a store and keys, and have no names.

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
)

func TestTwoFunctionsThatShareAKeyAreFoundAndNothingIsAcknowledgedUnshipped(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		shipped := 0
		pipeline := func(opts ...once.Option) func(batch.Stream[events.SQSMessage]) batch.Stream[order] {
			charge := once.Each(store, order.key, pass)
			ship := once.Each(store, order.key, func(context.Context, order) error { shipped++; return nil }, opts...)
			return func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
				return batch.TryEach(batch.TryEach(orders(s), charge), ship)
			}
		}
		for range 2 { // the second time, the orders have been charged before
			_, err := batch.Run(batch.SQS(t.Context(), messages("o-1", "o-2")), pipeline())
			is.True(errors.Is(err, once.ErrShared))
			is.True(strings.Contains(err.Error(), "shared_key_test.go:"))
		}
		is.Equal(shipped, 0)

		response, err := batch.Run(batch.SQS(t.Context(), messages("o-1", "o-2")), pipeline(once.WithName("ship")))
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.Equal(shipped, 2)
	})
}

// expectShared sends records through both functions, and checks that the second one fails them with ErrShared.
func expectShared(t *testing.T, charge, ship func(context.Context, order) error) {
	t.Helper()
	is := is.New(t)
	_, err := batch.Run(batch.SQS(t.Context(), messages("o-1", "o-2")), func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
		return batch.TryEach(batch.TryEach(orders(s), charge), ship)
	})
	is.True(errors.Is(err, once.ErrShared))
}

//go:noinline
func idempotent(store once.Store, f func(context.Context, order) error) func(context.Context, order) error {
	return once.Each(store, order.key, f, once.WithExpiry(24*time.Hour))
}

func TestTwoFunctionsThatOneHelperWrapsAreFound(t *testing.T) {
	store := once.Memory()
	expectShared(t, idempotent(store, pass), idempotent(store, func(context.Context, order) error { return nil }))
}

func TestOneFunctionThatIsWrappedTwiceIsFound(t *testing.T) {
	store := once.Memory()
	charge, ship := once.Each(store, order.key, pass), once.Each(store, order.key, pass) // on one line
	expectShared(t, charge, ship)
}

// A stage between the two functions may hold a whole batch.
func TestTwoFunctionsThatShareAKeyAreFoundWithManyOrdersInBetween(t *testing.T) {
	is := is.New(t)
	store := once.Memory()
	values := make([]order, 10_000)
	for i := range values {
		values[i].ID = strconv.Itoa(i)
	}
	charged := batch.TryEach(batch.Of(values...), once.Each(store, order.key, pass))
	kept := func(yield func(batch.Result[order]) bool) { slices.Values(slices.Collect(charged))(yield) }
	_, failures := batch.Partition(batch.TryEach(kept, once.Each(store, order.key, pass)))
	is.Equal(len(failures), len(values))
	for _, f := range failures {
		is.True(errors.Is(f.Err, once.ErrShared))
	}
}

func TestAnotherProviderMayDoTheWorkOfOneThatHasFailed(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		for range 2 {
			receipts, failures := batch.Partition(batch.OrElse(
				batch.TryMap(batch.Of(order{"o-1", 12}), once.Map(store, order.key, declining)),
				func(ctx context.Context, _ error) (receipt, error) {
					calls := 0
					return once.Map(store, order.key, counting(&calls))(ctx, order{"o-1", 12})
				}))
			is.Equal(len(failures), 0)
			is.Equal(receipts, []receipt{{"o-1", 12}})
		}
	})
}

func TestAFallbackThatDoesTheSameWorkUnderTheSameNameIsAllowed(t *testing.T) {
	is := is.New(t)
	store := once.Memory()
	first := once.Each(store, order.key, pass, once.WithName("charge"))
	again := once.Each(store, order.key, pass, once.WithName("charge"))
	_, failures := batch.Partition(batch.TryEach(batch.TryEach(batch.Of(order{ID: "o-1"}), first), again))
	is.Equal(len(failures), 0)
}

func TestOneFunctionThatIsMadeForEachLaneSharesItsKeysWithItself(t *testing.T) {
	is := is.New(t)
	store := once.Memory()
	response, err := batch.Run(batch.SQS(t.Context(), messages("o-1", "o-2", "o-3", "o-4")), func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
		return batch.Parallel(s, 3, func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
			parts := batch.FlatMap(orders(s), func(o order) []order { return []order{o, o} })
			return batch.TryEach(parts, once.Each(store, order.key, pass))
		})
	})
	is.NoErr(err)
	is.Equal(len(response.BatchItemFailures), 0)
}
