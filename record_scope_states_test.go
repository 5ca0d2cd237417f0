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
)

func TestAHookSeesTheValuesOfTheInvocation(t *testing.T) {
	is := is.New(t)
	var seen []any
	hook := batch.WithScope(func(ctx context.Context, _ batch.Record) (context.Context, func(batch.Outcome)) {
		seen = append(seen, ctx.Value(ctxKey{}))
		return nil, nil
	})
	source := func() texts {
		return grouped(context.WithValue(t.Context(), ctxKey{}, "invocation"), []string{""}, hook)
	}
	_, err := batch.Run(source(), batch.Each(succeed))
	is.NoErr(err)
	_, err = batch.Run(source(), func(s texts) texts { return inLanes(s, 2, succeed) })
	is.NoErr(err)
	is.Equal(seen, []any{"invocation", "invocation"})
}

func TestBeforeItsScopeOpensARecordHasTheValuesOfTheInvocation(t *testing.T) {
	is := is.New(t)
	var d diary
	source := grouped(context.WithValue(t.Context(), scopeKey("a "), "invocation"), []string{""}, d.scope("a "))
	_, err := batch.Run(source, func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				d.note(fmt.Sprint(r.Context().Value(scopeKey("a "))))
				r = batch.Then(r, func(context.Context, string) (string, error) { return "", nil })
				d.note(fmt.Sprint(r.Context().Value(scopeKey("a "))))
				yield(r)
			}
		}
	})
	is.NoErr(err)
	is.Equal(d.all, []string{"invocation", "open a r0", "r0", "close a r0 <nil>"})
}

// A slot is a context with one value that may change.
type slot struct {
	context.Context
	value any
}

func (s *slot) Value(key any) any {
	if key == (ctxKey{}) {
		return s.value
	}
	return s.Context.Value(key)
}

func TestAHookCanReplaceAValueThatIsTheContextOfTheRecord(t *testing.T) {
	is := is.New(t)
	invocation := &slot{Context: t.Context()}
	hook := batch.WithScope(func(ctx context.Context, _ batch.Record) (context.Context, func(batch.Outcome)) {
		invocation.value = ctx
		return context.WithValue(ctx, ctxKey{}, "replaced"), nil
	})
	_, err := batch.Run(grouped(invocation, []string{""}, hook), batch.Each(func(ctx context.Context, _ string) error {
		is.Equal(ctx.Value(ctxKey{}), "replaced")
		return nil
	}))
	is.NoErr(err)
}

func TestAnIntegersAddressMayBeAKeyThatOnlyTheHookKnows(t *testing.T) {
	is := is.New(t)
	known, unknown := new(int), new(int)
	hook := batch.WithScope(func(ctx context.Context, _ batch.Record) (context.Context, func(batch.Outcome)) {
		return context.WithValue(ctx, known, "value"), nil
	})
	_, err := batch.Run(grouped(t.Context(), []string{""}, hook), batch.Each(func(ctx context.Context, _ string) error {
		is.Equal(ctx.Value(known), "value")
		is.Equal(ctx.Value(unknown), nil)
		return nil
	}))
	is.NoErr(err)
}

// The failure reaches TryEach, so it counts and is logged although its result is then thrown away. TryEach calls no
// function for it and so opens no scope.
func TestLinesAboutARecordWithoutAScopeHaveTheValuesOfTheInvocation(t *testing.T) {
	var d diary
	for name, opts := range map[string][]batch.Option{"no hook": nil, "unopened": {d.scope("")}} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			log := &scopeLog{}
			ctx := context.WithValue(t.Context(), scopeKey(""), "invocation")
			_, _ = batch.Run(grouped(ctx, []string{""}, append(opts, batch.WithLogger(slog.New(log)))...), func(s texts) texts {
				return func(func(batch.Result[string]) bool) {
					for range batch.TryEach(allFailing(s), succeed) {
					}
				}
			})
			is.Equal(log.lines.all, []string{"record failed invocation"})
			is.Equal(len(d.all), 0)
		})
	}
}

func TestFunctionsThatRunTwiceInsideOneScopeAreLogged(t *testing.T) {
	is := is.New(t)
	var d diary
	var j journal
	_, err := batch.Run(grouped(t.Context(), []string{""}, batch.WithLogger(slog.New(&j)), d.scope("a ")), func(s texts) texts {
		s = batch.TryEach(s, d.call)
		for range s {
		}
		return s
	})
	is.NoErr(err)
	is.Equal(len(j.lines), 1)
	is.True(strings.Contains(j.lines[0], "more than once"))
}

