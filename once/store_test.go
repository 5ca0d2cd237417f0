package once_test

// Stores called directly, without Map or Each.

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
)

func claimOf(owner string, until time.Duration) once.Claim {
	return once.Claim{Key: "o-1", Owner: owner, Until: time.Now().Add(until), Expires: time.Now().Add(time.Hour)}
}

func TestOnlyTheOwnerOfAClaimMaySaveOrFreeItsKey(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		first := claimOf("first", 10*time.Second)
		is.NoErr(store.Release(t.Context(), first)) // not claimed yet
		is.True(errors.Is(store.Save(t.Context(), first, nil), once.ErrLate))

		found, err := store.Claim(t.Context(), first)
		is.NoErr(err)
		is.True(found == nil)
		time.Sleep(11 * time.Second)
		second := claimOf("second", 10*time.Second)
		found, err = store.Claim(t.Context(), second)
		is.NoErr(err)
		is.True(found == nil)

		is.NoErr(store.Release(t.Context(), first))
		is.True(errors.Is(store.Save(t.Context(), first, nil), once.ErrLate))
		found, err = store.Claim(t.Context(), claimOf("third", 10*time.Second))
		is.NoErr(err)
		is.Equal(found, &once.Found{})

		is.NoErr(store.Save(t.Context(), second, []byte(`7`)))
		is.True(errors.Is(store.Save(t.Context(), first, []byte(`8`)), once.ErrLate))
		is.NoErr(store.Release(t.Context(), second)) // a done key stays done
		found, err = store.Claim(t.Context(), claimOf("third", 10*time.Second))
		is.NoErr(err)
		is.Equal(found, &once.Found{Done: true, Result: []byte(`7`)})
	})
}

func TestAClaimThatIsRepeatedIsTheSameClaim(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		c := claimOf("first", 10*time.Second)
		for range 2 {
			found, err := store.Claim(t.Context(), c)
			is.NoErr(err)
			is.True(found == nil)
		}
		for range 2 {
			is.NoErr(store.Save(t.Context(), c, []byte(`7`)))
		}
		found, err := store.Claim(t.Context(), c)
		is.NoErr(err)
		is.True(found != nil && found.Done)
	})
}

func TestFinishedWorkStaysFinishedAfterItsClaimHasEnded(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		charge := once.Map(store, order.key, counting(&calls))
		for range 2 {
			_, err := charge(within(t, 10*time.Second), order{ID: "o-1"})
			is.NoErr(err)
			time.Sleep(time.Minute)
		}
		is.Equal(calls, 1)
	})
}

func TestAKeyThatWasClaimedWithAPayloadIsAcceptedWithoutOne(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		_, err := once.Map(store, order.key, counting(&calls), once.WithPayload(func(o order) any { return o }))(t.Context(), order{"o-1", 12})
		is.NoErr(err)
		_, err = once.Map(store, order.key, counting(&calls))(t.Context(), order{"o-1", 13})
		is.NoErr(err)
		is.Equal(calls, 1)
	})
}

// A vanishingTable loses its items just before they are read.
type vanishingTable struct{ *table }

func (v vanishingTable) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	clear(v.items)
	return v.table.GetItem(ctx, in, opts...)
}

func TestAKeyThatIsFreedWhileItIsLookedAtIsClaimed(t *testing.T) {
	is := is.New(t)
	table := newTable()
	table.omitItem = true
	store := once.DynamoDB(vanishingTable{table}, "idempotency")
	calls := 0
	for range 2 {
		_, err := once.Map(store, order.key, counting(&calls))(t.Context(), order{ID: "o-1"})
		is.NoErr(err)
	}
	is.Equal(calls, 2)
}

func TestWorkCostsTwoRequestsAndADoneKeyOne(t *testing.T) {
	is := is.New(t)
	table := newTable()
	requests := 0
	table.before = func(context.Context) error { requests++; return nil }
	charge := once.Each(once.DynamoDB(table, "idempotency"), order.key, pass)
	is.NoErr(charge(t.Context(), order{ID: "o-1"}))
	is.Equal(requests, 2)
	is.NoErr(charge(t.Context(), order{ID: "o-1"}))
	is.Equal(requests, 3)
}

func TestMemoryForgetsOnlyExpiredKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, n, calls := once.Memory(), 0, 0
		kept := once.Map(store, order.key, counting(&calls))
		_, _ = kept(t.Context(), order{ID: "kept"})
		ship := once.Each(store, func(order) string { n++; return strconv.Itoa(n) }, pass, once.WithExpiry(time.Second))
		inUse := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := inUse()
		for range 40_000 {
			_ = ship(t.Context(), order{})
			time.Sleep(10 * time.Millisecond)
		}
		if more := int64(inUse()) - int64(before); more > 2<<20 {
			t.Errorf("%d kB are kept", more>>10)
		}
		_, _ = kept(t.Context(), order{ID: "kept"})
		is.New(t).Equal(calls, 1)
	})
}
