package batch_test

// Contexts of records that end early or late: what hooks then get, and what is logged.

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// The deadline is in 10 seconds and the reserve is 4, so the contexts end after 6 unless they are cancelled.
func TestTheTimeForHooksIsCountedFromTheEndOfTheContexts(t *testing.T) {
	collect := func(s texts, f func(context.Context, string) error) (batch.Response, error) {
		return batch.Collect(batch.TryEach(s, f))
	}
	run := func(s texts, f func(context.Context, string) error) (batch.Response, error) {
		return batch.Run(s, batch.Each(f))
	}
	for name, c := range map[string]struct {
		collector func(texts, func(context.Context, string) error) (batch.Response, error)
		cancelled time.Duration // when the caller cancels
		late      time.Duration // how long the function needs after the end of its context
		want      time.Duration // when the context of the hook ends
	}{
		"Collect, cancelled":                    {collect, time.Second, 0, 4 * time.Second},
		"Collect, and the function takes more":  {collect, time.Hour, time.Second, 9 * time.Second},
		"Run, cancelled":                        {run, time.Second, 0, 4 * time.Second},
		"Run, cancelled, and it takes more":     {run, time.Second, 1500 * time.Millisecond, 4 * time.Second},
		"Run, and the function takes more":      {run, time.Hour, time.Second, 9 * time.Second},
		"Run, and the function takes too long":  {run, time.Hour, time.Minute, 9 * time.Second},
		"Run, cancelled, and it takes too long": {run, time.Second, time.Minute, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(c.cancelled, cancel)
				start := time.Now()
				var end time.Time
				hook := batch.WithReport(func(ctx context.Context, _ batch.Report) { end, _ = ctx.Deadline() })
				_, err := c.collector(grouped(ctx, make([]string, 1), reserve, hook), func(ctx context.Context, _ string) error {
					<-ctx.Done()
					time.Sleep(c.late)
					return errBoom
				})
				is.True(err != nil)
				is.Equal(end.Sub(start), c.want)
				time.Sleep(2 * time.Hour) // lets everything end that was left running
			})
		})
	}
}

// asked notes that it was asked for its text.
type asked struct{ times *int }

func (a asked) Error() string { *a.times++; return "asked" }

func TestAnErrorIsNotAskedForItsTextIfNothingIsLogged(t *testing.T) {
	for name, logger := range map[string]*slog.Logger{"no logger": nil, "a logger": slog.New(&journal{})} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			times := 0
			source := grouped(t.Context(), make([]string, 2), batch.WithLogger(logger), batch.WithoutAllFailedError())
			response, err := batch.Run(source, batch.Each(func(context.Context, string) error { return asked{&times} }))
			is.NoErr(err)
			is.Equal(listed(response), []string{"r0", "r1"})
			is.Equal(times > 0, logger != nil)
		})
	}
}

// askedContext is a context that does something when it is asked for its deadline.
type askedContext struct {
	context.Context
	asked func()
}

func (c *askedContext) Deadline() (time.Time, bool) { c.asked(); return c.Context.Deadline() }

// In the first range every record arrives. The second is stuck in its first record when the pipeline ends its goroutine, so all
// are reported. It goes on when the response has been decided but no scope has been closed: when Run asks for the deadline.
func TestARangeThatEndsAfterTheResponseDoesNotFinishItsRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		free, exiting := make(chan struct{}), false
		ctx := &askedContext{t.Context(), func() {
			if exiting {
				exiting = false
				close(free)
				synctest.Wait()
			}
		}}
		outcomes := outcomesByID{}
		_, _ = batch.Run(grouped(ctx, make([]string, 2), outcomes.scope()), func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				batch.TryEach(s, succeed)(yield)
				go func() {
					for range batch.TryEach(s, func(context.Context, string) error { <-free; return nil }) {
						break
					}
				}()
				synctest.Wait()
				exiting = true
				runtime.Goexit()
			}
		})
		is.True(!exiting)
		is.True(errors.Is(outcomes["r1"].Err, batch.ErrUnreached))
		is.True(outcomes["r1"].Finished.IsZero())
	})
}

// Without a cause, the record was dropped, or a stage has left its loop.
func TestAnUnreachedRecordSaysWhyTheContextsHadEnded(t *testing.T) {
	caller := errors.New("the caller left")
	stopping := func(s texts) texts { // at the first result, when every function has begun
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				yield(r)
				synctest.Wait()
				return
			}
		}
	}
	for name, c := range map[string]struct {
		stage     func(s texts, hang func(context.Context, string) error) texts
		cancelled time.Duration // when the caller cancels
		want      error
		running   bool // the record whose function hangs is reported, too
	}{
		"too late": {func(s texts, hang func(context.Context, string) error) texts { return batch.TryEach(s, hang) },
			time.Hour, context.DeadlineExceeded, true},
		"cancelled": {func(s texts, hang func(context.Context, string) error) texts { return batch.TryEach(s, hang) },
			time.Second, caller, true},
		"too late in lanes": {func(s texts, hang func(context.Context, string) error) texts {
			return batch.Parallel(s, 1, func(s texts) texts { // which keeps r2
				return batch.TryEachChunk(without(s, "r2"), 10, func(ctx context.Context, vs []string) error { return hang(ctx, vs[1]) })
			})
		}, time.Hour, context.DeadlineExceeded, true},
		"dropped": {func(s texts, _ func(context.Context, string) error) texts { return stopping(s) }, time.Hour, nil, false},
		"dropped while a function hangs": {func(s texts, hang func(context.Context, string) error) texts {
			return stopping(inLanes(s, 2, hang))
		}, time.Hour, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				parent, cancel := context.WithCancelCause(t.Context())
				ctx, reserve := deadlineIn(parent, t)
				time.AfterFunc(c.cancelled, func() { cancel(caller) })
				var report batch.Report
				_, err := batch.Run(grouped(ctx, make([]string, 3), reserve, reportInto(&report), batch.WithoutAllFailedError()), func(s texts) texts {
					return c.stage(s, stuckOn(t, "1"))
				})
				is.NoErr(err)
				is.Equal(len(runningIDs(report)) > 0, c.running)
				for _, f := range report.Failures {
					is.True(errors.Is(f.Err, batch.ErrUnreached))
					is.Equal(errors.Unwrap(f.Err), c.want)
				}
				is.Equal(report.Failures[len(report.Failures)-1].Record.ID, "r2")
			})
		})
	}
}

func TestAnUnreachedRecordSaysWhyTheContextsOfItsOwnBatchHadEnded(t *testing.T) {
	for name, long := range map[string]int{"the first one lasts": 0, "the second one lasts": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				source := func(i int) texts {
					d := 10 * time.Second
					if i == long {
						d = time.Hour
					}
					ctx, cancel := context.WithTimeout(t.Context(), d)
					t.Cleanup(cancel)
					return batch.From(ctx, []string{"0", "1"}, func(v string) batch.Record { return batch.Record{ID: string(rune('a'+i)) + v} })
				}
				firsts := func(yield func(batch.Result[string]) bool) {
					for i := range 2 {
						for r := range source(i) {
							yield(r)
							break
						}
					}
					time.Sleep(time.Minute)
				}
				_, failures := batch.Partition(firsts)
				is.Equal(failedIDs(failures), []string{"a1", "b1"})
				for i, f := range failures {
					is.Equal(errors.Is(f.Err, context.DeadlineExceeded), i != long)
				}
			})
		})
	}
}
