package batch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

type scopeKey string

// A diary notes what hooks and functions do, in order. Its hooks also give the context a value.
type diary struct{ effects }

func (d *diary) scope(name scopeKey) batch.Option {
	return batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
		d.note(fmt.Sprintf("open %s%s", name, r.ID))
		return context.WithValue(ctx, name, r.ID), func(o batch.Outcome) {
			d.note(fmt.Sprintf("close %s%s %v", name, r.ID, o.Err))
		}
	})
}

func (d *diary) call(ctx context.Context, v string) error {
	d.note(fmt.Sprint("call ", v, " ", ctx.Value(scopeKey("a ")), " ", ctx.Value(scopeKey("b "))))
	return failingOn("1")(ctx, v)
}

func TestScopesOpenBeforeTheFirstFunctionAndCloseInReverseBeforeTheReport(t *testing.T) {
	is := is.New(t)
	var d diary
	report := batch.WithReport(func(context.Context, batch.Report) { d.note("report") })
	_, err := batch.Run(grouped(t.Context(), []string{"", "g", "g"}, batch.WithPolicy(batch.StopGroup), report, d.scope("a "), d.scope("b ")),
		func(s texts) texts { return batch.TryEach(batch.TryEach(s, d.call), d.call) })
	is.NoErr(err)
	is.Equal(d.all, []string{
		"open a r0", "open b r0", "call 0 r0 r0", "call 0 r0 r0",
		"open a r1", "open b r1", "call 1 r1 r1",
		"close b r0 <nil>", "close a r0 <nil>",
		"close b r1 boom", "close a r1 boom",
		"report",
	})
}

func TestNoScopeIsOpenedWhereNoFunctionIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // hooks have only little time after the context has ended
		is := is.New(t)
		var d diary
		policy := batch.StopGroup
		count := func(stage func(texts) texts, ctx context.Context) int {
			d.all = nil
			_, _ = batch.Run(grouped(ctx, []string{"g", "g"}, batch.WithPolicy(policy), d.scope("")), stage)
			return len(d.all)
		}
		is.Equal(count(batch.Each(failingOn("0")), t.Context()), 2) // the second record is blocked
		is.Equal(count(batch.Each(failingOn()), endedContext()), 0)
		is.Equal(count(func(s texts) texts { return batch.Discard[string](s) }, t.Context()), 0)
		is.Equal(count(func(s texts) texts { return batch.Parallel(s, 2, func(s texts) texts { return s }) }, t.Context()), 0)
		is.Equal(count(func(s texts) texts { return batch.Tap(s, func(batch.Result[string]) {}) }, endedContext()), 4) // look is a function, too
		policy = batch.Continue                                                                                        // the first record may leave the routes, and block the second one, before that has reached them
		is.Equal(count(func(s texts) texts {
			return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{})
		}, t.Context()), 4) // the key is a function, too
	})
}

func TestARecordThatDoesNotDecodeHasAScopeAsSoonAsItIsCaught(t *testing.T) {
	is := is.New(t)
	var d diary
	payload := []byte(`{"Records":[{"eventSource":"aws:sqs","messageId":"m","body":5}]}`)
	stage := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return batch.Catch(s, func(ctx context.Context, err error) error {
			d.note(fmt.Sprint("caught ", ctx.Value(scopeKey(""))))
			return nil
		})
	}
	_, err := batch.SQSHandler(stage, quiet, d.scope("")).Invoke(t.Context(), payload)
	is.NoErr(err)
	is.Equal(d.all, []string{"open m", "caught m", "close m <nil>"})
}

func TestTheContextOfAScopeEndsWithItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		short := batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
			ctx, cancel := context.WithTimeoutCause(ctx, time.Second, errBoom)
			own, ok := batch.RecordFrom(ctx)
			is.True(ok)
			is.Equal(own, r)
			return ctx, func(batch.Outcome) { cancel() }
		})
		_, _ = batch.Run(grouped(ctx, []string{""}, reserve, short), func(s texts) texts {
			return batch.Parallel(s, 2, batch.Each(func(ctx context.Context, _ string) error {
				end, _ := ctx.Deadline()
				is.Equal(time.Until(end), 6*time.Second)
				r, _ := batch.RecordFrom(ctx)
				is.Equal(r.ID, "r0")
				source, ok := batch.SourceFrom[string](ctx)
				is.True(ok && *source == "0")

				synctest.Wait() // for goroutines that are about to end
				before := goroutinesInBubble()
				_, cancel := context.WithCancel(ctx)
				is.Equal(goroutinesInBubble(), before) // no goroutine is needed to wait for two contexts
				cancel()

				time.Sleep(2 * time.Second)
				is.NoErr(ctx.Err())
				<-ctx.Done()
				is.Equal(context.Cause(ctx), context.DeadlineExceeded)
				return nil
			}))
		})
	})
}

