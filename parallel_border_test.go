package batch_test

// Failures that enter or leave lanes: thrown away in a lane, settled there for one copy only, or tried again after the lanes.

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// throwingAway sends all results. When the condition holds, it also lets the first one fail and does not send the failure.
// At the end it calls the condition once more, with over.
func throwingAway(s texts, when func(r batch.Result[string], over bool) bool) texts {
	return func(yield func(batch.Result[string]) bool) {
		var first batch.Result[string]
		discard := func() { _ = batch.Then(first, sameValue(failingOn("0"))) }
		for r := range s {
			if r.Record().Index == 0 {
				first = r
			}
			if when(r, false) {
				discard()
			}
			if !yield(r) {
				return
			}
		}
		if when(first, true) {
			discard()
		}
	}
}

// The lane ends at nearly the same moment as Run, so this takes many rounds.
func TestAFailureThatIsThrownAwayAsALaneEndsCountsOutside(t *testing.T) {
	for range 5000 {
		response, err := batch.Run(grouped(context.Background(), []string{"a", "b"}), func(s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts {
				return throwingAway(s, func(_ batch.Result[string], over bool) bool { return over })
			})
		})
		if err != nil || !slices.Equal(listed(response), []string{"r0"}) {
			t.Fatalf("reported %v, %v", listed(response), err)
		}
	}
}

func TestAFailureThatIsThrownAwayInALaneThatHangsCountsOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		response, err := batch.Run(grouped(ctx, []string{"a", "b"}, reserve, batch.WithoutAllFailedError()), func(s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts {
				s = throwingAway(s, func(r batch.Result[string], over bool) bool { return !over && r.Record().Index == 1 })
				return batch.TryEach(s, stuckOn(t, "1"))
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1"})
	})
}

// The lane of record 0 goes on with record 2. Another lane takes record 3, which is in the group of record 0.
func TestAFailureThatIsThrownAwayInALaneHoldsBackRecordsInOtherLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var taken effects
		source := grouped(context.Background(), []string{"g", "h", "i", "g"}, batch.WithPolicy(batch.StopGroup))
		response, err := batch.Run(source, func(s texts) texts {
			return batch.Parallel(s, 2, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					for r := range s {
						takes := map[string]time.Duration{"0": 10 * time.Millisecond, "1": 100 * time.Millisecond, "2": time.Second}
						done := batch.Then(r, func(_ context.Context, v string) (string, error) {
							time.Sleep(takes[v])
							taken.note(v)
							return v, nil
						})
						if !yield(done) {
							return
						}
						if r.Record().Index == 0 {
							_ = batch.Then(done, sameValue(failingOn("0")))
						}
					}
				}
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r3"})
		is.Equal(taken.all, []string{"0", "1", "2"})
	})
}

// For the stages before, a settled copy that leaves the lanes settles nothing as long as the failed one may still follow.
func TestAFailureInLanesCountsBeforeThemEvenIfASettledCopyHasLeft(t *testing.T) {
	for name, copied := range map[string]func(batch.Result[string]) texts{
		"as it is": func(r batch.Result[string]) texts { return slices.Values([]batch.Result[string]{r.Ack()}) },
		"in parts": func(r batch.Result[string]) texts {
			settled := batch.OrElse(slices.Values([]batch.Result[string]{r}), func(context.Context, error) (string, error) { return "0", nil })
			return splitInTwo(settled)
		},
	} {
		for _, policy := range strictPolicies {
			t.Run(name+" under "+policy.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					var before effects
					source := grouped(context.Background(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
					slow := batch.Tap(source, func(r batch.Result[string]) { time.Sleep(time.Duration(r.Record().Index) * time.Second) })
					response, err := batch.Run(slow, func(s texts) texts {
						s = batch.TryEach(s, before.refusing("0"))
						return batch.Parallel(s, 2, func(s texts) texts {
							return func(yield func(batch.Result[string]) bool) {
								for r := range s {
									for c := range copied(r) {
										yield(c)
									}
									time.Sleep(10 * time.Second)
									yield(r)
								}
							}
						})
					})
					is.NoErr(err)
					is.Equal(len(before.sorted()), 0)
					is.Equal(listed(response), []string{"r0", "r1", "r2"})
				})
			})
		}
	}
}

// The lanes settle one failure of the record. Its failure after the lanes is another, and nothing settles that.
func TestAFailureThatIsThrownAwayAfterLanesCountsEvenIfTheLaneHasFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		response, err := batch.Run(grouped(context.Background(), []string{"a", "b"}), func(s texts) texts {
			s = batch.Parallel(batch.TryEach(s, failingOn("0")), 2, func(s texts) texts {
				return lingering(batch.OrElse(s, func(context.Context, error) (string, error) { return "0", nil }))
			})
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if !yield(r) {
						return
					}
					_ = batch.Then(r, sameValue(failingOn("0")))
				}
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0"})
	})
}

func TestAGroupContinuesWhenNestedLanesHaveFinishedItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var stored effects
		response, err := batch.Run(grouped(ctx, []string{"g", "g", "h"}, reserve, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
			s = batch.Parallel(s, 2, func(s texts) texts {
				return batch.Parallel(s, 2, func(s texts) texts { return lingering(batch.TryEach(s, stuckOn(t, "2"))) })
			})
			return batch.TryEach(s, stored.each)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r2"})
		is.Equal(stored.all, []string{"0", "1"})
	})
}

