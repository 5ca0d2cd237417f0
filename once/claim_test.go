package once_test

// How long a claim lasts, and what happens after it has ended.

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
)

// sleeping returns a function that takes d, even if its context ends earlier.
func sleeping(d time.Duration, pays int, err error) func(context.Context, order) (receipt, error) {
	return func(_ context.Context, o order) (receipt, error) {
		time.Sleep(d)
		return receipt{o.ID, pays}, err
	}
}

func TestAClaimEndsWithTheContextOfItsRecord(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		stuck := once.Map(store, order.key, sleeping(time.Hour, 1, nil))
		go func() { _, _ = stuck(within(t, 10*time.Second), order{ID: "o-1"}) }()

		charge := once.Map(store, order.key, sleeping(0, 2, nil))
		time.Sleep(9 * time.Second)
		_, err := charge(within(t, 10*time.Second), order{ID: "o-1"})
		is.True(errors.Is(err, once.ErrInProgress))
		time.Sleep(2 * time.Second)
		got, err := charge(within(t, 10*time.Second), order{ID: "o-1"})
		is.NoErr(err)
		is.Equal(got.Paid, 2)
		time.Sleep(time.Hour)
	})
}

func TestAClaimThatHasNoEndBlocksUntilItExpires(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		stuck := once.Map(store, order.key, sleeping(3*time.Hour, 1, nil), once.WithExpiry(2*time.Hour))
		go func() { _, _ = stuck(t.Context(), order{ID: "o-1"}) }()

		charge := once.Map(store, order.key, sleeping(0, 2, nil))
		time.Sleep(2 * time.Hour)
		_, err := charge(t.Context(), order{ID: "o-1"})
		is.True(errors.Is(err, once.ErrInProgress))
		time.Sleep(2 * time.Second)
		_, err = charge(t.Context(), order{ID: "o-1"})
		is.NoErr(err)
		time.Sleep(time.Hour)
	})
}

func TestAClaimLastsUntilItsEndEvenIfTheKeyWouldExpireBefore(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		slow := once.Map(store, order.key, sleeping(50*time.Second, 1, nil), once.WithExpiry(time.Second))
		done := make(chan error)
		go func() { _, err := slow(within(t, time.Minute), order{ID: "o-1"}); done <- err }()

		time.Sleep(40 * time.Second)
		_, err := once.Map(store, order.key, sleeping(0, 2, nil))(within(t, time.Minute), order{ID: "o-1"})
		is.True(errors.Is(err, once.ErrInProgress))
		is.NoErr(<-done)
	})
}

func TestALateResultIsReportedAndChangesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		second time.Duration // how long the call takes that has claimed the key meanwhile; 0: there is none
		want   int           // what is saved in the end
	}{
		"the key is not claimed":  {0, 3},
		"another call is working": {time.Minute, 2},
		"another call is done":    {time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			withEach(t, func(t *testing.T, store once.Store) {
				is := is.New(t)
				late := make(chan error, 1)
				go func() {
					_, err := once.Map(store, order.key, sleeping(15*time.Second, 1, nil))(within(t, 10*time.Second), order{ID: "o-1"})
					late <- err
				}()
				time.Sleep(11 * time.Second)
				second := make(chan error, 1)
				go func() {
					if test.second == 0 {
						second <- nil
						return
					}
					_, err := once.Map(store, order.key, sleeping(test.second, 2, nil))(within(t, 2*time.Minute), order{ID: "o-1"})
					second <- err
				}()
				err := <-late
				is.True(errors.Is(err, once.ErrLate))
				is.Equal(err.Error(), `key "o-1": finished after its claim had ended`)
				is.NoErr(<-second)
				got, err := once.Map(store, order.key, sleeping(0, 3, nil))(t.Context(), order{ID: "o-1"})
				is.NoErr(err)
				is.Equal(got.Paid, test.want)
			})
		})
	}
}

