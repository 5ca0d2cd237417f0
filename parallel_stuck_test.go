package batch_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestWithoutADeadlineLanesWaitAsLongAsItTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		response, err := batch.Run(grouped(context.Background(), make([]string, 4)), func(s texts) texts {
			return inLanes(s, 4, func(context.Context, string) error { time.Sleep(1000 * time.Hour); return nil })
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		is.Equal(time.Since(start), 1000*time.Hour)
	})
}

func TestOnlyTheStuckRecordIsRedelivered(t *testing.T) {
	for name, test := range map[string]struct {
		stage func(texts, func(context.Context, string) error) texts
		takes time.Duration
	}{
		"in lanes": {func(s texts, stuck func(context.Context, string) error) texts {
			return inLanes(s, 4, stuck)
		}, 7 * time.Second},
		"in lanes in lanes": {func(s texts, stuck func(context.Context, string) error) texts {
			return batch.Parallel(s, 2, func(s texts) texts { return inLanes(s, 3, stuck) })
		}, 7 * time.Second},
		"in lanes in lanes in lanes": {func(s texts, stuck func(context.Context, string) error) texts {
			return batch.Parallel(s, 2, func(s texts) texts {
				return batch.Parallel(s, 2, func(s texts) texts { return inLanes(s, 2, stuck) })
			})
		}, 7 * time.Second},
		"in lanes after lanes": {func(s texts, stuck func(context.Context, string) error) texts {
			return inLanes(inLanes(s, 2, succeed), 4, stuck)
		}, 7 * time.Second},
		"in lanes before lanes of a stage without functions": {func(s texts, stuck func(context.Context, string) error) texts {
			return batch.Parallel(inLanes(s, 4, stuck), 2, func(s texts) texts { return s })
		}, 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			for range 50 {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					stuck := stuckOn(t, "1", "3")
					start := time.Now()
					response, err := batch.Run(grouped(ctx, make([]string, 20), reserve), func(s texts) texts {
						return test.stage(s, stuck)
					})
					is.NoErr(err)
					is.Equal(listed(response), []string{"r1", "r3"})
					is.True(time.Since(start) <= test.takes)
				})
			}
		})
	}
}

func TestLanesPassOnTheirResultsAQuarterOfTheReserveAfterTheContextEnds(t *testing.T) {
	for name, stage := range map[string]func(texts, func(context.Context, string) error) texts{
		"a lane is stuck": func(s texts, stuck func(context.Context, string) error) texts {
			return inLanes(s, 1, stuck)
		},
		"the stage before is stuck": func(s texts, stuck func(context.Context, string) error) texts {
			return inLanes(batch.TryEach(s, stuck), 1, succeed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				start := time.Now()
				response, _ := batch.Collect(stage(grouped(ctx, make([]string, 5), reserve), stuckOn(t, "1")))
				is.Equal(listed(response), []string{"r1", "r2", "r3", "r4"})
				is.True(time.Since(start) >= 7*time.Second && time.Since(start) < 8*time.Second)
			})
		})
	}
}

// All lanes are stuck. Records that they never took have not started. Records that were done or failed before stay so.
func TestRecordsThatNoLaneTookKeepTheirState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		source := batch.Filter(grouped(ctx, make([]string, 6), reserve), func(v string) bool { return v != "4" })
		source = batch.TryEach(source, failingOn("3"))
		_, failures := batch.Partition(inLanes(source, 1, stuckOn(t, "1")))
		is.Equal(len(failures), 4)
		is.True(errors.Is(failures[0].Err, batch.ErrUnreached))
		is.True(errors.Is(failures[1].Err, batch.ErrNotStarted))
		is.True(errors.Is(failures[2].Err, errBoom))
		is.True(errors.Is(failures[3].Err, batch.ErrNotStarted))
		is.True(errors.Is(failures[3].Err, context.DeadlineExceeded))
	})
}

// A stage of the user before lanes sends a result so late, and one in the lanes takes so long, that the lane is at
// work when the lanes would give up.
func TestALaneThatTookAResultAfterTheContextEndedIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		end := time.Now().Add(6 * time.Second)
		late := func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if v, _ := r.Value(); v != "0" {
						time.Sleep(time.Until(end.Add(950 * time.Millisecond)))
					}
					if !yield(r) {
						return
					}
				}
			}
		}
		response, err := batch.Run(grouped(ctx, make([]string, 3), reserve), func(s texts) texts {
			return batch.Parallel(late(s), 3, slowly)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
	})
}

func slowly(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			time.Sleep(100 * time.Millisecond)
			if !yield(r) {
				return
			}
		}
	}
}

// The last lanes are not stuck: they only pass on what the lanes before gave up.
func TestLanesAfterStuckLanesFinishWhatTheyAreStillGiven(t *testing.T) {
	for name, test := range map[string]struct {
		policy           batch.Policy
		groups           []string
		stuck, alsoStuck string
		running, waiting int
	}{
		"of the batch":           {batch.StopBatch, make([]string, 6), "1", "none", 1, 4},
		"of two groups in turns": {batch.StopGroup, groupsInTurn(8, 2), "2", "3", 2, 4},
	} {
		t.Run(name, func(t *testing.T) {
			for range 50 {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					stuck, alsoStuck := stuckOn(t, test.stuck), stuckOn(t, test.alsoStuck)
					var report batch.Report
					source := grouped(ctx, test.groups, reserve, batch.WithPolicy(test.policy), batch.WithoutAllFailedError(), reportInto(&report))
					_, err := batch.Run(source, func(s texts) texts {
						return batch.Parallel(inLanes(inLanes(s, 4, stuck), 4, alsoStuck), 3, slowly)
					})
					is.NoErr(err)
					is.Equal(report.Running, test.running)
					is.Equal(report.Unreached, test.running)
					is.Equal(report.NotStarted, test.waiting)
				})
			}
		})
	}
}

