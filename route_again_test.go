package batch_test

// Stages in a route that need its input to end, after lanes within the route.

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

// rangingWithin ranges over its stream once more within the first range, which it then goes on with.
func rangingWithin(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		again := true
		for r := range s {
			if again {
				again = false
				for r := range s {
					if !yield(r) {
						return
					}
				}
			}
			if !yield(r) {
				return
			}
		}
	}
}

// The records of each group go to the routes in turn. The first one has lanes and keeps records until its input ends.
func TestTheInputOfARouteWithLanesEndsIfAStageOfItWaitsForThat(t *testing.T) {
	some := func(context.Context, string) error { time.Sleep(time.Second); return nil }
	for name, stage := range map[string]batch.Stage[string, string]{
		"keeps before lanes":                  func(s texts) texts { return inLanes(hoard(s), 2, some) },
		"keeps in lanes":                      parallel(2, func(s texts) texts { return batch.TryEach(hoard(s), some) }),
		"keeps after lanes":                   func(s texts) texts { return batch.TryEach(hoard(inLanes(s, 2, some)), some) },
		"keeps in lanes in lanes":             parallel(2, parallel(1, func(s texts) texts { return hoard(batch.TryEach(s, some)) })),
		"keeps after lanes in lanes":          parallel(2, func(s texts) texts { return hoard(inLanes(s, 2, some)) }),
		"keeps between lanes":                 func(s texts) texts { return inLanes(hoard(inLanes(s, 2, some)), 2, some) },
		"keeps in a route":                    onOneRoute(func(s texts) texts { return hoard(inLanes(s, 2, some)) }),
		"ranges within a range, after lanes":  func(s texts) texts { return rangingWithin(inLanes(s, 1, some)) },
		"ranges within a range, before lanes": func(s texts) texts { return inLanes(rangingWithin(s), 2, some) },
		"ranges within a range, in lanes":     parallel(2, func(s texts) texts { return rangingWithin(inLanes(s, 1, some)) }),
		"keeps after lanes per record": func(s texts) texts {
			return hoard(func(yield func(batch.Result[string]) bool) {
				for r := range s {
					inLanes(single(r), 1, some)(yield)
				}
			})
		},
		"fetches ahead, after lanes": func(s texts) texts { return hoard(prefetching(3)(inLanes(s, 2, some))) },
	} {
		for _, records := range []int{8, 1000} {
			t.Run(fmt.Sprint(name, ", ", records), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					groups := lo.Times(records, func(i int) string { return fmt.Sprint(i / 4) })
					source := grouped(context.Background(), groups, batch.WithPolicy(batch.StopGroup))
					response, err := batch.Run(source, func(s texts) texts {
						return batch.Route(s, func(v string) int { return indexOf(v) % 2 }, map[int]batch.Stage[string, string]{
							0: stage, 1: batch.Each(succeed),
						})
					})
					is.NoErr(err)
					is.Equal(listed(response), []string{})
				})
			})
		}
	}
}

// The stage returns while the reader of its lanes waits for the next record, which waits for the other route.
func TestARouteMayEndBeforeItsLanesDo(t *testing.T) {
	for dropped, want := range map[bool][]string{false: {"r2"}, true: {"r0", "r1", "r2"}} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			source := grouped(context.Background(), []string{"g", "g", "g"}, batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				return batch.Route(s, func(v string) bool { return v == "1" }, map[bool]batch.Stage[string, string]{
					true: batch.Each(succeed),
					false: func(s texts) texts {
						return func(yield func(batch.Result[string]) bool) {
							for r := range inLanes(s, 2, succeed) {
								if !dropped {
									yield(r)
								}
								return
							}
						}
					},
				})
			})
			is.NoErr(err)
			is.Equal(listed(response), want)
		})
	}
}
