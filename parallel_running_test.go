package batch_test

// Which records are reported as running around lanes when something hangs.

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// The record has gone through the lanes and to the end. The stage before them is still at work on it.
func TestARecordAtWhichAStageBeforeLanesHangsIsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		hang := stuckOn(t, "0")
		var report batch.Report
		response, err := batch.Run(grouped(ctx, make([]string, 2), reserve, reportInto(&report), batch.WithoutAllFailedError()), func(s texts) texts {
			lingering := func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if !yield(r) {
						return
					}
					_ = hang(ctx, r.Record().ID[1:])
				}
			}
			return inLanes(lingering, 2, succeed)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1"})
		is.Equal(runningIDs(report), []string{"r0"})
	})
}

// A goroutine of a stage after the lanes works on a copy of record 0 while the consumer of the lanes waits for record 1.
func TestARecordIsNotAcknowledgedWhileAFunctionRunsForACopyAndLanesAreAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := sameValue(stuckOn(t, "0"))
		response, err := batch.Run(grouped(ctx, make([]string, 2), reserve), func(s texts) texts {
			lanes := inLanes(s, 2, func(ctx context.Context, v string) error {
				return taking(time.Duration(indexOf(v))*time.Second)(ctx, v)
			})
			return func(yield func(batch.Result[string]) bool) {
				for r := range lanes {
					if r.Record().Index == 0 {
						time.AfterFunc(time.Millisecond, func() { _ = batch.Then(r, stuck) })
					}
					if !yield(r) {
						return
					}
				}
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0"})
	})
}

// A lane waits for room for record 65, or for a Result of no record before it. Meanwhile a stage before the lanes inside
// it is at work on record 66.
func TestARecordIsRunningBeforeLanesInALaneThoughTheLaneWaits(t *testing.T) {
	slow := func(ctx context.Context, v string) error {
		switch v {
		case "0": // is received alone
			return nil
		case "65": // leaves after 66 has begun to hang
			return taking(time.Second)(ctx, v)
		}
		return taking(time.Millisecond)(ctx, v)
	}
	for name, last := range map[string]func(texts) texts{
		"alone": func(s texts) texts { return s },
		"after another Result": func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if r.Record().ID == "r65" && !yield(batch.Result[string]{}) || !yield(r) {
						return
					}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				hang := stuckOn(t, "0", "66")
				var report batch.Report
				_, err := batch.Run(grouped(ctx, make([]string, 70), reserve, reportInto(&report), batch.WithoutAllFailedError()), func(s texts) texts {
					lanes := batch.Parallel(s, 1, func(s texts) texts {
						return last(inLanes(batch.TryEach(s, func(ctx context.Context, v string) error {
							if v == "0" {
								return nil
							}
							return hang(ctx, v)
						}), 3, slow))
					})
					return batch.TryEach(lanes, hang)
				})
				is.NoErr(err)
				is.Equal(runningIDs(report), []string{"r0", "r66"})
			})
		})
	}
}

// A stage in the lane keeps record 2, the last one. Before the deadline, the chunk of records 0 and 1 is written, which hangs.
func TestARecordThatALaneKeepsWhileItsChunkHangsIsNotRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		hang := stuckOn(t, "0", "source")
		hanging := func(yield func(batch.Result[string]) bool) {
			grouped(ctx, make([]string, 3), reserve)(yield)
			_ = hang(ctx, "source")
		}
		left := map[string]error{}
		for r := range batch.Parallel(hanging, 1, func(s texts) texts {
			return batch.TryEachChunk(without(s, "r2"), 10, func(ctx context.Context, vs []string) error { return hang(ctx, vs[0]) })
		}) {
			left[r.Record().ID] = r.Err()
		}
		is.Equal(len(left), 3)
		is.True(errors.Is(left["r0"], batch.ErrRunning))
		is.True(errors.Is(left["r1"], batch.ErrRunning))
		is.True(errors.Is(left["r2"], batch.ErrUnreached))
		is.True(!errors.Is(left["r2"], batch.ErrRunning))
	})
}

