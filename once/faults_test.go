package once_test

// Stores that fail.

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
)

var errDown = errors.New("throttled")

// An interceptedStore calls before and after around each operation. If before returns an error, the operation
// is not done. If after returns an error, the operation is done, but the caller gets that error.
type interceptedStore struct {
	once.Store
	before, after func(operation string) error
}

func (w interceptedStore) around(operation string, do func() error) error {
	if w.before != nil {
		if err := w.before(operation); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if w.after != nil {
		return w.after(operation)
	}
	return nil
}

func (w interceptedStore) Claim(ctx context.Context, c once.Claim) (found *once.Found, err error) {
	err = w.around("claim", func() (err error) { found, err = w.Store.Claim(ctx, c); return err })
	return found, err
}

func (w interceptedStore) Save(ctx context.Context, c once.Claim, result []byte) error {
	return w.around("save", func() error { return w.Store.Save(ctx, c, result) })
}

func (w interceptedStore) Release(ctx context.Context, c once.Claim) error {
	return w.around("release", func() error { return w.Store.Release(ctx, c) })
}

// failing returns a function for interceptedStore that fails one kind of operation.
func failing(operation string) func(string) error {
	return func(o string) error {
		if o == operation {
			return errDown
		}
		return nil
	}
}

func TestNothingIsDoneForAKeyThatCannotBeClaimed(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		_, err := once.Map(interceptedStore{Store: store, before: failing("claim")}, order.key, counting(&calls))(t.Context(), order{ID: "o-1"})
		is.True(errors.Is(err, errDown))
		is.Equal(err.Error(), `claim key "o-1": throttled`)
		is.Equal(calls, 0)
	})
}

// expectBlockedForAMinute checks that o-1 is claimed, and that its work is done once the claim has ended.
func expectBlockedForAMinute(t *testing.T, store once.Store) {
	t.Helper()
	is := is.New(t)
	calls := 0
	charge := once.Map(store, order.key, counting(&calls))
	_, err := charge(t.Context(), order{ID: "o-1"})
	is.True(errors.Is(err, once.ErrInProgress))
	time.Sleep(time.Minute + time.Second)
	_, err = charge(t.Context(), order{ID: "o-1"})
	is.NoErr(err)
	is.Equal(calls, 1)
}

func TestAResultThatIsNotSavedFailsItsRecordAndKeepsTheClaimToItsEnd(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		_, err := once.Map(interceptedStore{Store: store, before: failing("save")}, order.key, counting(&calls))(within(t, time.Minute), order{ID: "o-1"})
		is.True(errors.Is(err, errDown))
		is.Equal(err.Error(), `save the result of key "o-1": throttled`)
		expectBlockedForAMinute(t, store)
	})
}

func TestWorkIsNotRepeatedIfOnlyTheResponseToItsSaveWasLost(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		_, err := once.Map(interceptedStore{Store: store, after: failing("save")}, order.key, counting(&calls))(within(t, time.Minute), order{ID: "o-1"})
		is.True(errors.Is(err, errDown))
		_, err = once.Map(store, order.key, counting(&calls))(t.Context(), order{ID: "o-1"})
		is.NoErr(err)
		is.Equal(calls, 1)
	})
}

func TestAKeyThatIsNotFreedIsFreeWhenItsClaimEnds(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		_, err := once.Map(interceptedStore{Store: store, before: failing("release")}, order.key, declining)(within(t, time.Minute), order{ID: "o-1"})
		is.Equal(err, errDeclined)
		expectBlockedForAMinute(t, store)
	})
}

// losingFirstResponse returns a table that loses the response to the first request of one kind.
func losingFirstResponse(operation string) *table {
	t := newTable()
	first := true
	t.after = func(o string) error {
		if o == operation && first {
			first = false
			return errNoResponse
		}
		return nil
	}
	return t
}

func TestARepeatedRequestRecognisesTheFirstOneWhoseResponseWasLost(t *testing.T) {
	for _, silent := range []bool{false, true} {
		for _, operation := range []string{"put", "update"} {
			t.Run(operation, func(t *testing.T) {
				is := is.New(t)
				table := losingFirstResponse(operation)
				table.omitItem = silent
				store := once.DynamoDB(retryingTable{table}, "idempotency")
				calls := 0
				charge := once.Map(store, order.key, counting(&calls))
				for range 2 {
					got, err := charge(within(t, time.Minute), order{"o-1", 12})
					is.NoErr(err)
					is.Equal(got.Paid, 12)
				}
				is.Equal(calls, 1)
			})
		}
	}
}

// A request may also arrive late, after the SDK has repeated it and got the response to the repetition.
func TestALateRequestDoesNotFreeTheKeyOfAnotherClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		store := once.Memory()
		var late func()
		delayed := recordingStore{store, &late}
		_, err := once.Map(delayed, order.key, declining)(within(t, time.Minute), order{ID: "o-1"})
		is.Equal(err, errDeclined)

		charge := once.Map(store, order.key, func(context.Context, order) (receipt, error) {
			late()
			_, err := once.Map(store, order.key, declining)(t.Context(), order{ID: "o-1"})
			is.True(errors.Is(err, once.ErrInProgress))
			return receipt{}, nil
		})
		_, err = charge(within(t, time.Minute), order{ID: "o-1"}) // with the same deadline as the first
		is.NoErr(err)
	})
}