func TestAnIntegersAddressIsAKeyLikeAnyOther(t *testing.T) {
	is := is.New(t)
	key, outer := new(int), context.Background()
	var inner any = t.Context()
	hook := batch.WithScope(func(ctx context.Context, _ batch.Record) (context.Context, func(batch.Outcome)) {
		return context.WithValue(ctx, key, inner), nil
	})
	source := grouped(context.WithValue(t.Context(), key, outer), []string{""}, hook)
	_, err := batch.Run(source, batch.Each(func(ctx context.Context, _ string) error {
		is.Equal(ctx.Value(key), inner) // package context, too, uses the address of an integer as a key, and keeps a context there
		return nil
	}))
	is.NoErr(err)
}

func TestAHookMayReturnNothing(t *testing.T) {
	is := is.New(t)
	nothing := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) { return nil, nil })
	var d diary
	_, err := batch.Run(grouped(t.Context(), []string{""}, nothing, d.scope("a "), nothing), batch.Each(d.call))
	is.NoErr(err)
	is.Equal(d.all, []string{"open a r0", "call 0 r0 <nil>", "close a r0 <nil>"})
	is.Equal(panicOf(func() { batch.WithScope(nil) }), "batch: WithScope: open is nil")
}

func TestPartsThatRunSideBySideHaveOneScope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		opened := 0
		slow := batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
			opened++
			time.Sleep(time.Second)
			return context.WithValue(ctx, scopeKey(""), r.ID), nil
		})
		var d diary
		var wait sync.WaitGroup
		wait.Add(3)
		split := func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) { // not FlatMap, whose function would open the scope before
				for r := range s {
					for range 3 {
						yield(r)
					}
				}
			}
		}
		response, err := batch.Run(grouped(t.Context(), []string{""}, slow), func(s texts) texts {
			return batch.Parallel(split(s), 3, batch.Each(func(ctx context.Context, _ string) error {
				d.note(fmt.Sprint(ctx.Value(scopeKey(""))))
				wait.Done()
				wait.Wait() // until all three run
				return nil
			}))
		})
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.Equal(opened, 1)
		is.Equal(d.all, []string{"r0", "r0", "r0"})
	})
}

func TestAScopeIsOpenedOnceInSeveralIterations(t *testing.T) {
	is := is.New(t)
	var d diary
	_, err := batch.Run(grouped(t.Context(), []string{""}, d.scope("a ")), func(s texts) texts {
		s = batch.TryEach(s, d.call)
		for range s {
		}
		return s
	})
	is.NoErr(err)
	is.Equal(d.all, []string{"open a r0", "call 0 r0 <nil>", "call 0 r0 <nil>", "close a r0 <nil>"})
}

// allFailing is a stage that makes every result Failed without calling a function.
func allFailing(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		s(func(r batch.Result[string]) bool { return yield(r.Fail(errBoom)) })
	}
}

func TestAHookThatPanicsFailsItsRecordAndTheHooksAroundItAreClosed(t *testing.T) {
	is := is.New(t)
	var d diary
	broken := batch.WithScope(func(_ context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
		if r.ID == "r0" {
			panic(errBoom)
		}
		return nil, nil
	})
	var failures []batch.Failure
	report := batch.WithReport(func(_ context.Context, r batch.Report) { failures = r.Failures })
	source := func(opts ...batch.Option) texts {
		d.all = nil
		return grouped(t.Context(), []string{"", ""}, append(opts, d.scope("a "), broken, d.scope("b "), report)...)
	}
	_, err := batch.Run(source(), batch.Each(d.call))
	is.True(err != nil) // d.call fails for the other record
	is.Equal(d.all, []string{
		"open a r0", "open a r1", "open b r1", "call 1 r1 r1", "close a r0 panic: boom", "close b r1 boom", "close a r1 boom",
	})
	var p *batch.PanicError
	is.True(errors.As(failures[0].Err, &p))

	stages := map[string]func(texts) texts{
		"Map": func(s texts) texts { return batch.Map(s, func(v string) string { return v }) },
		"Tap": func(s texts) texts { return batch.Tap(s, func(batch.Result[string]) {}) },
		"chunk": func(s texts) texts {
			return batch.TryEachChunk(s, 5, func(context.Context, []string) error { return nil })
		},
		"Catch": func(s texts) texts {
			return batch.Catch(allFailing(s), func(context.Context, error) error { return nil })
		},
		"Route": func(s texts) texts {
			same := func(s texts) texts { return s }
			return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: same})
		},
	}
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			response, err := batch.Run(source(), stage)
			is.NoErr(err)
			is.Equal(listed(response), []string{"r0"})
			is.True(errors.As(failures[0].Err, &p))
		})
	}
}

// A failure of a hook can be settled like that of a function.
func TestAHooksPanicCanBeCaught(t *testing.T) {
	is := is.New(t)
	broken := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) { panic(errBoom) })
	response, err := batch.Run(grouped(t.Context(), []string{""}, broken), func(s texts) texts {
		return batch.Catch(batch.TryEach(s, failingOn()), func(_ context.Context, err error) error {
			is.True(errors.Is(err, errBoom))
			return nil
		})
	})
	is.NoErr(err)
	is.Equal(len(response.BatchItemFailures), 0)
}

