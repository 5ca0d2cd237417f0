package batch_test

// Lanes and routes in the lanes of Parallel.

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// onOneRoute sends everything through one route.
func onOneRoute(stage batch.Stage[string, string]) batch.Stage[string, string] {
	return func(s texts) texts {
		return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: stage})
	}
}

// Of the 40 records, the function after the inner lanes hangs for record 1, or takes a minute. A lane around two lanes holds two
// records at most.
func TestARecordThatHangsAfterLanesWithinALaneDelaysOnlyWhatItsLaneHolds(t *testing.T) {
	for name, test := range map[string]struct {
		inner batch.Stage[string, string]
		most  int
	}{
		"no inner lanes": {batch.Each(succeed), 1},
		"one lane":       {parallel(1, batch.Each(succeed)), 1},
		"two lanes":      {parallel(2, batch.Each(succeed)), 2},
		"a route":        {onOneRoute(batch.Each(succeed)), 1},
		"both":           {parallel(2, onOneRoute(batch.Each(succeed))), 2},
	} {
		after := func(f func(context.Context, string) error) batch.Stage[string, string] {
			return func(s texts) texts {
				return batch.Parallel(s, 4, func(s texts) texts {
					return batch.TryEach(test.inner(s), func(ctx context.Context, v string) error {
						time.Sleep(time.Millisecond)
						return f(ctx, v)
					})
				})
			}
		}
		t.Run(name+"/stuck", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				response, err := batch.Run(grouped(ctx, make([]string, 40), reserve), after(stuckOn(t, "1")))
				is.NoErr(err)
				is.True(len(listed(response)) <= test.most)
				is.True(slices.Contains(listed(response), "r1"))
			})
		})
		t.Run(name+"/slow", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				start, late := time.Now(), 0
				slow := func(_ context.Context, v string) error {
					if v == "1" {
						time.Sleep(time.Minute)
					}
					return nil
				}
				response, err := batch.Run(grouped(t.Context(), make([]string, 40)), func(s texts) texts {
					return batch.Tap(after(slow)(s), func(batch.Result[string]) {
						if time.Since(start) > time.Second {
							late++
						}
					})
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{})
				is.True(late <= test.most)
			})
		})
	}
}

// While the consumer of the lanes inside is at one Result, the next one may be taken.
func TestLanesWithinALaneTakeTheNextRecordAsSoonAsOneIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		_, err := batch.Run(grouped(t.Context(), make([]string, 12)), parallel(2, func(s texts) texts {
			return batch.TryEach(inLanes(s, 3, taking(time.Second)), taking(time.Second))
		}))
		is.NoErr(err)
		is.Equal(time.Since(start), 7*time.Second) // a second later, one after the other, each lane has worked on six
	})
}
