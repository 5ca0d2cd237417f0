package batch_test

// What fails after it was carried out of a lane that has ended, or into another one, and is settled, tried again or forgotten.

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func failingOwn(s texts, value string) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if v, ok := r.Value(); ok && v == value {
				r = r.Fail(errBoom)
			}
			if !yield(r) {
				return
			}
		}
	}
}

func toOne(context.Context, error) (string, error) { return "1", nil }

func TestLanesSettleAFailureOfACarriedOutResult(t *testing.T) {
	for _, policy := range everyPolicy {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				return batch.Parallel(failingOwn(carryingOut(s, 1), "1"), 2, func(s texts) texts { return batch.OrElse(s, toOne) })
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{})
		})
	}
}

func TestLanesWithinAStageTakeACarriedOutResultThatHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		source := grouped(t.Context(), []string{"a", "b", "c"}, batch.WithoutAllFailedError())
		own := func(s texts) texts {
			s = failingOwn(inLanes(inLanes(s, 1, succeed), 1, succeed), "1")
			return inLanes(batch.OrElse(inLanes(s, 1, succeed), toOne), 1, succeed)
		}
		response, err := batch.Run(source, func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range carryingOut(s, 1) {
					if r.Record().Index != 1 {
						yield(r)
						continue
					}
					for r := range own(single(r)) {
						yield(r)
					}
				}
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
	})
}

// When the route is chosen, the lanes out of which the result was carried are over, so it is not started.
func TestARouteTakesACarriedOutResultWhoseLanesAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		source := grouped(t.Context(), []string{"a", "b", "c"}, batch.WithoutAllFailedError())
		response, err := batch.Run(source, func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				var kept batch.Result[string]
				for r := range carryingOut(s, 1) {
					if r.Record().Index != 1 {
						yield(r)
						continue
					}
					for r := range inLanes(inLanes(single(r), 1, succeed), 1, succeed) {
						kept = r
					}
				}
				routed := batch.Route(single(kept), func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: unchanged})
				for r := range inLanes(routed, 1, succeed) {
					yield(r)
				}
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1"})
	})
}

// The first attempt fails.
func TestAFunctionMayBeTriedAgainForACarriedOutResult(t *testing.T) {
	for _, policy := range everyPolicy {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var written effects
			source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				tryingTwice := func(yield func(batch.Result[string]) bool) {
					for r := range carryingOut(s, 1) {
						out := batch.Then(r, sameValue(failingOn("1")))
						if out.Err() != nil {
							out = batch.Then(r, sameValue(succeed))
						}
						if !yield(out) {
							return
						}
					}
				}
				return batch.TryEachChunk(tryingTwice, 3, func(_ context.Context, vs []string) error { written.note(vs...); return nil })
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{})
			is.Equal(written.noted(), []string{"0", "1", "2"})
		})
	}
}

// The lane that gets the result of record 1 has lanes inside.
func TestAFailureThatIsHandedOverToALaneThatHasEndedIsNotForgotten(t *testing.T) {
	for _, policy := range everyPolicy {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			handed := make(chan batch.Result[string], 1)
			source := grouped(t.Context(), []string{"a", "b", "c"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				return batch.Parallel(s, 3, func(s texts) texts {
					carry := func(yield func(batch.Result[string]) bool) {
						for r := range s {
							switch r.Record().Index {
							case 1:
								handed <- r
								return
							case 2:
								time.Sleep(time.Second)
								yield(<-handed)
							}
							yield(r)
						}
					}
					return batch.Parallel(carry, 1, func(s texts) texts { return writingAside(s, failingOn("1")) })
				})
			})
			is.NoErr(err)
			is.True(slices.Contains(listed(response), "r1"))
		})
	}
}

// The failure of record 1 is settled in the other lane.
func TestAResultThatComesTooLateIsReportedThoughAFailureOfItWasSettled(t *testing.T) {
	for _, policy := range strictPolicies {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var after effects
			handed := make(chan batch.Result[string], 1)
			source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(policy))
			response, err := batch.Run(source, func(s texts) texts {
				return batch.TryEach(batch.Parallel(s, 3, func(s texts) texts {
					carry := func(yield func(batch.Result[string]) bool) {
						for r := range s {
							if r.Record().Index == 1 {
								handed <- r
								return
							}
							yield(r)
							if r.Record().Index == 2 {
								yield(<-handed)
							}
						}
					}
					return batch.OrElse(batch.TryEach(carry, failingOn("1")), toOne)
				}), after.each)
			})
			is.NoErr(err)
			is.True(!slices.Contains(after.noted(), "1"))
			is.Equal(listed(response), []string{"r1", "r2"})
		})
	}
}

// Record 0 is stuck in the lanes.
func TestARouteWithLanesGoesOnBehindAStageThatKeepsResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "0")
		inner := func(ctx context.Context, v string) error { time.Sleep(time.Second); return stuck(ctx, v) }
		source := grouped(ctx, []string{"g", "g", "k", "k", "k"}, reserve, batch.WithPolicy(batch.StopGroup))
		response, err := batch.Run(source, func(s texts) texts {
			s = batch.TryEach(buffering(5, inOrder)(s), succeed)
			return batch.Route(s, func(v string) bool { return v == "1" || v == "3" }, map[bool]batch.Stage[string, string]{
				false: func(s texts) texts { return inLanes(s, 4, inner) }, true: batch.Each(succeed),
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1"})
	})
}

// The lanes in which the result was are in a lane, which has ended before the response, too.
func TestAFailureOfAResultCarriedOutOfLanesWithinALaneIsNotForgotten(t *testing.T) {
	for _, policy := range strictPolicies {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				return batch.Parallel(s, 1, func(s texts) texts { return writingAside(carryingOut(s, 1), failingOn("1")) })
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{"r1", "r2"})
		})
	}
}

// Records 0 and 1 are carried out of lanes that have ended, and fail. The others are in the same two groups.
func TestFailuresOfResultsCarriedOutOfSeveralLanesHoldBackTheirGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var tried effects
		blockers := make(map[string]string)
		report := batch.WithReport(func(_ context.Context, r batch.Report) {
			for _, f := range r.Failures {
				blockers[f.Record.ID] = f.Err.Error()
			}
		})
		source := grouped(t.Context(), []string{"g", "h", "g", "h"}, batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError(), report)
		_, err := batch.Run(source, func(s texts) texts {
			carried := make(chan batch.Result[string], 2)
			lanes := batch.Parallel(s, 4, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if r.Record().Index < 2 {
							carried <- r
							return
						}
						yield(r)
					}
				}
			})
			failing := batch.TryEach(func(yield func(batch.Result[string]) bool) {
				var others []batch.Result[string]
				for r := range lanes {
					if others = append(others, r); len(others) == 2 {
						time.Sleep(time.Second)
						yield(<-carried)
						yield(<-carried)
						slices.Values(others)(yield)
					}
				}
			}, func(_ context.Context, v string) error { tried.note(v); return errBoom })
			return batch.TryEachChunk(failing, 10, func(context.Context, []string) error { return nil })
		})
		is.NoErr(err)
		slices.Sort(tried.all)
		is.Equal(tried.all, []string{"0", "1"})
		is.Equal(blockers, map[string]string{
			"r0": "boom", "r1": "boom", "r2": `blocked by record "r0"`, "r3": `blocked by record "r1"`,
		})
	})
}
