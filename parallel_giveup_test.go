package batch_test

// When lanes are given up, and which.

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func identity(s texts) texts { return s }

// hoard sends its results on when its input has ended.
func hoard(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		var all []batch.Result[string]
		for r := range s {
			all = append(all, r)
		}
		for _, r := range all {
			if !yield(r) {
				return
			}
		}
	}
}

// until returns 0.3 s after the contexts have ended, for one value.
func until(value string) func(context.Context, string) error {
	return func(_ context.Context, v string) error {
		if v == value {
			time.Sleep(6300 * time.Millisecond)
		}
		return nil
	}
}

// oneAfterTheOther has the results leave lanes in the order of their records.
func oneAfterTheOther(_ context.Context, v string) error {
	time.Sleep(time.Duration(indexOf(v)) * time.Millisecond)
	return nil
}

// r2 hangs between two Parallels, r1 delays the consumer of the second. r0 and r1 have finished. The first lanes send them on
// in this order.
func TestLanesCountTheirPatienceFromTheEndOfTheContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "2")
		response, err := batch.Run(grouped(ctx, make([]string, 3), reserve), func(s texts) texts {
			s = batch.TryEach(inLanes(s, 2, oneAfterTheOther), stuck)
			return hoard(batch.TryEach(batch.Parallel(s, 2, identity), until("1")))
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r2"})
	})
}

// r0 delays the consumer of its lane. The lane sends it on last, so that no other record waits for it.
func TestLanesInLanesCountTheirPatienceFromTheEndOfTheContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "1")
		response, err := batch.Run(grouped(ctx, make([]string, 4), reserve), func(s texts) texts {
			return batch.Parallel(s, 2, func(s texts) texts {
				return hoard(batch.TryEach(inLanes(s, 2, func(ctx context.Context, v string) error {
					if v == "0" {
						time.Sleep(time.Millisecond)
					}
					return stuck(ctx, v)
				}), until("0")))
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1"})
	})
}

// The lanes inside hang before they ask for a record. r1 is done.
func TestADoneRecordIsAcknowledgedAlthoughALaneInALaneHangsBeforeItTakesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		release := make(chan struct{})
		defer close(release)
		var report batch.Report
		source := batch.Filter(grouped(ctx, make([]string, 3), reserve, reportInto(&report)), func(v string) bool { return v != "1" })
		response, err := batch.Run(source, func(s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts {
				return batch.Parallel(s, 1, func(s texts) texts { <-release; return s })
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r2"})
		is.Equal(report.NotStarted, 2)
	})
}

// Whoever has not returned is given up, even if another goroutine of the lane asks for records.
func TestStuckLanesAreGivenUpAfterAQuarterOfTheReserve(t *testing.T) {
	for name, stage := range map[string]func(texts, func(context.Context, string) error) texts{
		"after lanes in the lane": func(s texts, stuck func(context.Context, string) error) texts {
			return batch.TryEach(batch.Parallel(s, 2, identity), stuck)
		},
		"after a stage that fetches ahead": func(s texts, stuck func(context.Context, string) error) texts {
			return batch.TryEach(prefetching(8)(s), stuck)
		},
		"before the lane asks": func(s texts, stuck func(context.Context, string) error) texts {
			_ = stuck(context.Background(), "0")
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				stuck := stuckOn(t, "0")
				start := time.Now()
				source := batch.TryEach(grouped(ctx, make([]string, 3), reserve), until("2"))
				_, _ = batch.Collect(batch.Parallel(source, 2, func(s texts) texts { return stage(s, stuck) }))
				is.Equal(time.Since(start), 7*time.Second)
			})
		})
	}
}

// The batch without a deadline goes on when lanes are given up for the one with a deadline. As record 0 is at its last receive, it
// would not hold record 1 back if it had failed.
func TestNoRecordOfAGroupBeginsWhileAnEarlierOneRunsInALaneThatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		timed := batch.From(ctx, []string{"timed"}, byID, reserve)
		last := func(id string) batch.Record { return batch.Record{ID: id, Group: "g", Attempt: 1} }
		untimed := batch.From(context.Background(), []string{"0", "1"}, last, batch.WithPolicy(batch.StopGroup), batch.WithMaxReceives(1))
		both := func(yield func(batch.Result[string]) bool) {
			timed(yield)
			untimed(yield)
		}
		release := make(chan struct{})
		var begun effects
		_, _ = batch.Partition(inLanes(both, 3, func(_ context.Context, v string) error {
			begun.note(v)
			if v == "0" {
				<-release
			}
			return nil
		}))
		is.True(!slices.Contains(begun.noted(), "1"))
		close(release)
	})
}

// Neither batch has a deadline. The context of the second one ends after a second, when its record b waits for a, which takes ten.
func TestARecordWhoseContextHasEndedGoesOnAtOnceEvenIfItsBatchCameSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Second, cancel)
		both := func(yield func(batch.Result[string]) bool) {
			batch.Of("first")(yield)
			oneGroup(ctx, batch.StopGroup, "a", "b")(yield)
		}
		var entered time.Duration
		_, failures := batch.Partition(batch.Parallel(both, 2, func(s texts) texts {
			s = batch.Tap(s, func(r batch.Result[string]) {
				if r.Record().ID == "b" {
					entered = time.Since(start)
				}
			})
			return batch.TryEach(s, func(_ context.Context, v string) error {
				if v == "a" {
					time.Sleep(10 * time.Second)
				}
				return nil
			})
		}))
		is.Equal(entered, time.Second)
		is.Equal(failedIDs(failures), []string{"b"})
	})
}