func TestAHookThatEndsItsGoroutineFailsItsRecordAsAFunctionDoes(t *testing.T) {
	is := is.New(t)
	failures := func(inHook, inFunction func()) []string {
		var report batch.Report
		hook := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) {
			inHook()
			return nil, nil
		})
		_, _ = batch.Run(grouped(t.Context(), []string{"", ""}, hook, reportInto(&report)), batch.Each(func(context.Context, string) error {
			inFunction()
			return nil
		}))
		return failureTexts(report)
	}
	nothing := func() {}
	is.Equal(failures(runtime.Goexit, nothing)[0], "the function called runtime.Goexit")
	is.Equal(failures(runtime.Goexit, nothing), failures(nothing, runtime.Goexit))
}

func failureTexts(r batch.Report) (all []string) {
	for _, f := range r.Failures {
		all = append(all, f.Err.Error())
	}
	return all
}

func TestAHooksPanicDoesNotHideTheFailureThatWasToBeCaught(t *testing.T) {
	is := is.New(t)
	var report batch.Report
	broken := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) { panic("no tracer") })
	_, _ = batch.Run(grouped(t.Context(), []string{""}, broken, reportInto(&report)), func(s texts) texts {
		return batch.Catch(allFailing(s), func(context.Context, error) error { return nil })
	})
	var p *batch.PanicError
	is.True(errors.Is(report.Failures[0].Err, errBoom))
	is.True(errors.As(report.Failures[0].Err, &p))
	is.Equal(p.Value, "no tracer")
}

func TestALateTapIsCalledInsideAllScopesOfTheRecord(t *testing.T) {
	is := is.New(t)
	var d diary
	_, _ = batch.Run(grouped(endedContext(), []string{""}, d.scope("a "), d.scope("b ")), func(s texts) texts {
		return batch.Tap(s, func(r batch.Result[string]) {
			d.note(fmt.Sprint("look ", r.Context().Value(scopeKey("a ")), " ", r.Context().Value(scopeKey("b "))))
		})
	})
	is.Equal(d.noted()[:3], []string{"open a r0", "open b r0", "look r0 r0"})
}

func TestNoFurtherHookIsCalledForALateTapOnceTheResponseIsDecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var d diary
		slow := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) {
			time.Sleep(20 * time.Second)
			return nil, func(batch.Outcome) { d.note("closed") }
		})
		_, _ = batch.Run(grouped(ctx, []string{""}, reserve, slow, d.scope("a ")), func(s texts) texts {
			late := func(yield func(batch.Result[string]) bool) {
				for r := range s {
					time.Sleep(7 * time.Second) // until after the end of the context and before the response
					yield(r)
				}
			}
			return batch.Tap(late, func(batch.Result[string]) { d.note("look") })
		})
		time.Sleep(time.Minute)
		is.Equal(d.noted(), []string{"closed"})
	})
}

func TestARecordThatIsTooLateForOneResponseHasAScopeInTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails at once if a goroutine waits for ever
		is := is.New(t)
		var d diary
		source := grouped(t.Context(), []string{""}, d.scope("a "))
		var kept []batch.Result[string]
		_, err := batch.Run(source, func(s texts) texts {
			return func(func(batch.Result[string]) bool) { kept = slices.Collect(s) }
		})
		is.True(err != nil) // nothing was acknowledged
		for range batch.Tap(slices.Values(kept), func(batch.Result[string]) { d.note("late") }) {
		}
		is.Equal(len(d.all), 0)

		_, err = batch.Run(source, func(s texts) texts { return batch.TryEach(s, d.call) })
		is.NoErr(err)
		is.Equal(d.all, []string{"open a r0", "call 0 r0 <nil>", "close a r0 <nil>"})
	})
}

// The hooks return one after the other. Each time one copy waits for the other one's hook.
func TestACopyGoesOnWheneverTheHookThatItWaitsForReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		var d diary
		slow := batch.WithScope(func(_ context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
			time.Sleep(time.Duration(r.Index+1) * time.Second)
			return nil, nil
		})
		_, err := batch.Run(grouped(t.Context(), make([]string, 3), slow), func(s texts) texts {
			return inLanes(repeating(s), 6, func(_ context.Context, v string) error {
				d.note(fmt.Sprint(v, " after ", time.Since(start)))
				return nil
			})
		})
		is.NoErr(err)
		is.Equal(d.all, []string{"0 after 1s", "0 after 1s", "1 after 2s", "1 after 2s", "2 after 3s", "2 after 3s"})
	})
}

