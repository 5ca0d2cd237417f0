package batch_test

// Results that stages in lanes drop or keep.

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// without leaves these records out, whatever became of them.
func without(s texts, ids ...string) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if !slices.Contains(ids, r.Record().ID) && !yield(r) {
				return
			}
		}
	}
}

// The lane of record 0 ends without having looked at its failure. Record 1 was in the pool by then, and runs in the other lane.
func TestAFailureThatIsDroppedAtOnceInALaneHoldsBackRecordsInOtherLanes(t *testing.T) {
	is := is.New(t)
	var called effects
	var report batch.Report
	source := grouped(t.Context(), []string{"g", "g", "h"}, batch.WithPolicy(batch.StopGroup), reportInto(&report))
	response, err := batch.Run(source, func(s texts) texts {
		failing := func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if r.Record().ID == "r0" {
					r = r.Fail(errBoom)
				}
				if !yield(r) {
					return
				}
			}
		}
		return batch.Parallel(failing, 2, func(s texts) texts {
			return batch.TryEach(func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if r.Err() != nil || !yield(r) {
						return
					}
				}
			}, called.each)
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0", "r1"})
	is.Equal(called.all, []string{"2"})
	is.Equal(report.Blocked, 1)
}

// Of record 0, one copy fails in a lane, where its failure is dropped, and another one leaves the lane, which may be inside
// another. Record 1 keeps the outer lane busy, so record 2 comes to the other one.
func TestAFailureOfACopyThatIsDroppedInALaneHoldsBackRecordsInOtherLanes(t *testing.T) {
	for name, around := range map[string]func(texts, batch.Stage[string, string]) texts{
		"alone":         func(s texts, stage batch.Stage[string, string]) texts { return stage(s) },
		"inside a lane": func(s texts, stage batch.Stage[string, string]) texts { return batch.Parallel(s, 1, stage) },
		"inside a lane, in one that ends": func(s texts, stage batch.Stage[string, string]) texts {
			return batch.Parallel(s, 2, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					for r := range stage(s) {
						yield(r)
						return
					}
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var called effects
				source := grouped(t.Context(), make([]string, 3), batch.WithPolicy(batch.StopBatch), batch.WithoutAllFailedError())
				response, err := batch.Run(source, func(s texts) texts {
					s = batch.TryEach(s, func(ctx context.Context, v string) error {
						return taking(time.Duration(indexOf(v))*time.Second)(ctx, v)
					})
					copying := func(s texts) texts {
						return func(yield func(batch.Result[string]) bool) {
							for r := range s {
								if r.Record().ID == "r0" {
									for range batch.TryEach(func(yield func(batch.Result[string]) bool) { yield(r) }, failingOn("0")) {
									}
								}
								if !yield(r) {
									return
								}
							}
						}
					}
					return batch.Parallel(s, 2, func(s texts) texts {
						s = batch.Tap(s, func(r batch.Result[string]) {
							if r.Record().ID == "r1" {
								time.Sleep(time.Hour)
							}
						})
						return batch.TryEach(around(s, copying), called.each)
					})
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{"r0", "r1", "r2"})
				is.Equal(called.all, []string{"0"})
			})
		})
	}
}

// What a stage in the lane has made of the failure counts, and no longer the failure that entered.
func TestAFailureThatIsSettledOrReplacedInALaneIsSoEvenIfItsResultIsDroppedThere(t *testing.T) {
	for name, test := range map[string]struct {
		replaced          error
		failed, unreached int
	}{
		"settled":  {nil, 0, 1},
		"replaced": {errDrawn, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var report batch.Report
			_, err := batch.Run(grouped(t.Context(), []string{"", ""}, reportInto(&report)), func(s texts) texts {
				return batch.Parallel(batch.TryEach(s, failingOn("0")), 1, func(s texts) texts {
					return without(batch.Catch(s, func(context.Context, error) error { return test.replaced }), "r0")
				})
			})
			is.NoErr(err)
			is.Equal(failedIDs(report.Failures), []string{"r0"})
			is.Equal([]int{report.Failed, report.Unreached}, []int{test.failed, test.unreached})
			if test.replaced != nil {
				is.Equal(report.Failures[0].Err, test.replaced)
			}
		})
	}
}

