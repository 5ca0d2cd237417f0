package batch_test

// Lanes within a lane that have all ended before their input.

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// After lanes within a lane is a chunk for more records than there are.
func TestAChunkAfterLanesWithinALaneIsWrittenHoweverTheseEnd(t *testing.T) {
	for name, c := range map[string]struct {
		lanes    int
		deed, at string
		want     []string
	}{
		"one stops early":          {1, "stops early", "1", []string{"0"}},
		"one of two crashes":       {2, "ends its goroutine", "1", []string{"0", "2", "3"}},
		"the only one crashes":     {1, "panics", "1", []string{"0"}},
		"it crashes with the last": {1, "ends its goroutine", "3", []string{"0", "1", "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var written effects
				_, err := batch.Run(grouped(t.Context(), make([]string, 4)), func(s texts) texts {
					return batch.Parallel(s, 1, func(s texts) texts {
						s = batch.Parallel(s, c.lanes, func(s texts) texts {
							return misbehavingAt(batch.TryEach(s, taking(time.Second)), c.at, misdeeds[c.deed])
						})
						return batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error { written.note(vs...); return nil })
					})
				})
				is.NoErr(err)
				is.Equal(written.sorted(), c.want)
			})
		})
	}
}

// What a lane drops does not leave it, unless lanes within it have crashed before their input: then it gets all that the lane still has.
func TestWhatALaneDropsDoesNotLeaveItHoweverTheLanesWithinItEnd(t *testing.T) {
	for name, c := range map[string]struct {
		lanes    int
		deed, at string
		after    string // what the stage after the lanes within drops
		want     []string
	}{
		"they return early":                    {1, "stops early", "1", "", []string{"r0"}},
		"one of two crashes":                   {2, "panics", "1", "0", []string{"r1", "r2", "r3"}},
		"the only one crashes before the rest": {1, "panics", "1", "0", []string{"r0", "r1", "r2", "r3"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var left effects
				for r := range batch.Parallel(grouped(t.Context(), make([]string, 4)), 1, func(s texts) texts {
					s = batch.Parallel(s, c.lanes, func(s texts) texts {
						return misbehavingAt(batch.TryEach(s, taking(time.Second)), c.at, misdeeds[c.deed])
					})
					return misbehavingAt(s, c.after, misdeeds["drops it"])
				}) {
					left.note(r.Record().ID)
				}
				slices.Sort(left.all)
				is.Equal(left.all, c.want)
			})
		})
	}
}

// A stage that fetches ahead, and closes its channel only if its goroutine comes to the end, gets to the end of lanes that crash.
func TestLanesThatCrashDoNotEndTheGoroutineOfAStageAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ahead := func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				results := make(chan batch.Result[string])
				go func() {
					for r := range s {
						results <- r
					}
					close(results)
				}()
				for r := range results {
					yield(r)
				}
			}
		}
		response, err := batch.Run(grouped(t.Context(), make([]string, 5), batch.WithoutAllFailedError()), func(s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts {
				return ahead(inLanes(s, 1, func(context.Context, string) error { runtime.Goexit(); return nil }))
			})
		})
		is.NoErr(err)
		is.Equal(len(listed(response)), 5)
	})
}

// One of two lanes within a lane ends its goroutine, and the other one hangs until time has run out. A stage after them has kept
// record 0 until then.
func TestALaneEndsAsUsualIfTimeRunsOutInTheLanesWithinIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "2")
		response, err := batch.Run(grouped(ctx, make([]string, 6), reserve), func(s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts {
				return buffering(10, inOrder)(inLanes(s, 2, func(ctx context.Context, v string) error {
					time.Sleep(time.Second)
					if v == "1" {
						runtime.Goexit()
					}
					return stuck(ctx, v)
				}))
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1", "r2", "r3", "r4", "r5"})
	})
}

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