// Both scopes are closed when their hooks return. The one that returns first must not make the other record's copy go on.
func TestACopyGoesOnWhenTheHookThatItWaitsForReturnsAfterTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		start := time.Now()
		var d diary
		slow := batch.WithScope(func(_ context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
			time.Sleep(time.Duration(r.Index+2) * 10 * time.Second)
			return nil, func(batch.Outcome) { d.note(fmt.Sprint("close ", r.ID, " after ", time.Since(start))) }
		})
		response, _ := batch.Run(grouped(ctx, make([]string, 2), reserve, slow), func(s texts) texts {
			return batch.Parallel(repeating(s), 4, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					for r := range s {
						out := batch.Then(r, func(context.Context, string) (string, error) { d.note("called"); return "", nil })
						d.note(fmt.Sprint(r.Record().ID, " goes on after ", time.Since(start), " ", errors.Is(out.Err(), batch.ErrNotStarted)))
						yield(out)
					}
				}
			})
		})
		is.Equal(listed(response), []string{"r0", "r1"})
		is.Equal(len(d.noted()), 0)
		time.Sleep(time.Minute)
		noted := d.noted()
		slices.Sort(noted)
		is.Equal(noted, []string{
			"close r0 after 20s", "close r1 after 30s",
			"r0 goes on after 20s true", "r0 goes on after 20s true", "r1 goes on after 30s true", "r1 goes on after 30s true",
		})
	})
}

func TestARecordWhoseFunctionEndedItsLaneHasNotFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		outcomes := outcomesByID{}
		_, _ = batch.Run(grouped(t.Context(), []string{""}, outcomes.scope()), func(s texts) texts {
			return inLanes(s, 1, func(context.Context, string) error { runtime.Goexit(); return nil })
		})
		is.True(outcomes["r0"].Err != nil)
		is.True(outcomes["r0"].Finished.IsZero())
	})
}

// The part that is not stuck waits after the lanes until they have given up the other one.
func TestARecordWithAPartThatWasGivenUpHasNotFinishedWhenAnotherPartArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		outcomes := outcomesByID{}
		arrived := 0
		stuck := stuckOn(t, "stuck")
		_, _ = batch.Run(grouped(ctx, []string{""}, reserve, outcomes.scope()), func(s texts) texts {
			s = batch.FlatMap(s, func(string) []string { return []string{"stuck", "free"} })
			return func(yield func(batch.Result[string]) bool) {
				var last []batch.Result[string]
				for r := range inLanes(s, 2, stuck) {
					if _, ok := r.Value(); ok {
						last = append(last, r)
					} else if !yield(r) {
						return
					}
				}
				for _, r := range last {
					arrived++
					yield(r)
				}
			}
		})
		is.Equal(arrived, 1)
		is.True(errors.Is(outcomes["r0"].Err, batch.ErrRunning))
		is.True(outcomes["r0"].Finished.IsZero())
	})
}

func TestARecordOfWhichNothingReachedTheCollectorHasNotFinished(t *testing.T) {
	dropAll := func(s texts) texts {
		return func(func(batch.Result[string]) bool) {
			for range batch.TryEach(s, succeed) {
			}
		}
	}
	for name, before := range map[string]func(texts) texts{
		"at all":  nil,
		"but did": func(s texts) texts { return s }, // reached an earlier one, when no function had been called for it
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			outcomes := outcomesByID{}
			source := grouped(t.Context(), []string{""}, outcomes.scope())
			if before != nil {
				_, err := batch.Run(source, before)
				is.NoErr(err)
				is.Equal(len(outcomes), 0)
			}
			_, err := batch.Run(source, dropAll)
			is.True(err != nil)
			is.True(errors.Is(outcomes["r0"].Err, batch.ErrUnreached))
			is.True(outcomes["r0"].Finished.IsZero())
		})
	}
}

// Stages may copy a Result. The copy that goes on opens no scope, and the one that opens it is dropped.
func TestARecordHasFinishedEvenIfItArrivedBeforeItsScopeOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		outcomes := outcomesByID{}
		_, err := batch.Run(grouped(t.Context(), []string{""}, outcomes.scope()), func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					time.Sleep(time.Second)
					yield(r)
					time.Sleep(time.Second)
					for range batch.TryEach(slices.Values([]batch.Result[string]{r}), succeed) {
					}
				}
			}
		})
		is.NoErr(err)
		is.NoErr(outcomes["r0"].Err)
		is.Equal(outcomes["r0"].Finished.Sub(start), time.Second)
	})
}

func TestTapDoesNotLookIfAHookPanics(t *testing.T) {
	is := is.New(t)
	bad := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) { panic("no tracer") })
	s := batch.Tap(grouped(t.Context(), []string{""}, bad), func(batch.Result[string]) { t.Error("called outside of the scope") })
	p, _ := errors.AsType[*batch.PanicError](one(s).Err())
	is.Equal(p.Value, "no tracer")
}