// The lane keeps record 1 until its input ends, which is when the lanes are given up. The source hangs as well.
func TestARecordThatAStageKeepsLeavesALaneThatIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "0", "source")
		hanging := func(yield func(batch.Result[string]) bool) {
			grouped(ctx, make([]string, 2), reserve)(yield)
			_ = stuck(ctx, "source")
		}
		left := map[string]error{}
		for r := range batch.Parallel(hanging, 2, func(s texts) texts { return without(batch.TryEach(s, stuck), "r1") }) {
			left[r.Record().ID] = r.Err()
		}
		is.Equal(len(left), 2)
		is.True(errors.Is(left["r0"], batch.ErrRunning))
		is.True(errors.Is(left["r1"], batch.ErrUnreached))
	})
}

// Record 0 has failed before the lanes, and there are two copies of its failure. The first one is dropped, before the lanes
// or in one. In both, versions of failures are counted from 1.
func TestADroppedFailureIsNotSettledByACopyThatGoesThroughLanes(t *testing.T) {
	firstDropped := func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			n := 0
			for r := range seenAgain(s, 1) {
				if n++; n > 1 && !yield(r) {
					return
				}
			}
		}
	}
	settled := func(s texts) texts {
		return batch.Catch(s, func(context.Context, error) error { return nil })
	}
	for name, stage := range map[string]batch.Stage[string, string]{
		"and is settled after them": func(s texts) texts {
			return settled(batch.Parallel(firstDropped(twice(s)), 1, func(s texts) texts { return seenAgain(s, 2) }))
		},
		"where it was dropped": func(s texts) texts {
			return batch.Parallel(twice(s), 1, func(s texts) texts { return settled(firstDropped(s)) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			source := grouped(t.Context(), make([]string, 1), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts { return stage(batch.TryEach(s, failingOn("0"))) })
			is.NoErr(err)
			is.Equal(listed(response), []string{"r0"})
		})
	}
}

// Of two copies of a result the first one fails and is dropped. The other one goes through lanes.
func TestADroppedFailureIsNotSettledByACopyThatHasNotFailedAndGoesThroughLanes(t *testing.T) {
	is := is.New(t)
	source := grouped(t.Context(), make([]string, 1), batch.WithoutAllFailedError())
	response, err := batch.Run(source, func(s texts) texts {
		calls := 0
		tried := batch.TryEach(twice(s), func(context.Context, string) error {
			if calls++; calls == 1 {
				return errBoom
			}
			return nil
		})
		return inLanes(func(yield func(batch.Result[string]) bool) {
			for r := range tried {
				if r.Err() == nil && !yield(r) {
					return
				}
			}
		}, 1, succeed)
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0"})
}

// seenAgain has as many stages see each result.
func seenAgain(s texts, stages int) texts {
	for range stages {
		s = batch.TryEach(s, succeed)
	}
	return s
}

func TestAFailureThatPassesThroughALaneUnseenCanBeSettledAfterIt(t *testing.T) {
	is := is.New(t)
	response, err := batch.Run(grouped(t.Context(), make([]string, 2)), func(s texts) texts {
		lanes := batch.Parallel(batch.TryEach(s, failingOn("0")), 1, identity)
		return batch.Catch(lanes, func(context.Context, error) error { return nil })
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{})
}

// The function that may settle the failure hangs.
func TestAFailureKeepsItsErrorInALaneThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		hang := stuckOn(t, "")
		var left []error
		for r := range batch.Parallel(batch.TryEach(grouped(ctx, make([]string, 1), reserve), failingOn("0")), 1, func(s texts) texts {
			return batch.Catch(s, func(ctx context.Context, _ error) error { return hang(ctx, "") })
		}) {
			left = append(left, r.Err())
		}
		is.Equal(left, []error{errBoom})
	})
}
