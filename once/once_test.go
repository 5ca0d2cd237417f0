package once_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
)

type order struct {
	ID    string
	Total int
}

func (o order) key() string { return o.ID }

type receipt struct {
	Order string
	Paid  int
}

var errDeclined = errors.New("declined")

// counting returns a function that pays orders and counts its calls.
func counting(calls *int) func(context.Context, order) (receipt, error) {
	return func(_ context.Context, o order) (receipt, error) {
		*calls++
		return receipt{o.ID, o.Total}, nil
	}
}

func declining(context.Context, order) (receipt, error) { return receipt{}, errDeclined }

// stores returns functions that open an empty store of each kind.
func stores() map[string]func() once.Store {
	return map[string]func() once.Store{
		"memory":        once.Memory,
		"table":         func() once.Store { return once.DynamoDB(newTable(), "idempotency") },
		"table, Python": func() once.Store { return once.DynamoDB(newTable(), "idempotency", once.WithPythonItems()) },
		"table, item omitted from failures": func() once.Store {
			t := newTable()
			t.omitItem = true
			return once.DynamoDB(t, "idempotency")
		},
	}
}

// withEach runs a test in virtual time, once per kind of store.
func withEach(t *testing.T, f func(t *testing.T, store once.Store)) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, open()) })
		})
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestTheWorkOfAKeyIsDoneOnceAndItsResultIsReturnedAgain(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		charge := once.Map(store, order.key, counting(&calls))
		for range 3 {
			got, err := charge(t.Context(), order{"o-1", 12})
			is.NoErr(err)
			is.Equal(got, receipt{"o-1", 12})
		}
		is.Equal(calls, 1)
		_, err := charge(t.Context(), order{"o-2", 12})
		is.NoErr(err)
		is.Equal(calls, 2)
	})
}

func TestEachIsForFunctionsThatReturnNothing(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		ship := once.Each(store, order.key, func(context.Context, order) error { calls++; return nil })
		is.NoErr(ship(t.Context(), order{ID: "o-1"}))
		is.NoErr(ship(t.Context(), order{ID: "o-1"}))
		is.Equal(calls, 1)
	})
}

func TestAnyFailureFreesItsKey(t *testing.T) {
	for name, fail := range map[string]func(context.Context, order) (receipt, error){
		"an error": declining,
		"a panic":  func(context.Context, order) (receipt, error) { panic("boom") },
		"the end of its goroutine": func(context.Context, order) (receipt, error) {
			runtime.Goexit()
			return receipt{}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			withEach(t, func(t *testing.T, store once.Store) {
				is := is.New(t)
				failed := make(chan error, 1)
				go func() {
					defer close(failed)
					defer func() { _ = recover() }()
					_, err := once.Map(store, order.key, fail)(within(t, time.Hour), order{ID: "o-1"})
					failed <- err
				}()
				if err, returned := <-failed; returned {
					is.Equal(err, errDeclined) // not wrapped
				}
				calls := 0
				_, err := once.Map(store, order.key, counting(&calls))(t.Context(), order{ID: "o-1"})
				is.NoErr(err)
				is.Equal(calls, 1)
			})
		})
	}
}

func TestAKeyIsInProgressWhileItsWorkRuns(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		again := once.Map(store, order.key, counting(&calls))
		var inside error
		charge := once.Map(store, order.key, func(ctx context.Context, o order) (receipt, error) {
			_, inside = again(ctx, o)
			return receipt{"first", 0}, nil
		})
		_, err := charge(within(t, time.Minute), order{ID: "o-1"})
		is.NoErr(err)
		is.True(errors.Is(inside, once.ErrInProgress))
		is.Equal(inside.Error(), `key "o-1": in progress`)
		is.Equal(calls, 0)
	})
}

func TestAKeyIsForgottenWhenItExpires(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		charge := once.Map(store, order.key, counting(&calls), once.WithExpiry(10*time.Second))
		start := time.Now()
		for time.Since(start) < 9*time.Second {
			_, err := charge(t.Context(), order{ID: "o-1"})
			is.NoErr(err)
			time.Sleep(time.Second)
		}
		is.Equal(calls, 1)
		time.Sleep(3 * time.Second)
		_, err := charge(t.Context(), order{ID: "o-1"})
		is.NoErr(err)
		is.Equal(calls, 2)
	})
}

func TestAKeyIsRememberedForAnHourUnlessToldOtherwise(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		charge := once.Map(store, order.key, counting(&calls))
		for _, wait := range []time.Duration{0, time.Hour - time.Second, 3 * time.Second} {
			time.Sleep(wait)
			_, err := charge(t.Context(), order{ID: "o-1"})
			is.NoErr(err)
		}
		is.Equal(calls, 2)
	})
}

