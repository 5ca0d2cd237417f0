package batch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

// outcomesByID keeps the outcomes that scopes are closed with.
type outcomesByID map[string]batch.Outcome

func (o outcomesByID) scope() batch.Option {
	return batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
		return ctx, func(outcome batch.Outcome) { o[r.ID] = outcome }
	})
}

func TestARecordHasFinishedWhenItsLastResultHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		start, free := time.Now(), make(chan struct{})
		defer close(free)
		takes := map[string]time.Duration{"0": 3 * time.Second, "1/0": time.Second, "1/1": 2 * time.Second, "4": time.Second}
		outcomes := outcomesByID{}
		_, _ = batch.Run(grouped(ctx, []string{"", "", "", "", "g", "g"}, reserve, batch.WithPolicy(batch.StopGroup), outcomes.scope()), func(s texts) texts {
			s = batch.FlatMap(s, func(v string) []string {
				if v == "1" || v == "2" {
					return []string{v + "/0", v + "/1"}
				}
				return []string{v}
			})
			s = batch.Parallel(s, 8, batch.Each(func(ctx context.Context, v string) error {
				time.Sleep(takes[v])
				switch v {
				case "2/1":
					<-free
				case "3", "4":
					return errBoom
				}
				return nil
			}))
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if r.Record().ID != "r3" && !yield(r) { // r3 is thrown away
						return
					}
				}
			}
		})
		after := func(id string) time.Duration { return outcomes[id].Finished.Sub(start) }
		is.Equal(after("r0"), 3*time.Second)
		is.Equal(after("r1"), 2*time.Second) // when its later part arrived
		is.NoErr(outcomes["r0"].Err)
		is.True(errors.Is(outcomes["r2"].Err, batch.ErrRunning))
		is.True(outcomes["r2"].Finished.IsZero()) // only one of its parts has arrived
		is.Equal(outcomes["r3"].Err, errBoom)
		is.True(outcomes["r3"].Finished.IsZero())
		is.Equal(outcomes["r4"].Err, errBoom)
		is.Equal(after("r4"), time.Second)
		is.True(errors.Is(outcomes["r5"].Err, batch.ErrBlocked)) // by r4
		is.Equal(after("r5"), time.Second)
	})
}

// The stage looks at the first record and then ranges again. Only the last range counts.
func TestOnlyTheLastRangeSetsTheTimeAtWhichARecordFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		outcomes := outcomesByID{}
		_, err := batch.Run(grouped(t.Context(), []string{"", ""}, outcomes.scope()), func(s texts) texts {
			s = batch.TryEach(s, func(context.Context, string) error { time.Sleep(time.Second); return nil })
			for range s {
				break
			}
			return s
		})
		is.NoErr(err)
		is.Equal(outcomes["r0"].Finished.Sub(start), 2*time.Second)
		is.Equal(outcomes["r1"].Finished.Sub(start), 3*time.Second)
	})
}

func TestTheScopesOfEveryBatchInAResponseAreClosed(t *testing.T) {
	is := is.New(t)
	first, second := outcomesByID{}, outcomesByID{}
	s := func(yield func(batch.Result[string]) bool) {
		grouped(t.Context(), []string{"", ""}, first.scope())(yield)
		grouped(t.Context(), []string{"", "", ""}, second.scope())(yield)
	}
	_, err := batch.Collect(batch.TryEach(s, failingOn("1", "2")))
	is.NoErr(err)
	is.Equal(fmt.Sprint(len(first), first["r0"].Err, first["r1"].Err), "2 <nil> boom")
	is.Equal(fmt.Sprint(len(second), second["r0"].Err, second["r1"].Err, second["r2"].Err), "3 <nil> boom boom")
}