// A recordingStore keeps the last Release, so that a test can repeat it.
type recordingStore struct {
	once.Store
	again *func()
}

func (r recordingStore) Release(ctx context.Context, c once.Claim) error {
	*r.again = func() { _ = r.Store.Release(context.WithoutCancel(ctx), c) }
	return r.Store.Release(ctx, c)
}

func TestAKeyThatOthersAlwaysTakeFirstIsInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		table := newTable()
		table.omitItem = true
		store := once.DynamoDB(table, "idempotency")
		is.NoErr(once.Each(store, order.key, pass, once.WithExpiry(time.Second))(t.Context(), order{ID: "o-1"}))
		// Each time the item is read, it has just expired.
		reads := 0
		table.before = func(context.Context) error {
			if reads++; reads%2 == 0 {
				time.Sleep(3 * time.Second)
			} else {
				for _, i := range table.items {
					i["expiration"] = seconds(time.Now().Add(time.Second))
				}
			}
			return nil
		}
		err := once.Each(store, order.key, pass)(t.Context(), order{ID: "o-1"})
		is.True(errors.Is(err, once.ErrInProgress))
		is.Equal(reads, 6)
	})
}

// tooLarge is the error of DynamoDB for an item of more than 400 KB.
type tooLarge struct{ error }

func (tooLarge) ErrorCode() string { return "ValidationException" }

func TestAResultTooLargeForAnItemFailsItsRecordAndIsNotComputedAgain(t *testing.T) {
	is := is.New(t)
	table := newTable()
	calls := 0
	charge := once.Map(once.DynamoDB(resultRefusingTable{table}, "idempotency"), order.key, counting(&calls))
	for range 2 {
		_, err := charge(within(t, time.Minute), order{ID: "o-1"})
		is.True(errors.Is(err, once.ErrResult))
	}
	is.Equal(calls, 1)
}

func TestAKeyWhoseClaimResponseWasLostBecomesFreeAgain(t *testing.T) {
	for name, context := range map[string]func(*testing.T) context.Context{
		"at the end of its claim":               func(t *testing.T) context.Context { return within(t, time.Minute) },
		"at once, because its claim has no end": func(t *testing.T) context.Context { return t.Context() },
	} {
		t.Run(name, func(t *testing.T) {
			withEach(t, func(t *testing.T, store once.Store) {
				is := is.New(t)
				ctx := context(t)
				released := 0
				broken := interceptedStore{Store: store, after: failing("claim"), before: func(operation string) error {
					if operation == "release" {
						released++
					}
					return nil
				}}
				err := once.Each(broken, order.key, pass, once.WithExpiry(18*24*time.Hour))(ctx, order{ID: "o-1"})
				is.True(errors.Is(err, errDown))
				if _, ends := ctx.Deadline(); ends {
					is.Equal(released, 0) // a failing store is spared the request
					time.Sleep(time.Minute + time.Second)
				}
				is.NoErr(once.Each(store, order.key, pass)(t.Context(), order{ID: "o-1"}))
			})
		})
	}
}

// explosive is a result whose encoding panics.
type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("boom") }

func TestAResultWhoseEncodingPanicsIsNotComputedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		store, calls := once.Memory(), 0
		for range 3 {
			_, err := once.Map(store, order.key, func(context.Context, order) (explosive, error) { calls++; return explosive{}, nil })(within(t, 10*time.Second), order{ID: "o-1"})
			is.True(errors.Is(err, once.ErrResult))
			time.Sleep(11 * time.Second)
		}
		is.Equal(calls, 1)
	})
}

func TestWorkWhoseResultIsTooLargeAndThatCannotBeMarkedAsDoneHasNotErrResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		saves, calls := 0, 0
		store := interceptedStore{Store: once.Memory(), before: func(operation string) error {
			if operation != "save" {
				return nil
			}
			saves++
			return []error{1: once.ErrResult, 2: errDown, 3: nil}[saves]
		}}
		charge := once.Map(store, order.key, counting(&calls))
		_, err := charge(within(t, 10*time.Second), order{ID: "o-1"})
		is.True(errors.Is(err, errDown))
		is.True(!errors.Is(err, once.ErrResult))
		is.True(strings.Contains(err.Error(), once.ErrResult.Error()))
		time.Sleep(11 * time.Second)
		_, err = charge(within(t, 10*time.Second), order{ID: "o-1"})
		is.NoErr(err)
		is.Equal(calls, 2)
	})
}

// ending is a result whose encoding ends the goroutine.
type ending struct{}

func (ending) MarshalJSON() ([]byte, error) { runtime.Goexit(); return nil, nil }

func TestAResultWhoseEncodingEndsTheGoroutineIsNotComputedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		calls := 0
		end := once.Map(once.Memory(), order.key, func(context.Context, order) (ending, error) { calls++; return ending{}, nil })
		for range 3 {
			ctx := within(t, 10*time.Second)
			var ended sync.WaitGroup
			ended.Go(func() { _, _ = end(ctx, order{ID: "o-1"}) })
			ended.Wait()
			time.Sleep(11 * time.Second)
		}
		is.Equal(calls, 1)
	})
}