func TestTheExpiryCountsFromTheEndOfTheWork(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		charge := once.Map(store, order.key, func(context.Context, order) (receipt, error) {
			calls++
			time.Sleep(30 * time.Second)
			return receipt{}, nil
		}, once.WithExpiry(10*time.Second))
		_, err := charge(within(t, time.Minute), order{ID: "o-1"})
		is.NoErr(err)
		time.Sleep(9 * time.Second)
		_, err = charge(within(t, time.Minute), order{ID: "o-1"})
		is.NoErr(err)
		is.Equal(calls, 1)
	})
}

func TestTheSameKeyWithAnotherPayloadIsRefused(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		charge := once.Map(store, order.key, counting(&calls), once.WithPayload(func(o order) any { return o }))
		_, err := charge(t.Context(), order{"o-1", 12})
		is.NoErr(err)
		_, err = charge(t.Context(), order{"o-1", 13})
		is.True(errors.Is(err, once.ErrPayload))
		is.Equal(err.Error(), `key "o-1": done for another payload`)
		_, err = charge(t.Context(), order{"o-1", 12})
		is.NoErr(err)
		is.Equal(calls, 1)
	})
}

func TestAKeyThatWasClaimedWithoutAPayloadIsAcceptedWithOne(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		_, err := once.Map(store, order.key, counting(&calls))(t.Context(), order{"o-1", 12})
		is.NoErr(err)
		_, err = once.Map(store, order.key, counting(&calls), once.WithPayload(func(o order) any { return o }))(t.Context(), order{"o-1", 12})
		is.NoErr(err)
		is.Equal(calls, 1)
	})
}

func TestFunctionsOfDifferentNamesDoNotShareKeys(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		for _, opts := range [][]once.Option{nil, {once.WithName("charge")}, {once.WithName("ship")}} {
			_, err := once.Map(store, order.key, counting(&calls), opts...)(t.Context(), order{ID: "o-1"})
			is.NoErr(err)
		}
		is.Equal(calls, 3)
	})
}

func TestARecordWithoutAKeyFails(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		charge := once.Map(store, order.key, counting(&calls))
		for _, id := range []string{"", "\xff"} {
			_, err := charge(t.Context(), order{ID: id})
			is.True(errors.Is(err, once.ErrKey))
		}
		is.Equal(calls, 0)
	})
}

func TestAResultThatCannotBeSavedFailsItsRecordAndIsNotComputedAgain(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		rate := once.Map(store, order.key, func(context.Context, order) (float64, error) { calls++; return math.NaN(), nil })
		for range 2 {
			_, err := rate(t.Context(), order{ID: "o-1"})
			is.True(errors.Is(err, once.ErrResult))
		}
		is.Equal(calls, 1)
	})
}

func TestAResultOfAnotherTypeFailsItsRecord(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		_, err := once.Map(store, order.key, counting(&calls))(t.Context(), order{ID: "o-1"})
		is.NoErr(err)
		_, err = once.Map(store, order.key, func(context.Context, order) ([]int, error) { calls++; return nil, nil })(t.Context(), order{ID: "o-1"})
		is.True(errors.Is(err, once.ErrResult))
		is.True(strings.HasPrefix(err.Error(), `key "o-1": unreadable result: `))
		is.Equal(calls, 1)
	})
}

func TestOnceTheContextHasEndedNothingIsClaimed(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		broken := errors.New("broken off")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(broken)
		calls := 0
		charge := once.Map(store, order.key, counting(&calls))
		_, err := charge(ctx, order{ID: "o-1"})
		is.True(errors.Is(err, broken))
		is.Equal(calls, 0)
		_, err = charge(t.Context(), order{ID: "o-1"})
		is.NoErr(err)
	})
}

func TestADifferentPayloadIsOnlyRejectedOnceTheWorkSucceeds(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		payload := once.WithPayload(func(o order) any { return o.Total })
		var inside error
		other := once.Each(store, order.key, pass, payload)
		first := once.Each(store, order.key, func(ctx context.Context, o order) error {
			inside = other(ctx, order{"o-1", 13})
			return errDeclined
		}, payload)
		is.Equal(first(within(t, time.Minute), order{"o-1", 12}), errDeclined)
		is.True(errors.Is(inside, once.ErrInProgress)) // not ErrPayload: the first one may still fail, as it does
		is.NoErr(other(t.Context(), order{"o-1", 13}))
	})
}

func TestAKeyIsForgottenWhenItExpiresEvenIfTheDeadlineIsLater(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		charge := once.Map(store, order.key, counting(&calls), once.WithExpiry(30*time.Second))
		for range 3 {
			_, err := charge(within(t, 15*time.Minute), order{ID: "o-1"})
			is.NoErr(err)
			time.Sleep(4 * time.Minute)
		}
		is.Equal(calls, 3) // otherwise the later orders would be acknowledged without being charged
	})
}
