package batch_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestWithoutADeadlineRunWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithCancel(t.Context())
		response, err := batch.Run(oneGroup(ctx, batch.Continue, "a", "b"), batch.Each(func(context.Context, string) error {
			cancel()
			time.Sleep(24 * time.Hour)
			return nil
		}))
		is.NoErr(err)
		is.Equal(listed(response), []string{"b"})
	})
}

func TestErrorsAreNotCaughtAfterTheContextEnds(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := batch.TryEach(oneGroup(ctx, batch.Continue, "a"), func(context.Context, string) error { cancel(); return errBoom })
	s = batch.Catch(s, func(context.Context, error) error { t.Error("called"); return nil })
	s = batch.OrElse(s, func(context.Context, error) (string, error) { t.Error("called"); return "", nil })
	is.True(one(s).Err() == errBoom)
}

func TestRunReturnsHalfAReserveAfterTheContextEndsEvenIfAFunctionIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var j journal
		var tapped, called []string
		release := make(chan struct{})
		source := batch.From(ctx, []string{"a", "b", "c"}, byID, batch.WithLogger(slog.New(&j)))
		start := time.Now()
		response, err := batch.Run(source, func(s texts) texts {
			again := func(yield func(batch.Result[string]) bool) { s(yield); s(yield) }
			stuck := batch.TryEach(again, func(_ context.Context, v string) error {
				called = append(called, v)
				if v == "b" {
					<-release
					return errBoom // after the response, so it is not logged either
				}
				return nil
			})
			return batch.Tap(stuck, func(r batch.Result[string]) { tapped = append(tapped, r.Record().ID) })
		})
		is.NoErr(err)
		is.Equal(time.Since(start), 19*time.Second+500*time.Millisecond)
		is.Equal(listed(response), []string{"b", "c"})
		is.Equal(j.lines, []string{
			"WARN () record still running record=b",
			"WARN () records not processed records=3 unreached=2 running=1",
		})
		close(release)
		synctest.Wait()
		is.Equal(called, []string{"a", "b"}) // nothing else starts, not even in the second range
		is.Equal(tapped, []string{"a"})
		is.Equal(len(j.lines), 2)
	})
}

func TestRunReturnsSoonerIfTheContextIsCancelledForAnotherReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		parent, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		ctx, cancel := context.WithCancelCause(parent)
		time.AfterFunc(time.Second, func() { cancel(errBoom) })
		start := time.Now()
		var report batch.Report
		source := batch.From(ctx, []string{"a", "b", "c"}, byID, reportInto(&report))
		response, err := batch.Run(source, batch.Each(func(ctx context.Context, v string) error {
			if v == "b" {
				<-ctx.Done()
				time.Sleep(100 * time.Millisecond) // it heeds its context, but needs a moment
			}
			return nil
		}))
		is.NoErr(err)
		is.Equal(time.Since(start), 1100*time.Millisecond)
		is.Equal(listed(response), []string{"c"})
		is.True(errors.Is(report.Failures[0].Err, batch.ErrNotStarted))
		is.True(errors.Is(report.Failures[0].Err, errBoom))
	})
}

// The stage ranges twice over a source that calls a function.
func TestNoRangeOverTheSourceContinuesAfterTheResponse(t *testing.T) {
	for name, test := range map[string]struct {
		first, second time.Duration // how long the source's function takes in each range
		want          []string
	}{
		"the first has not ended":  {19700 * time.Millisecond, 0, []string{"source"}},
		"the second has not begun": {19200 * time.Millisecond, 350 * time.Millisecond, []string{"source", "source"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var called []string
				takes := []time.Duration{test.first, test.second}
				slow := func(context.Context, string) error {
					called = append(called, "source")
					time.Sleep(takes[len(called)-1])
					return nil
				}
				source := batch.TryEach(batch.From(ctx, []string{"a"}, byID), slow)
				// The first record of the source has no slow function, so that Run learns the deadline.
				start := time.Now()
				_, err := batch.Run(func(yield func(batch.Result[string]) bool) {
					if yield(one(batch.From(ctx, []string{"b"}, byID))) {
						source(yield)
					}
				}, func(s texts) texts {
					return func(yield func(batch.Result[string]) bool) {
						for range 2 {
							s(func(r batch.Result[string]) bool {
								if r.Record().ID == "a" && len(called) == 2 {
									batch.Then(r, func(context.Context, string) (string, error) {
										called = append(called, "stage")
										return "", nil
									})
								}
								return true
							})
						}
					}
				})
				is.True(err != nil)
				is.Equal(time.Since(start), 19500*time.Millisecond)
				time.Sleep(time.Hour)
				synctest.Wait()
				is.Equal(called, test.want)
			})
		})
	}
}

