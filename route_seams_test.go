package batch_test

// Routes in lanes, lanes in routes, routes in routes, and routes that end early.

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestARouteThatEndsEarlyDoesNotStopTheReader(t *testing.T) {
	for name, stage := range map[string]batch.Stage[string, string]{"returns": onlyFirst, "panics": crashing} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				response, err := batch.Run(grouped(t.Context(), make([]string, 10)), func(s texts) texts {
					return batch.Parallel(s, 1, func(s texts) texts {
						return batch.Route(s, func(v string) bool { return v == "0" || v == "5" }, map[bool]batch.Stage[string, string]{
							true: stage, false: batch.Each(succeed),
						})
					})
				})
				is.NoErr(err)
				is.Equal(listed(response), map[string][]string{"returns": {"r5"}, "panics": {"r0", "r5"}}[name])
			})
		})
	}
}

func TestAReaderThatIsFarAheadOfARouteThatEndsGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		response, _ := batch.Run(grouped(t.Context(), make([]string, 3)), func(s texts) texts {
			s = batch.FlatMap(s, func(v string) []string { return slices.Repeat([]string{v}, 6000) })
			return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: func(s texts) texts {
				return onlyFirst(batch.Tap(s, func(batch.Result[string]) { time.Sleep(time.Second) }))
			}})
		})
		is.Equal(listed(response), []string{"r0", "r1", "r2"})
	})
}

// The route has ended before a1, so a1 is reported and the later records of its group are held back.
func TestARecordForAnEndedRouteHoldsBackItsGroup(t *testing.T) {
	for _, stage := range []batch.Stage[string, string]{onlyFirst, crashing} {
		is := is.New(t)
		var stored effects
		values := []string{"a0", "a1", "b2", "a3", "b4", "b5"}
		groups := map[string]string{"a0": "f", "a1": "g", "b2": "g", "a3": "g", "b4": "g", "b5": "h"}
		source := batch.From(t.Context(), values, func(v string) batch.Record { return batch.Record{ID: v, Group: groups[v]} },
			batch.WithPolicy(batch.StopGroup))
		response, err := batch.Run(source, func(s texts) texts {
			return batch.Route(s, firstLetter, textRoutes{"a": stage, "b": batch.Each(stored.each)})
		})
		is.NoErr(err)
		is.Equal(stored.all, []string{"b5"})
		is.True(slices.Contains(listed(response), "a1") && slices.Contains(listed(response), "b2"))
	}
}

// The route ends before two records of one group. The first of them holds back the second.
func TestARecordForAnEndedRouteIsHeldBackByItsGroup(t *testing.T) {
	is := is.New(t)
	var failures []batch.Failure
	report := batch.WithReport(func(_ context.Context, r batch.Report) { failures = r.Failures })
	source := grouped(t.Context(), []string{"f", "g", "g"}, batch.WithPolicy(batch.StopGroup), report)
	_, err := batch.Run(source, func(s texts) texts {
		return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: onlyFirst})
	})
	is.NoErr(err)
	is.Equal(len(failures), 2)
	is.True(errors.Is(failures[0].Err, batch.ErrUnreached))
	is.True(errors.Is(failures[1].Err, batch.ErrBlocked))
}

// Record 0 is stuck in one lane of a route. Record 3 must get another of its lanes when record 2, which is in the same group,
// has left the other route.
func TestAStuckRecordInTheLanesOfARouteDelaysItsGroupOnly(t *testing.T) {
	for _, slow := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, reserve := deadline(t)
			stuck := stuckOn(t, "0")
			inner := func(ctx context.Context, v string) error { time.Sleep(slow); return stuck(ctx, v) }
			groups := []string{"g", "g", "h", "h", "k", "k", "k"}
			isLanes := func(v string) bool { return v == "0" || v == "3" || v == "4" || v == "6" }
			response, err := batch.Run(grouped(ctx, groups, reserve, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
				return batch.Route(s, isLanes, map[bool]batch.Stage[string, string]{
					true:  func(s texts) texts { return inLanes(s, 4, inner) },
					false: batch.Each(func(context.Context, string) error { time.Sleep(time.Second); return nil }),
				})
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{"r0", "r1"})
		})
	}
}

// Record 0 never leaves the route with lanes, which records 2 and 4 take, too.
func TestARouteWithLanesGoesOnWhileAnEarlierRecordIsStuckInThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "0")
		inner := func(ctx context.Context, v string) error { time.Sleep(time.Second); return stuck(ctx, v) }
		response, err := batch.Run(grouped(ctx, []string{"g", "g", "k", "k", "k"}, reserve, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
			return batch.Route(s, func(v string) bool { return v == "1" || v == "3" }, map[bool]batch.Stage[string, string]{
				false: func(s texts) texts { return inLanes(s, 4, inner) }, true: batch.Each(succeed),
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1"})
	})
}

// The input of the stage ends while the stage is still processing. The next record of its route must wait until it has ended.
func TestARouteStaysSequentialWhenItsStageIsBuiltAgain(t *testing.T) {
	for name, limit := range map[string]time.Duration{"without a deadline": 0, "with a deadline": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) { testThatARouteStaysSequential(t, limit) })
	}
}

