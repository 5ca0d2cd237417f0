package batch_test

// Lanes within a lane that have all ended before their input.

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// Record 0 ends the lanes in its route. Record 2 comes to the same route afterwards, and record 3, of its group, to the other one.
func TestNoRecordOvertakesOneWhoseRouteHasLanesThatHaveEnded(t *testing.T) {
	inner := func(stage func(texts) texts) func(texts) texts {
		return func(s texts) texts { return batch.Parallel(s, 1, stage) }
	}
	for what, deed := range map[string]func(texts) texts{
		"stage panics":             func(s texts) texts { return misbehavingAt(s, "0", misdeeds["panics"]) },
		"stage ends its goroutine": func(s texts) texts { return misbehavingAt(s, "0", misdeeds["ends its goroutine"]) },
		"function ends its goroutine": func(s texts) texts {
			return batch.TryEach(s, func(_ context.Context, v string) error {
				if v == "0" {
					runtime.Goexit()
				}
				return nil
			})
		},
	} {
		for where, in := range map[string]func(texts) texts{"lanes": inner(deed), "lanes in lanes": inner(inner(deed))} {
			t.Run(what+" in "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					var stored effects
					store := func(ctx context.Context, v string) error {
						time.Sleep(time.Second)
						return stored.each(ctx, v)
					}
					routes := map[string]batch.Stage[string, string]{
						"b": func(s texts) texts { return batch.TryEach(in(s), store) },
						"a": batch.Each(store),
					}
					s := grouped(t.Context(), []string{"b", "a", "a", "a"}, batch.WithPolicy(batch.StopGroup))
					response, err := batch.Run(s, func(s texts) texts {
						return batch.Route(s, func(v string) string { return map[string]string{"0": "b", "1": "a", "2": "b", "3": "a"}[v] }, routes)
					})
					is.NoErr(err)
					is.Equal(listed(response), []string{"r0", "r2", "r3"})
					is.Equal(stored.all, []string{"1"})
				})
			})
		}
	}
}