// Two copies of record 0 are written in one chunk with record 2. The stage after the chunk then processes the copies one by one.
func TestARecordStaysInItsLaneUntilItsLastCopyLeavesTheChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var began effects
		var busy atomic.Int32
		source := grouped(context.Background(), []string{"g", "h", "i", "g"}, batch.WithPolicy(batch.StopGroup))
		response, err := batch.Run(source, func(s texts) texts {
			return batch.Parallel(s, 2, func(s texts) texts {
				s = batch.TryEach(s, func(_ context.Context, v string) error {
					if v == "1" {
						time.Sleep(100 * time.Millisecond) // so that the other lane does not take record 2
					}
					return nil
				})
				s = batch.TryEachChunk(repeating(s), 4, func(context.Context, []string) error { return nil })
				return batch.TryEach(s, func(_ context.Context, v string) error {
					if v == "1" || v == "2" {
						return nil
					}
					began.note(v)
					if busy.Add(1) > 1 {
						t.Error("two results of one group are processed at the same time")
					}
					time.Sleep(time.Second)
					busy.Add(-1)
					return nil
				})
			})
		})
		is.NoErr(err)
		is.Equal(len(listed(response)), 0)
		is.Equal(began.all, []string{"0", "0", "3", "3"})
	})
}

func TestARetryAfterLanesHoldsBackNoRecordInOrBeforeThem(t *testing.T) {
	for _, policy := range strictPolicies {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var stored effects
			source := grouped(context.Background(), []string{"g", "g", "g"}, batch.WithPolicy(policy))
			response, err := batch.Run(source, func(s texts) texts {
				s = batch.TryEach(batch.TryEach(s, taking(time.Second)), taking(time.Second))
				s = batch.Parallel(s, 2, func(s texts) texts {
					return batch.TryEach(batch.TryEach(s, taking(time.Second)), taking(time.Second))
				})
				return batch.TryEach(backingOff(s, 1500*time.Millisecond), stored.each)
			})
			is.NoErr(err)
			is.Equal(len(listed(response)), 0)
			is.Equal(stored.all, []string{"0", "1", "2"})
		})
	}
}

// backingOff lets each result fail once and tries again after a while.
func backingOff(s texts, wait time.Duration) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if refused := batch.Then(r, sameValue(failingOn(r.Record().ID[1:]))); refused.Err() == errBoom {
				time.Sleep(wait)
				refused = batch.Then(r, sameValue(succeed))
				r = refused
			}
			if !yield(r) {
				return
			}
		}
	}
}

// Until the stage sends its second try, the record counts as failed for the stages that run at the same time.
func TestARetryBeforeLanesHoldsBackRecordsInThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var stored effects
		source := grouped(context.Background(), []string{"g", "g"}, batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError())
		response, err := batch.Run(source, func(s texts) texts {
			overtaking := func(yield func(batch.Result[string]) bool) {
				var first batch.Result[string]
				for r := range s {
					if r.Record().Index == 0 {
						first = batch.Then(r, sameValue(failingOn("0")))
						continue
					}
					yield(r)
					time.Sleep(10 * time.Second)
				}
				yield(first)
			}
			return inLanes(overtaking, 2, func(_ context.Context, v string) error { stored.note(v); return nil })
		})
		is.NoErr(err)
		is.Equal(len(stored.all), 0)
		is.Equal(listed(response), []string{"r0", "r1"})
	})
}

// The contexts in lanes end at the moment of the break, so this takes many rounds.
func TestAChunkInLanesIsNotWrittenAfterABreak(t *testing.T) {
	const records = 64
	for range 1000 {
		var broke atomic.Bool
		var late atomic.Int32
		inside := make(chan context.Context, 1)
		all := grouped(context.Background(), groupsInTurn(records, records))
		source := func(yield func(batch.Result[string]) bool) {
			all(yield)
			<-(<-inside).Done() // keeps the lanes waiting for input until the break
		}
		s := batch.Parallel(source, 32, func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				others := func(next func(batch.Result[string]) bool) {
					for r := range s {
						if r.Record().Index < records-1 {
							next(r)
							continue
						}
						inside <- r.Context()
						yield(r)
					}
				}
				batch.TryEachChunk(others, 2*records, func(context.Context, []string) error {
					if broke.Load() {
						late.Add(1)
					}
					return nil
				})(yield)
			}
		})
		for range s {
			broke.Store(true)
			break
		}
		if late.Load() > 0 {
			t.Fatalf("%d chunks were written after the break", late.Load())
		}
	}
}

func TestAFailureIsSettledBeforeTheLanesAroundForgetItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		settled := func(context.Context, error) error { return nil }
		response, err := batch.Collect(batch.Parallel(grouped(context.Background(), make([]string, 1)), 1, func(s texts) texts {
			s = batch.TryEach(s, failingOn("0"))
			return batch.Parallel(s, 2, func(s texts) texts {
				return lingering(batch.Catch(s, settled)) // meanwhile the result leaves both lanes
			})
		}))
		is.NoErr(err)
		is.Equal(len(listed(response)), 0)
	})
}