func testThatARouteStaysSequential(t *testing.T, limit time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx := t.Context()
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		var busy, built atomic.Int32
		takes := map[string]time.Duration{"0": time.Second, "1": 3 * time.Second, "3": time.Second}
		work := func(_ context.Context, v string) error {
			if busy.Add(1) > 1 {
				t.Error("two functions run at the same time")
			}
			time.Sleep(takes[v])
			busy.Add(-1)
			return nil
		}
		response, err := batch.Run(grouped(ctx, []string{"g", "k", "g", "g"}, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
			return batch.Route(s, func(v string) bool { return v == "2" }, map[bool]batch.Stage[string, string]{
				false: func(s texts) texts {
					built.Add(1)
					return batch.TryEach(prefetching(4)(s), work)
				},
				true: batch.Each(succeed),
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		is.Equal(built.Load(), int32(2))
	})
}

// The records of a group take two routes in turn. A stage ends early only if it keeps a record that others wait for.
func TestAStageIsBuiltOnceUnlessItKeepsRecordsThatOthersWaitFor(t *testing.T) {
	for name, test := range map[string]struct {
		stage batch.Stage[string, string]
		built int32
	}{
		"a function": {batch.Each(succeed), 1},
		"a chunk": {func(s texts) texts {
			return batch.TryEachChunk(s, 9, func(context.Context, []string) error { return nil })
		}, 1},
		"a stage that buffers": {buffering(1000, inOrder), 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var built atomic.Int32
				response, err := batch.Run(grouped(t.Context(), []string{"g", "g", "g", "g", "g"}, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
					return batch.Route(s, func(v string) bool { return indexOf(v)%2 == 0 }, map[bool]batch.Stage[string, string]{
						true:  func(s texts) texts { built.Add(1); return test.stage(s) },
						false: batch.Each(succeed),
					})
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{})
				is.Equal(built.Load(), test.built)
			})
		})
	}
}

// Routes in lanes take one record at a time and leave the rest to other lanes.
func TestRoutesInLanesLeaveRecordsToOtherLanes(t *testing.T) {
	all := func(stage batch.Stage[string, string]) batch.Stage[string, string] {
		return func(s texts) texts {
			return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: stage})
		}
	}
	slow := batch.Each(func(context.Context, string) error { time.Sleep(time.Second); return nil })
	for name, stage := range map[string]batch.Stage[string, string]{
		"routes in lanes":           parallel(4, all(slow)),
		"routes in routes in lanes": parallel(4, all(all(slow))),
		"routes in lanes in routes": all(parallel(4, all(slow))),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				start := time.Now()
				_, err := batch.Collect(stage(batch.Of("0", "1", "2", "3", "4", "5", "6", "7")))
				is.NoErr(err)
				is.Equal(time.Since(start), 2*time.Second)
			})
		})
	}
}

// The groups of the later records cannot be read, so they may belong to any group. All records are processed one by one.
func TestRoutesKeepTheBatchInOrderIfAGroupCannotBeRead(t *testing.T) {
	is := is.New(t)
	var taken effects
	note := func(_ context.Context, r events.KinesisEventRecord) error {
		taken.note(r.Kinesis.SequenceNumber)
		return nil
	}
	bulk := func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] {
		return batch.TryEachChunk(s, 10, func(ctx context.Context, all []events.KinesisEventRecord) error {
			for _, r := range all {
				_ = note(ctx, r)
			}
			return nil
		})
	}
	h := batch.KinesisHandler(func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] {
		return batch.Route(s, func(r events.KinesisEventRecord) int { return indexOf(r.Kinesis.SequenceNumber) % 3 / 2 },
			map[int]batch.Stage[events.KinesisEventRecord, events.KinesisEventRecord]{0: bulk, 1: batch.Each(note)})
	}, quiet, batch.WithPolicy(batch.StopGroup))
	response, err := h.Invoke(t.Context(), unreadableGroups(12))
	is.NoErr(err)
	is.Equal(taken.all, []string{"0", "1", "2", "3", "4", "5"})
	is.Equal(listedInJSON(t, response), []string{"6", "7", "8", "9", "10", "11"})
}

func TestResultsOfAnotherBatchPassThroughRoutesAndAreNotReported(t *testing.T) {
	is := is.New(t)
	var taken effects
	response, err := batch.Run(grouped(t.Context(), []string{"g", "g", "h"}, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
		both := func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if !yield(r) {
					return
				}
			}
			batch.Of("7", "8")(yield)
		}
		return batch.Route(both, func(v string) int { return indexOf(v) % 2 }, map[int]batch.Stage[string, string]{
			0: batch.Each(taken.each),
			1: func(s texts) texts {
				return batch.TryEach(s, func(ctx context.Context, v string) error { taken.note(v); return failingOn("7")(ctx, v) })
			},
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{})
	is.Equal(taken.sorted(), []string{"0", "1", "2", "7", "8"})
}

// The stage ranges twice, but no function was called for the later records, so no line warns of that.
func TestRecordsThatARouteNeverGotAreNotLoggedAsRepeated(t *testing.T) {
	is := is.New(t)
	var log journal
	source := grouped(t.Context(), make([]string, 3), batch.WithLogger(slog.New(&log)))
	_, err := batch.Run(source, func(s texts) texts {
		routed := batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: onlyFirst})
		for range routed {
		}
		return routed
	})
	is.NoErr(err)
	for _, line := range log.lines {
		is.True(!strings.Contains(line, "more than once"))
	}
}