// In the second range the scope of r0 is closed already. That of r1 is opened, as no function was called for it before.
func TestAStreamThatIsCollectedTwiceClosesEachScopeOnce(t *testing.T) {
	is := is.New(t)
	var d diary
	calls := 0
	s := batch.TryEach(grouped(t.Context(), []string{"g", "g"}, batch.WithPolicy(batch.StopGroup), d.scope("")), func(_ context.Context, v string) error {
		if calls++; calls == 1 {
			return errBoom
		}
		return nil
	})
	_, _ = batch.Collect(s)
	is.Equal(d.all, []string{"open r0", "close r0 boom"})
	_, err := batch.Collect(s)
	is.NoErr(err)
	is.Equal(d.all[2:], []string{"open r1", "close r1 <nil>"})
}

func TestAHangingCloseFunctionDelaysNeitherOtherScopesNorTheResponseNorTheReport(t *testing.T) {
	for hanging, name := range map[int]string{1: "one", 100: "many", 1000: "all"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				free, start := make(chan struct{}), time.Now()
				var closed effects
				reported := 0
				hang := batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
					return ctx, func(batch.Outcome) {
						closed.note(r.ID)
						if r.Index < hanging {
							<-free
						}
					}
				})
				report := batch.WithReport(func(_ context.Context, r batch.Report) { reported = r.Records })
				response, err := batch.Run(grouped(ctx, make([]string, 1000), reserve, hang, report), batch.Each(failingOn()))
				is.NoErr(err)
				is.Equal(len(response.BatchItemFailures), 0)
				is.True(time.Since(start) <= 9*time.Second)
				is.Equal(reported, 1000)
				synctest.Wait()
				is.Equal(len(closed.noted()), 1000)
				close(free)
				synctest.Wait()
				is.Equal(len(closed.noted()), 1000)
			})
		})
	}
}

func TestAFailingCloseFunctionDoesNotPreventTheOthers(t *testing.T) {
	for name, do := range map[string]func(){"panics": func() { panic(errBoom) }, "exits": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var d diary
				bad := batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
					return ctx, func(batch.Outcome) { do() }
				})
				_, err := batch.Run(grouped(ctx, []string{"", ""}, reserve, d.scope("a "), bad, d.scope("b ")), batch.Each(failingOn()))
				is.NoErr(err)
				slices.Sort(d.all)
				is.Equal(d.all, []string{
					"close a r0 <nil>", "close a r1 <nil>", "close b r0 <nil>", "close b r1 <nil>", "open a r0", "open a r1", "open b r0", "open b r1",
				})
			})
		})
	}
}

// scopeLog keeps messages, each with the scope that its context belongs to.
type scopeLog struct {
	slog.Handler
	lines effects
}

func (l *scopeLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *scopeLog) Handle(ctx context.Context, r slog.Record) error {
	l.lines.note(fmt.Sprint(r.Message, " ", ctx.Value(scopeKey(""))))
	return nil
}

func TestLinesAboutARecordAreLoggedInItsScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		free := make(chan struct{})
		defer close(free)
		var d diary
		log := &scopeLog{}
		_, _ = batch.Run(grouped(ctx, []string{"", "", "", ""}, reserve, batch.WithLogger(slog.New(log)), d.scope("")), func(s texts) texts {
			s = batch.Parallel(s, 4, batch.Each(func(ctx context.Context, v string) error {
				if v == "2" {
					<-free
				}
				return failingOn("0", "1")(ctx, v)
			}))
			return dropping(s, "1")
		})
		slices.Sort(log.lines.all)
		is.Equal(log.lines.all, []string{
			"record failed r0", "record failed r1", "record still running r2", "records not processed <nil>",
		})
	})
}

func TestAPanicThatPassesThroughACollectorClosesScopes(t *testing.T) {
	for name, collect := range map[string]func(texts){
		"Collect":   func(s texts) { _, _ = batch.Collect(s) },
		"Partition": func(s texts) { batch.Partition(s) },
		"CollectFirehose": func(s texts) {
			_, _ = batch.CollectFirehose(batch.Map(s, func(string) (f batch.FirehoseRecord) { return f }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			outcomes := outcomesByID{}
			reports := 0
			report := batch.WithReport(func(context.Context, batch.Report) { reports++ })
			s := batch.TryEach(grouped(t.Context(), []string{"", "", "", ""}, outcomes.scope(), report), failingOn("1"))
			is.Equal(panicOf(func() {
				collect(func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if r.Record().Index == 2 {
							panic(errBoom)
						}
						yield(r)
					}
				})
			}), errBoom)
			is.Equal(len(outcomes), 3)
			is.True(errors.Is(outcomes["r0"].Err, batch.ErrUnreached)) // it had finished, but no response says so
			is.Equal(outcomes["r1"].Err, errBoom)
			is.True(errors.Is(outcomes["r2"].Err, batch.ErrUnreached))
			is.Equal(reports, 0)
		})
	}
}

