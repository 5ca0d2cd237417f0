package idempotency_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/idempotency"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

type stage = func(batch.Stream[string]) batch.Stream[string]

// once claims each value as its own key.
func once(t *table, work stage) stage {
	return idempotency.Once(t.claims(), func(key string) string { return key }, work)
}

func inLanes(n int, work stage) stage {
	return func(s batch.Stream[string]) batch.Stream[string] { return batch.Parallel(s, n, work) }
}

// deliver runs the keys through a stage and returns those that are redelivered.
func deliver(ctx context.Context, keys []string, work stage) (again []string) {
	source := batch.From(ctx, keys, func(key string) batch.Record { return batch.Record{ID: key} },
		batch.WithoutAllFailedError())
	response, _ := batch.Run(source, work)
	for _, f := range response.BatchItemFailures {
		again = append(again, f.ItemIdentifier)
	}
	return again
}

var errThrottled = errors.New("throttled")

func TestWhatIsDoneIsAcknowledgedWithoutBeingDoneAgain(t *testing.T) {
	is := is.New(t)
	store := newTable()
	work := 0
	process := once(store, batch.Each(func(context.Context, string) error { work++; return nil }))

	is.Equal(len(deliver(t.Context(), []string{"a"}, process)), 0)
	is.Equal(len(deliver(t.Context(), []string{"a", "a"}, process)), 0)
	is.Equal(work, 1)
}

func TestWhatSomebodyElseWorksOnIsNotAcknowledged(t *testing.T) {
	is := is.New(t)
	store := newTable(idempotency.Claim{Key: "a", Owner: "other", Expires: time.Now().Add(time.Hour)})
	process := once(store, batch.Each(func(context.Context, string) error { return nil }))

	is.Equal(deliver(t.Context(), []string{"a", "b"}, process), []string{"a"})
	c, _ := store.get("a")
	is.Equal(c.Owner, "other") // nor taken from them

	for r := range process(batch.Of("a")) {
		taken, ok := errors.AsType[*idempotency.TakenError](r.Err())
		is.True(ok)
		is.True(strings.Contains(taken.Error(), `"a"`))
	}
}

func TestAnExpiredClaimIsTakenOver(t *testing.T) {
	is := is.New(t)
	store := newTable(idempotency.Claim{Key: "a", Owner: "dead", Expires: time.Now().Add(-time.Second)})
	process := once(store, batch.Each(func(context.Context, string) error { return nil }))

	is.Equal(len(deliver(t.Context(), []string{"a"}, process)), 0)
	c, _ := store.get("a")
	is.True(c.Done)
}

func TestFailureLetsGoOfTheKey(t *testing.T) {
	for name, work := range map[string]stage{
		"an error": batch.Each(func(context.Context, string) error { return errThrottled }),
		"a panic":  batch.Each(func(context.Context, string) error { panic("boom") }),
		"an error of the last of several": func(s batch.Stream[string]) batch.Stream[string] {
			parts := batch.FlatMap(s, func(string) []string { return []string{"good", "bad"} })
			return batch.TryEach(parts, func(_ context.Context, part string) error {
				if part == "bad" {
					return errThrottled
				}
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := newTable()
			deliver(t.Context(), []string{"a"}, once(store, work))
			_, exists := store.get("a")
			is.New(t).True(!exists)
		})
	}
}

func TestWhatTheStageAcknowledgesCountsAsDone(t *testing.T) {
	is := is.New(t)
	store := newTable()
	deliver(t.Context(), []string{"a"}, once(store, func(s batch.Stream[string]) batch.Stream[string] {
		return batch.Filter(s, func(string) bool { return false })
	}))
	c, _ := store.get("a")
	is.True(c.Done)
}

func TestWhatWasClaimedButNeverStartedIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		store := newTable()
		started := false
		process := once(store, func(s batch.Stream[string]) batch.Stream[string] {
			waited := batch.TryEach(s, func(ctx context.Context, _ string) error { <-ctx.Done(); return nil })
			return batch.TryEach(waited, func(context.Context, string) error { started = true; return nil })
		})
		is.Equal(deliver(ctx, []string{"a"}, process), []string{"a"})
		_, exists := store.get("a")
		is.True(!exists)
		is.True(!started)
	})
}