// Run ranges over the source itself when the stage has prepared for 250 ms. Of the time that remains when the stage begins, less
// would be kept back.
func TestTheContextsOfALaterRangeEndNoLaterThanThoseOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		start := time.Now()
		var end time.Time
		response, err := batch.Run(batch.From(ctx, []string{"a", "b"}, byID), func(s texts) texts {
			time.Sleep(30 * time.Second)
			return batch.TryEach(s, func(ctx context.Context, v string) error {
				end, _ = ctx.Deadline()
				if v == "b" {
					<-ctx.Done()
				}
				return nil
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		const reserve = (40*time.Second - 250*time.Millisecond) / 20
		is.Equal(end.Sub(start), 40*time.Second-reserve)
		is.Equal(time.Since(start), 40*time.Second-reserve)
	})
}

func TestAPassOverTheSourceThatIsCutShortCounts(t *testing.T) {
	for _, how := range []string{"stuck", "goexit"} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			release := make(chan struct{})
			audit := func(context.Context, string) error { return nil }
			store := func(context.Context, string) error {
				if how == "goexit" {
					runtime.Goexit()
				}
				<-release
				return nil
			}
			response, err := batch.Run(batch.From(ctx, []string{"a", "b", "c"}, byID), func(s texts) texts {
				audited, stored := batch.TryEach(s, audit), batch.TryEach(s, store)
				return func(yield func(batch.Result[string]) bool) {
					for _, pass := range []texts{audited, stored} {
						for r := range pass {
							if !yield(r) {
								return
							}
						}
					}
				}
			})
			is.True(err != nil) // nothing was stored
			is.Equal(len(response.BatchItemFailures), 3)
			close(release)
			synctest.Wait()
		})
	}
}

func TestRunReturnsInTimeIfLittleTimeIsLeftAndTheStageIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(context.Background(), 900*time.Millisecond)
		defer cancel()
		start := time.Now()
		response, _ := batch.Run(grouped(ctx, make([]string, 3)), func(s texts) texts {
			time.Sleep(time.Hour)
			return s
		})
		is.True(time.Since(start) < 900*time.Millisecond)
		is.Equal(len(listed(response)), 3)
		time.Sleep(2 * time.Hour) // lets the stage that was left running return
	})
}

func TestRunReturnsIfAStageIsStuckBeforeItRanges(t *testing.T) {
	for name, stage := range map[string]func(chan struct{}) func(texts) texts{
		"where it is built": func(free chan struct{}) func(texts) texts {
			return func(s texts) texts { <-free; return s }
		},
		"where it is ranged over": func(free chan struct{}) func(texts) texts {
			return func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) { <-free; s(yield) }
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				free := make(chan struct{})
				start := time.Now()
				var called atomic.Int32
				response, err := batch.Run(grouped(ctx, make([]string, 3), reserve), func(s texts) texts {
					return stage(free)(batch.TryEach(s, func(context.Context, string) error { called.Add(1); return nil }))
				})
				is.True(err != nil)
				is.Equal(listed(response), []string{"r0", "r1", "r2"})
				is.True(time.Since(start) < 9*time.Second)
				close(free)
				time.Sleep(time.Minute)
				is.Equal(called.Load(), int32(0))
			})
		})
	}
}

func TestAStageThatIsSlowBeforeItRangesLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var j journal
		var taken effects
		response, err := batch.Run(grouped(ctx, make([]string, 3), reserve, batch.WithLogger(slog.New(&j))), func(s texts) texts {
			time.Sleep(time.Second) // for example, it loads its configuration
			return batch.TryEach(s, taken.each)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		is.Equal(taken.all, []string{"0", "1", "2"})
		is.Equal(len(j.lines), 0)
	})
}