func TestASlowHookStartsNoFunctionAfterTheResponse(t *testing.T) {
	stages := map[string]func(*diary) func(texts) texts{
		"TryEach": func(d *diary) func(texts) texts { return batch.Each(d.call) },
		"chunk": func(d *diary) func(texts) texts {
			return func(s texts) texts {
				return batch.TryEachChunk(s, 2, func(_ context.Context, vs []string) error { d.note(vs...); return nil })
			}
		},
		"Tap": func(d *diary) func(texts) texts {
			return func(s texts) texts { return batch.Tap(s, func(batch.Result[string]) { d.note("seen") }) }
		},
		"Catch": func(d *diary) func(texts) texts {
			return func(s texts) texts {
				return batch.Catch(allFailing(s), func(context.Context, error) error { d.note("caught"); return nil })
			}
		},
	}
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var d diary
				slow := batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
					time.Sleep(20 * time.Second)
					return nil, nil
				})
				response, _ := batch.Run(grouped(ctx, []string{"", ""}, reserve, slow), stage(&d))
				is.Equal(len(response.BatchItemFailures), 2)
				time.Sleep(time.Minute)
				is.Equal(len(d.all), 0)
			})
		})
	}
}

func TestAStuckHookIsAStuckFunction(t *testing.T) {
	stages := map[string]func(texts) texts{
		"in lanes": func(s texts) texts { return batch.Parallel(s, 3, batch.Each(failingOn())) },
		"in a chunk": func(s texts) texts {
			return batch.TryEachChunk(s, 3, func(context.Context, []string) error { return nil })
		},
	}
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				free := make(chan struct{})
				var report batch.Report
				var d diary
				var j journal
				stuck := batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
					if r.ID == "r1" {
						<-free
					}
					return nil, func(o batch.Outcome) { d.note(fmt.Sprint(r.ID, " ", errors.Is(o.Err, batch.ErrRunning))) }
				})
				_, _ = batch.Run(grouped(ctx, []string{"", "", ""}, reserve, stuck, reportInto(&report), batch.WithLogger(slog.New(&j))), stage)
				is.Equal(runningIDs(report), []string{"r1"})
				is.True(slices.Contains(j.lines, "WARN () record still running record=r1")) // outside the scope, which is not open
				is.True(!slices.Contains(d.noted(), "r1 true"))
				close(free) // opens the scope, which is closed at once
				time.Sleep(time.Minute)
				is.True(slices.Contains(d.noted(), "r1 true"))
				is.True(slices.Contains(d.noted(), "r0 false"))
			})
		})
	}
}

func TestAChunkIsWrittenInsideTheScopesOfItsRecordsButNotInTheirContexts(t *testing.T) {
	is := is.New(t)
	var d diary
	_, err := batch.Run(grouped(t.Context(), []string{"", ""}, d.scope("a ")), func(s texts) texts {
		return batch.TryEachChunk(s, 2, func(ctx context.Context, vs []string) error {
			d.note(fmt.Sprint("write ", vs, ctx.Value(scopeKey("a "))))
			return nil
		})
	})
	is.NoErr(err)
	is.Equal(d.all, []string{"open a r0", "open a r1", "write [0 1] <nil>", "close a r0 <nil>", "close a r1 <nil>"})
}

func TestEveryHandlerClosesScopes(t *testing.T) {
	is := is.New(t)
	var d diary
	firehose := batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.Map(s, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
			return batch.FirehoseRecord{Data: r.Data}
		})
	}, quiet, d.scope(""))
	_, err := firehose.Invoke(t.Context(), []byte(`{"invocationId":"i","deliveryStreamArn":"a","records":[{"recordId":"one","data":"YQ=="}]}`))
	is.NoErr(err)
	window := batch.KinesisWindowHandler(func(s batch.Stream[events.KinesisEventRecord]) texts {
		return batch.Map(s, func(r events.KinesisEventRecord) string { return string(r.Kinesis.Data) })
	}, func(state, v string) string { return state + v }, func(context.Context, batch.Window, string) error { return nil }, quiet, d.scope(""))
	_, err = window.Invoke(t.Context(), windowPayload(t, "{}", false, "x"))
	is.NoErr(err)
	is.Equal(len(d.all), 4)
}

func TestTheContextThatAHookGetsDoesNotEndWithLanes(t *testing.T) {
	is := is.New(t)
	var opened context.Context
	hook := batch.WithScope(func(ctx context.Context, _ batch.Record) (context.Context, func(batch.Outcome)) {
		opened = ctx
		return ctx, nil
	})
	_, _ = batch.Run(grouped(t.Context(), []string{""}, hook), func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range batch.Parallel(s, 1, batch.Each(failingOn())) {
				yield(r)
				break
			}
			is.NoErr(opened.Err())
		}
	})
	is.True(opened.Err() != nil)
}