func TestWhatIsStillRunningKeepsItsKey(t *testing.T) {
	for name, around := range map[string]func(*table, stage) stage{
		"inside lanes": func(t *table, work stage) stage { return inLanes(2, once(t, work)) },
		"around lanes": func(t *table, work stage) stage { return once(t, inLanes(2, work)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				store := newTable()
				free := make(chan struct{})
				defer close(free)
				process := around(store, batch.Each(func(_ context.Context, key string) error {
					if key == "stuck" {
						<-free
					}
					return nil
				}))
				is.Equal(deliver(ctx, []string{"stuck", "b"}, process), []string{"stuck"})
				claim, exists := store.get("stuck")
				is.True(exists && !claim.Done)
			})
		})
	}
}

func TestALostAnswerOfTheFirstWriteLeavesNoClaimBehind(t *testing.T) {
	is := is.New(t)
	store := newTable()
	claims := store.claims()
	claims.Put = func(ctx context.Context, c idempotency.Claim) error {
		if err := store.put(ctx, c); err != nil {
			return err
		}
		return errThrottled
	}
	process := idempotency.Once(claims, func(key string) string { return key },
		batch.Each(func(context.Context, string) error { return nil }))
	is.Equal(deliver(t.Context(), []string{"a"}, process), []string{"a"})
	_, exists := store.get("a")
	is.True(!exists)
}

func TestEveryKeyIsDoneOnceWhateverFailsAndHoweverOftenItComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 12).Draw(t, "keys")
		failures := rapid.MapOf(rapid.SampledFrom(keys), rapid.IntRange(0, 3)).Draw(t, "failures")
		lanes := rapid.IntRange(1, 4).Draw(t, "lanes")

		var mu sync.Mutex
		done := map[string]int{}
		process := inLanes(lanes, once(newTable(), batch.Each(func(_ context.Context, key string) error {
			mu.Lock()
			defer mu.Unlock()
			if failures[key] > 0 {
				failures[key]--
				return errThrottled
			}
			done[key]++
			return nil
		})))

		for left, delivery := keys, 0; len(left) > 0; delivery++ {
			if delivery > 50 {
				t.Fatalf("%v are redelivered again and again", left)
			}
			left = deliver(context.Background(), left, process)
		}
		for _, key := range keys {
			if done[key] != 1 {
				t.Fatalf("%q done %d times", key, done[key])
			}
		}
	})
}

func TestEveryPartOfARecordIsDoneWhicheverFailsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const parts = "xyz"
		keys := []string{"a", "b"}
		failures := rapid.MapOf(rapid.SampledFrom([]string{"ax", "ay", "az", "bx", "by", "bz"}), rapid.IntRange(1, 2)).Draw(t, "failures")
		filtered := rapid.SampledFrom([]string{"", "ax", "ay", "az"}).Draw(t, "filtered")

		done := map[string]bool{filtered: true}
		process := once(newTable(), func(s batch.Stream[string]) batch.Stream[string] {
			split := batch.FlatMap(s, func(key string) []string { return []string{key + "x", key + "y", key + "z"} })
			wanted := batch.Filter(split, func(part string) bool { return part != filtered })
			return batch.TryEach(wanted, func(_ context.Context, part string) error {
				if failures[part] > 0 {
					failures[part]--
					return errThrottled
				}
				done[part] = true
				return nil
			})
		})

		for left, delivery := keys, 0; len(left) > 0; delivery++ {
			if delivery > 20 {
				t.Fatalf("%v are redelivered again and again", left)
			}
			left = deliver(context.Background(), left, process)
		}
		for _, key := range keys {
			for _, part := range parts {
				if !done[key+string(part)] {
					t.Fatalf("%s%c was never done", key, part)
				}
			}
		}
	})
}