func TestAHooksPanicFailsEveryTryAndEveryPart(t *testing.T) {
	is := is.New(t)
	calls := 0
	broken := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) { panic(errBoom) })
	response, err := batch.Run(grouped(t.Context(), []string{""}, broken, batch.WithoutAllFailedError()), func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				for range 3 {
					if out := batch.Then(r, func(context.Context, string) (string, error) { calls++; return "", nil }); out.Err() == nil || !yield(out) {
						return
					}
				}
			}
		}
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0"})
	is.Equal(calls, 0)
}

func TestTheStackOfAHooksPanicIsLogged(t *testing.T) {
	is := is.New(t)
	var j journal
	crash := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) { panic("oh") })
	_, err := batch.Run(grouped(t.Context(), []string{""}, crash, batch.WithLogger(slog.New(&j))), batch.Each(succeed))
	is.True(err != nil)
	is.Equal(len(j.lines), 1)
	is.True(strings.Contains(j.lines[0], " error=panic: oh at="))
	is.True(strings.Contains(j.lines[0], "TestTheStackOfAHooksPanicIsLogged"))
}

func TestNoFurtherHookIsCalledOnceOneHasTakenTooLong(t *testing.T) {
	for _, takes := range []time.Duration{7 * time.Second, 20 * time.Second} { // longer than the context lives, longer than Run takes
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, reserve := deadline(t)
			var d diary
			slow := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) {
				time.Sleep(takes)
				return nil, func(batch.Outcome) { d.note("closed") }
			})
			_, _ = batch.Run(grouped(ctx, []string{""}, reserve, slow, d.scope("a ")), batch.Each(d.call))
			time.Sleep(time.Minute)
			is.Equal(d.noted(), []string{"closed"})
		})
	}
}

// An earlier record of the group may still fail and hold back the record whose hook panics.
func TestAHookThatPanicsBeforeARouteKeyFailsItsRecordInOrder(t *testing.T) {
	is := is.New(t)
	broken := batch.WithScope(func(_ context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
		if r.ID == "r1" {
			panic("no tracer")
		}
		return nil, nil
	})
	var reasons []string
	report := batch.WithReport(func(_ context.Context, r batch.Report) {
		reasons = lo.Map(r.Failures, func(f batch.Failure, _ int) string { return f.Err.Error() })
	})
	run := func(failing ...string) []string {
		reasons = nil
		routes := map[int]batch.Stage[string, string]{0: batch.Each(failingOn(failing...))}
		_, _ = batch.Run(grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(batch.StopGroup), broken, report), func(s texts) texts {
			return batch.Route(s, func(string) int { return 0 }, routes)
		})
		return reasons
	}
	is.Equal(run("0"), []string{"boom", `blocked by record "r0"`, `blocked by record "r0"`})
	is.Equal(run(), []string{"panic: no tracer", `blocked by record "r1"`})
}

// A goroutine that is left running may go on with results that no function has seen yet.
func TestNoScopeIsOpenedAfterTheResponse(t *testing.T) {
	is := is.New(t)
	var d diary
	var kept []batch.Result[string]
	response, err := batch.Run(grouped(t.Context(), make([]string, 2), d.scope(""), batch.WithoutAllFailedError()), func(s texts) texts {
		return func(func(batch.Result[string]) bool) { kept = slices.Collect(s) }
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0", "r1"})
	seen := slices.Collect(batch.Tap(slices.Values(kept), func(batch.Result[string]) { t.Error("called after the response") }))
	is.Equal(len(seen), 2)
	is.Equal(len(d.all), 0)
}