// The first lanes wait longer than usual, because more might come. The lanes after them wait even longer.
func TestLanesAfterStuckLanesWaitLongerThanThoseIfTheStageBeforeIsStuck(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, reserve := deadline(t)
			stuckBefore, stuck := stuckOn(t, "4"), stuckOn(t, "1")
			var report batch.Report
			source := grouped(ctx, make([]string, 6), reserve, batch.WithPolicy(batch.StopBatch), batch.WithoutAllFailedError(), reportInto(&report))
			_, err := batch.Run(source, func(s texts) texts {
				return batch.Parallel(inLanes(batch.TryEach(s, stuckBefore), 4, stuck), 3, slowly)
			})
			is.NoErr(err)
			is.Equal(runningIDs(report), []string{"r1", "r4"})
			is.Equal(report.Unreached, 3) // and r5
			is.Equal(report.Blocked, 2)
		})
	}
}

// After the contexts have ended, records that waited for a stuck one of their group enter a lane all the same. It makes no
// difference whether a lane had found them before.
func TestNoRecordWaitsForItsStuckGroupAfterTheContextEnds(t *testing.T) {
	for name, busy := range map[string]bool{"found before": false, "found then": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var refused atomic.Int32
				stuck := stuckOn(t, "0")
				groups := groupsInTurn(100, 1)
				groups[1] = "busy"
				source := grouped(ctx, groups, reserve, batch.WithPolicy(batch.StopGroup))
				_, failures := batch.Partition(batch.Parallel(source, 2, func(s texts) texts {
					s = batch.TryEach(s, func(ctx context.Context, v string) error {
						if v == "1" && busy {
							<-ctx.Done()
						}
						return stuck(ctx, v)
					})
					return batch.Tap(s, func(r batch.Result[string]) {
						if errors.Is(r.Err(), batch.ErrNotStarted) {
							refused.Add(1)
						}
					})
				}))
				is.Equal(len(failures), 99)
				is.Equal(refused.Load(), int32(98))
			})
		})
	}
}

func TestLanesReportTheCauseOfACancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shutdown := errors.New("shutdown")
		ctx, cancel := cancellable()
		time.AfterFunc(time.Second, func() { cancel(shutdown) })
		start := time.Now()
		_, failures := batch.Partition(inLanes(grouped(ctx, make([]string, 6)), 2, func(ctx context.Context, v string) error {
			time.Sleep(3 * time.Second) // does not heed its context; without a deadline, lanes wait for it
			return nil
		}))
		is.Equal(time.Since(start), 3*time.Second)
		is.Equal(len(failures), 4)
		for _, f := range failures {
			is.True(errors.Is(f.Err, batch.ErrNotStarted))
			is.True(errors.Is(f.Err, shutdown))
		}
	})
}

// The context is cancelled long before the deadline.
func TestRunReturnsHalfAReserveAfterAShutdown(t *testing.T) {
	for _, lanes := range []int{0, 2} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, reserve := deadline(t)
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(errBoom) })
			stuck := stuckOn(t, "0")
			start := time.Now()
			_, err := batch.Run(grouped(ctx, make([]string, 3), reserve), func(s texts) texts {
				if lanes == 0 {
					return batch.TryEach(s, stuck)
				}
				return inLanes(s, lanes, func(ctx context.Context, v string) error {
					_ = stuck(ctx, v)
					<-ctx.Done()
					return ctx.Err()
				})
			})
			is.True(err != nil)
			is.True(time.Since(start) <= 3*time.Second)
		})
	}
}

// A stuck function returns after the response. No later stage may see its outcome.
func TestAFunctionThatReturnsAfterTheResponseChangesNothing(t *testing.T) {
	for name, back := range map[string]func(){
		"returns":            func() {},
		"panics":             func() { panic(errBoom) },
		"ends its goroutine": func() { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				release := make(chan struct{})
				var after atomic.Int32
				var report batch.Report
				count := func(batch.Result[string]) { after.Add(1) }
				source := grouped(ctx, make([]string, 8), reserve, reportInto(&report))
				response, _ := batch.Run(source, func(s texts) texts {
					s = batch.Parallel(s, 3, func(s texts) texts {
						return batch.Tap(batch.TryEach(s, func(_ context.Context, v string) error {
							if v == "2" || v == "5" {
								<-release
								back()
							}
							return nil
						}), count)
					})
					return batch.Tap(s, count)
				})
				taps := after.Load()
				is.Equal(listed(response), []string{"r2", "r5"})
				is.Equal(report.Unreached, 2)
				close(release)
				time.Sleep(time.Minute)
				is.Equal(after.Load(), taps)
				is.Equal(listed(response), []string{"r2", "r5"})
			})
		})
	}
}