func TestALateFailureDoesNotFreeTheKeyOfAnotherClaim(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		late := make(chan error, 1)
		go func() {
			_, err := once.Map(store, order.key, sleeping(15*time.Second, 1, errDeclined))(within(t, 10*time.Second), order{ID: "o-1"})
			late <- err
		}()
		time.Sleep(11 * time.Second)
		go func() {
			_, _ = once.Map(store, order.key, sleeping(time.Minute, 2, nil))(within(t, 2*time.Minute), order{ID: "o-1"})
		}()
		is.Equal(<-late, errDeclined)
		_, err := once.Map(store, order.key, sleeping(0, 3, nil))(t.Context(), order{ID: "o-1"})
		is.True(errors.Is(err, once.ErrInProgress))
		time.Sleep(2 * time.Minute)
	})
}

// A break out of a range cancels a record's context before its deadline.
func TestWorkCancelledEarlyStillSavesItsResultOrFreesItsKey(t *testing.T) {
	for name, context := range map[string]func(*testing.T) context.Context{
		"with a deadline": func(t *testing.T) context.Context { return within(t, time.Minute) },
		"without one":     func(t *testing.T) context.Context { return t.Context() },
	} {
		t.Run(name, func(t *testing.T) {
			withEach(t, func(t *testing.T, store once.Store) { expectKeptAndFreed(t, store, context(t)) })
		})
	}
}

func expectKeptAndFreed(t *testing.T, store once.Store, parent context.Context) {
	is := is.New(t)
	run := func(id string, err error) error {
		ctx, cancel := context.WithCancel(parent)
		_, got := once.Map(store, order.key, func(context.Context, order) (receipt, error) {
			cancel()
			return receipt{id, 1}, err
		})(ctx, order{ID: id})
		return got
	}
	is.NoErr(run("kept", nil))
	is.Equal(run("freed", errDeclined), errDeclined)

	charge := once.Map(store, order.key, sleeping(0, 2, nil))
	got, err := charge(parent, order{ID: "kept"})
	is.NoErr(err)
	is.Equal(got.Paid, 1)
	got, err = charge(parent, order{ID: "freed"})
	is.NoErr(err)
	is.Equal(got.Paid, 2)
}

// A cancellingStore cancels the context during Save.
type cancellingStore struct {
	once.Store
	cancel func()
}

func (c cancellingStore) Save(ctx context.Context, claim once.Claim, result []byte) error {
	c.cancel()
	return c.Store.Save(ctx, claim, result)
}

func TestWorkCancelledDuringTheSaveStillSavesItsResult(t *testing.T) {
	for name, d := range map[string]time.Duration{"with a deadline": time.Minute, "without one": 0} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			ctx, cancel := context.WithCancel(t.Context())
			if d > 0 {
				ctx, cancel = context.WithTimeout(t.Context(), d)
			}
			is.NoErr(once.Each(cancellingStore{once.Memory(), cancel}, order.key, pass)(ctx, order{ID: "o-1"}))
		})
	}
}

func TestNothingIsStartedAfterTheClaimHasEnded(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		slow := interceptedStore{Store: store, after: func(operation string) error {
			if operation == "claim" {
				time.Sleep(11 * time.Second)
			}
			return nil
		}}
		calls := 0
		_, err := once.Map(slow, order.key, counting(&calls))(within(t, 10*time.Second), order{ID: "o-1"})
		is.True(err != nil)
		is.Equal(calls, 0)
	})
}

func TestAClaimIsLostIfAnotherLanguageCompletesItsItem(t *testing.T) {
	for _, omitItem := range []bool{false, true} {
		is := is.New(t)
		table := newTable()
		table.omitItem = omitItem
		_, err := once.Map(once.DynamoDB(table, "x"), order.key, func(context.Context, order) (receipt, error) {
			for _, i := range table.items { // a late function's write without a condition
				i["status"], i["data"] = text("COMPLETED"), &types.AttributeValueMemberNULL{Value: true}
			}
			return receipt{"o-1", 1}, nil
		})(t.Context(), order{ID: "o-1"})
		is.True(errors.Is(err, once.ErrLate)) // its result is not saved
	}
}