// The first result of the other batch hangs after the lanes. The first record of the batch itself is kept there.
func TestARecordIsNotRunningBecauseOneOfAnotherBatchHangsAfterLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		other := one(batch.Of("x"))
		var report batch.Report
		_, err := batch.Run(grouped(ctx, make([]string, 2), reserve, reportInto(&report), batch.WithoutAllFailedError()), func(s texts) texts {
			mixed := func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if !yield(r) {
						return
					}
				}
				yield(other)
			}
			return batch.TryEach(without(batch.Parallel(mixed, 1, identity), "r0", "r1"), stuckOn(t, "x"))
		})
		is.NoErr(err)
		is.Equal(runningIDs(report), []string{})
		is.Equal(report.Unreached, 2)
	})
}

// Record 1 has finished. Then a chunk has record 0, and record 1 of another batch, at which a function hangs.
func TestARecordIsNotRunningBecauseOneOfAnotherBatchHangsInOrAfterAChunk(t *testing.T) {
	for name, test := range map[string]struct {
		hangsIn, hangsAfter string
		running             []string
	}{
		"in it":    {hangsIn: "1", running: []string{"r0"}},
		"after it": {hangsAfter: "1", running: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				inChunk, after := stuckOn(t, test.hangsIn), stuckOn(t, test.hangsAfter)
				others := slices.Collect(iter.Seq[batch.Result[string]](grouped(ctx, make([]string, 2), reserve)))
				var report batch.Report
				response, err := batch.Run(grouped(ctx, make([]string, 2), reserve, reportInto(&report)), func(s texts) texts {
					own := slices.Collect(iter.Seq[batch.Result[string]](s))
					mixed := texts(slices.Values([]batch.Result[string]{others[1], own[0]}))
					written := batch.TryEachChunk(mixed, 2, func(ctx context.Context, vs []string) error { return inChunk(ctx, vs[0]) })
					written = batch.TryEach(written, after)
					return func(yield func(batch.Result[string]) bool) {
						if yield(own[1]) {
							written(yield)
						}
					}
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{"r0"})
				is.Equal(runningIDs(report), test.running)
			})
		})
	}
}

// Record 128 fills the queue of the lane, which is at work on the first one for ten seconds. Until then the reader waits. The
// goroutine that has written the chunk and sends it on is at record 128 and at the last one for a second each.
func TestARecordIsNoLongerRunningWhenTheLastOfTwoGoroutinesLeavesIt(t *testing.T) {
	for name, test := range map[string]struct {
		between func(texts) texts
		n       int
	}{
		"handed over":       {piped, 129},
		"one fetched ahead": {prefetching(3), 130},
		"two fetched ahead": {prefetching(3), 131},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				finishesAll(t, test.n, func(s texts) texts {
					written := batch.TryEachChunk(s, test.n+1, nothing)
					written = lingeringAt(time.Second, written, "r0", "r128", "r"+strconv.Itoa(test.n-1))
					return inLanes(test.between(written), 1, func(_ context.Context, v string) error {
						if v == "0" {
							time.Sleep(10 * time.Second)
						}
						return nil
					})
				})
			})
		})
	}
}

// The second chunk is sent on by a goroutine of its own while that of the first one is still at the last record.
func TestARecordIsNoLongerRunningAfterTwoChunksOnTwoGoroutines(t *testing.T) {
	for name, linger := range map[string]struct{ first, second time.Duration }{
		"the first one ends first":  {time.Second, 2 * time.Second},
		"the second one ends first": {2 * time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				finishesAll(t, 3, func(s texts) texts {
					first := lingeringAt(linger.first, batch.TryEachChunk(s, 4, nothing), "r2")
					return lingeringAt(linger.second, batch.TryEachChunk(piped(first), 3, nothing), "r0", "r2")
				})
			})
		})
	}
}

// finishesAll checks that all n records are acknowledged, although the invocation has a deadline.
func finishesAll(t *testing.T, n int, pipeline func(texts) texts) {
	t.Helper()
	is := is.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	response, err := batch.Run(grouped(ctx, make([]string, n)), pipeline)
	is.NoErr(err)
	is.Equal(listed(response), []string{})
}

// lingeringAt returns s with a stage that goes on working on the given records for d after it has sent them on.
func lingeringAt(d time.Duration, s texts, ids ...string) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if !yield(r) {
				return
			}
			if slices.Contains(ids, r.Record().ID) {
				time.Sleep(d)
			}
		}
	}
}

func nothing(context.Context, []string) error { return nil }
