package batch_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

var errBoom = errors.New("boom")

// named is the source of records that are their own identifiers, all of one group.
func named(ctx context.Context, policy batch.Policy, ids ...string) batch.Stream[string] {
	describe := func(id string) batch.Record { return batch.Record{ID: id, Group: "g"} }
	return batch.From(ctx, ids, describe, batch.WithPolicy(policy))
}

// failingOn makes a function for Each that fails on these values.
func failingOn(values ...string) func(context.Context, string) error {
	return func(_ context.Context, v string) error {
		if slices.Contains(values, v) {
			return errBoom
		}
		return nil
	}
}

// ended is a context that was cancelled because of errBoom.
func ended() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errBoom)
	return ctx
}

// one returns the only Result of a stream.
func one[T any](s batch.Stream[T]) batch.Result[T] {
	all := slices.Collect(s)
	if len(all) != 1 {
		panic("not one Result")
	}
	return all[0]
}

// listed returns the identifiers in a response.
func listed(r batch.Response) []string {
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func TestTheZeroResultIsFailedAndBelongsToNoRecord(t *testing.T) {
	is := is.New(t)
	var r batch.Result[string]
	_, ok := r.Value()
	is.True(!ok)
	is.True(r.Err() != nil)
	is.Equal(r.Record(), batch.Record{})
	is.Equal(r.Context(), context.Background())
	is.True(r.Fail(errBoom).Err() == errBoom)
	is.NoErr(r.Ack().Err())
}

func TestStagesPassTheZeroResultOnAndCollectorsSkipIt(t *testing.T) {
	is := is.New(t)
	withZeros := func(yield func(batch.Result[string]) bool) {
		var zero batch.Result[string]
		for r := range batch.Of("a") {
			_ = yield(zero) && yield(zero.Ack()) && yield(r) && yield(zero.Fail(io.EOF))
		}
	}
	pipeline := func(s batch.Stream[string]) batch.Stream[string] {
		s = batch.Map(s, strings.ToUpper)
		s = batch.Filter(s, func(string) bool { return true })
		s = batch.FlatMap(s, func(v string) []string { return []string{v} })
		s = batch.Catch(s, func(context.Context, error) error { return nil })
		s = batch.OrElse(s, func(context.Context, error) (string, error) { return "else", nil })
		s = batch.Tap(s, func(batch.Result[string]) {})
		s = batch.TryEachChunk(s, 2, func(context.Context, []string) error { return nil })
		return batch.Decode[string](s, func(b []byte, v any) error { *v.(*string) = string(b); return nil })
	}
	is.Equal(len(slices.Collect(pipeline(withZeros))), 4)
	values, failures := batch.Partition(pipeline(withZeros))
	is.Equal(values, []string{"A"})
	is.Equal(len(failures), 0)
	response, err := batch.Run(withZeros, pipeline)
	is.NoErr(err)
	is.Equal(listed(response), []string{})
}

func TestFailAndAckDoNotChangeTheirReceiver(t *testing.T) {
	is := is.New(t)
	r := one(batch.Of("a"))
	failed, done := r.Fail(errBoom), r.Ack()
	v, ok := r.Value()
	is.True(ok)
	is.Equal(v, "a")
	_, ok = failed.Value()
	is.True(!ok)
	is.True(failed.Err() == errBoom)
	_, ok = done.Value()
	is.True(!ok)
	is.NoErr(done.Err())
	is.Equal(failed.Record(), r.Record())
	is.Equal(done.Record(), r.Record())
	is.NoErr(failed.Ack().Err())
	is.True(done.Fail(errBoom).Err() == errBoom)
	is.True(failed.Fail(io.EOF).Err() == io.EOF)
}

func TestFailWithoutAnErrorStillFails(t *testing.T) {
	is := is.New(t)
	r := one(batch.Of("a")).Fail(nil)
	is.True(r.Err() != nil)
	is.True(r.Err().Error() != "")
}

// unprocessed are Results that are Failed although nobody tried them.
func unprocessed() map[error]batch.Result[string] {
	all := slices.Collect(batch.TryEach(named(context.Background(), batch.StopBatch, "a", "b"), failingOn("a")))
	late := one(batch.TryEach(named(ended(), batch.Continue, "a"), failingOn()))
	return map[error]batch.Result[string]{batch.ErrBlocked: all[1], batch.ErrNotStarted: late}
}

func TestUnprocessedIsAStateThatNothingChanges(t *testing.T) {
	for kind, r := range unprocessed() {
		t.Run(kind.Error(), func(t *testing.T) {
			is := is.New(t)
			is.True(errors.Is(r.Err(), kind))
			just := func(yield func(batch.Result[string]) bool) { yield(r) }
			nobody := func(context.Context, error) (string, error) { t.Error("called"); return "", nil }
			for name, s := range map[string]batch.Stream[string]{
				"Fail":      func(yield func(batch.Result[string]) bool) { yield(r.Fail(errBoom)) },
				"Fail(nil)": func(yield func(batch.Result[string]) bool) { yield(r.Fail(nil)) },
				"Ack":       func(yield func(batch.Result[string]) bool) { yield(r.Ack()) },
				"Tap":       batch.Tap(just, func(batch.Result[string]) { panic("look") }),
				"OrElse":    batch.OrElse(just, nobody),
				"Catch": batch.Catch(just, func(ctx context.Context, err error) error {
					_, err = nobody(ctx, err)
					return err
				}),
			} {
				t.Run(name, func(t *testing.T) {
					is := is.New(t)
					is.True(one(s).Err() == r.Err()) // the very same error
					_, failures := batch.Partition(s)
					is.True(slices.ContainsFunc(failures, func(f batch.Failure) bool { return f.Err == r.Err() }))
				})
			}
		})
	}
}

// A user may wrap the library's sentinels; such an error is one like any other.
func TestAnErrorThatLooksLikeAnUnprocessedOneIsCaught(t *testing.T) {
	for _, kind := range []error{batch.ErrBlocked, batch.ErrNotStarted, batch.ErrUnreached} {
		is := is.New(t)
		failed := batch.TryEach(batch.Of("a"), func(context.Context, string) error { return kind })
		caught := batch.Catch(failed, func(context.Context, error) error { return nil })
		response, err := batch.Collect(caught)
		is.NoErr(err)
		is.Equal(listed(response), []string{})
	}
}

func TestThenCallsItsFunctionForReadyResultsOnly(t *testing.T) {
	is := is.New(t)
	double := func(_ context.Context, n int) (int, error) { return 2 * n, nil }
	nobody := func(context.Context, int) (int, error) { t.Error("called"); return 0, nil }
	r := one(batch.Of(21))
	v, ok := batch.Then(r, double).Value()
	is.True(ok)
	is.Equal(v, 42)
	is.True(batch.Then(r.Fail(errBoom), nobody).Err() == errBoom)
	is.NoErr(batch.Then(r.Ack(), nobody).Err())
	is.True(errors.Is(batch.Then(one(batch.From(ended(), []int{1}, func(int) batch.Record { return batch.Record{ID: "a"} })), nobody).Err(), batch.ErrNotStarted))
	is.True(batch.Then(r, func(context.Context, int) (int, error) { return 1, errBoom }).Err() == errBoom)
}

func explode(context.Context, string) error { panic(io.ErrUnexpectedEOF) }

func TestAPanicFailsItsRecordAndNothingElse(t *testing.T) {
	is := is.New(t)
	all := slices.Collect(batch.TryEach(batch.Of("a", "b"), func(ctx context.Context, v string) error {
		if v == "a" {
			return explode(ctx, v)
		}
		return nil
	}))
	var p *batch.PanicError
	is.True(errors.As(all[0].Err(), &p))
	is.Equal(p.Value, io.ErrUnexpectedEOF)
	is.True(errors.Is(p, io.ErrUnexpectedEOF)) // an error is unwrapped
	is.True(strings.Contains(string(p.Stack), "explode"))
	is.Equal(p.Error(), "panic: unexpected EOF")
	is.NoErr(all[1].Err())
}

func TestEveryPanicIsAPanicError(t *testing.T) {
	for name, value := range map[string]any{"nil": nil, "text": "a\x7f\nb", "nil PanicError": (*batch.PanicError)(nil)} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			r := one(batch.Map(batch.Of(1), func(int) int { panic(value) }))
			var p *batch.PanicError
			is.True(errors.As(r.Err(), &p))
			is.True(p != nil)
			is.True(strings.HasPrefix(p.Error(), "panic: "))
			is.True(!strings.ContainsAny(p.Error(), "\x7f\n"))
		})
	}
}

// A panic that runs through an inner pipeline keeps the stack of its origin.
func TestAPanicThatIsPassedOnKeepsItsStack(t *testing.T) {
	is := is.New(t)
	inner := one(batch.TryEach(batch.Of("a"), explode))
	outer := one(batch.Map(batch.Of("b"), func(string) int { panic(inner.Err()) }))
	is.Equal(outer.Err(), inner.Err())
}

func TestGoexitEndsThePipelineAndWhatIsUnfinishedIsReported(t *testing.T) {
	is := is.New(t)
	response, err := batch.Run(batch.Of("a", "b", "c"), batch.Each(func(_ context.Context, v string) error {
		if v == "b" {
			runtime.Goexit()
		}
		return nil
	}))
	is.NoErr(err)
	is.Equal(listed(response), []string{"1", "2"})
}

func TestGoexitBeforeTheFirstRangeIsAnError(t *testing.T) {
	is := is.New(t)
	_, err := batch.Run(batch.Of("a"), func(s batch.Stream[string]) batch.Stream[string] {
		runtime.Goexit()
		return s
	})
	is.True(err != nil)

	// It is one, too, where the stage has sent Results of another source.
	_, err = batch.Run(batch.Of("a"), func(batch.Stream[string]) batch.Stream[string] {
		return func(yield func(batch.Result[string]) bool) {
			batch.Of("elsewhere")(yield)
			runtime.Goexit()
		}
	})
	is.True(err != nil)
}

func TestFunctionsKnowTheirRecordAndItsSource(t *testing.T) {
	is := is.New(t)
	event := events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m-0", Body: "5"},
		{MessageId: "m-1", Body: "7", Attributes: map[string]string{"MessageGroupId": "g", "ApproximateReceiveCount": "3"}},
	}}
	calls := 0
	check := func(ctx context.Context) {
		calls++
		r, ok := batch.RecordFrom(context.WithValue(ctx, key{}, 1))
		is.True(ok)
		m, ok := batch.SourceFrom[events.SQSMessage](ctx)
		is.True(ok)
		is.True(m == &event.Records[r.Index]) // the original, not a copy
		is.Equal(r.ID, m.MessageId)
		is.True(r.Source == any(m))
		_, ok = batch.SourceFrom[events.KinesisEventRecord](ctx)
		is.True(!ok)
		if r.Index == 1 {
			is.Equal(r, batch.Record{ID: "m-1", Group: "g", Index: 1, Attempt: 3, Source: m})
		}
	}
	s := batch.Decode[int](batch.SQS(t.Context(), event), func(b []byte, v any) error { *v.(*int) = int(b[0]); return nil })
	s = batch.TryMap(s, func(ctx context.Context, n int) (int, error) { check(ctx); return n, nil })
	s = batch.FlatMap(s, func(n int) []int { return []int{n, n + 1} })
	s = batch.TryFilter(s, func(ctx context.Context, n int) (bool, error) { check(ctx); return true, nil })
	s = batch.TryEach(s, func(ctx context.Context, n int) error { check(ctx); return errBoom })
	s = batch.OrElse(s, func(ctx context.Context, err error) (int, error) { check(ctx); return 0, err })
	s = batch.Catch(s, func(ctx context.Context, err error) error { check(ctx); return nil })
	for r := range s {
		check(r.Context())
	}
	is.Equal(calls, 2+5*4)
}

func TestOtherContextsHaveNoRecord(t *testing.T) {
	is := is.New(t)
	_, ok := batch.RecordFrom(t.Context())
	is.True(!ok)
	_, ok = batch.SourceFrom[events.SQSMessage](t.Context())
	is.True(!ok)
	s := batch.TryEachChunk(batch.Of("a", "b"), 2, func(ctx context.Context, _ []string) error {
		_, ok := batch.RecordFrom(ctx)
		is.True(!ok) // a chunk is of several
		return nil
	})
	is.Equal(len(slices.Collect(s)), 2)
}

func TestAPipelineInsideAFunctionHasRecordsOfItsOwn(t *testing.T) {
	is := is.New(t)
	s := batch.TryEach(named(t.Context(), batch.Continue, "outer"), func(ctx context.Context, _ string) error {
		inner := batch.TryEach(named(ctx, batch.Continue, "inner"), func(ctx context.Context, _ string) error {
			r, _ := batch.RecordFrom(ctx)
			is.Equal(r.ID, "inner")
			return nil
		})
		_, err := batch.Collect(inner)
		r, _ := batch.RecordFrom(ctx)
		is.Equal(r.ID, "outer")
		is.NoErr(ctx.Err()) // the end of the inner answer is not that of the outer one
		return err
	})
	_, err := batch.Collect(s)
	is.NoErr(err)
}

type key struct{}

func TestTheContextOfARecordIsTheInvocations(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), time.Hour)
	defer cancel()
	r := one(named(ctx, batch.Continue, "a"))
	is.Equal(r.Context().Value(key{}), "value")
	deadline, ok := r.Context().Deadline()
	is.True(ok)
	end, _ := ctx.Deadline()
	is.True(deadline.Before(end))
	cancel()
	<-r.Context().Done()
	is.Equal(r.Context().Err(), context.Canceled)
	is.Equal(context.Cause(r.Context()), context.Canceled)
}

func TestTheContextEndsWithTheAnswerAndNotWithTheRange(t *testing.T) {
	is := is.New(t)
	kept := slices.Collect(named(t.Context(), batch.Continue, "a", "b"))
	is.NoErr(kept[0].Context().Err())
	v, ok := batch.Then(kept[1], func(_ context.Context, v string) (string, error) { return v + "!", nil }).Value()
	is.True(ok) // what was kept back can still be flushed
	is.Equal(v, "b!")

	for name, answer := range map[string]func(batch.Stream[string]){
		"Collect":   func(s batch.Stream[string]) { _, _ = batch.Collect(s) },
		"Partition": func(s batch.Stream[string]) { _, _ = batch.Partition(s) },
		"Run": func(s batch.Stream[string]) {
			_, _ = batch.Run(s, func(s batch.Stream[string]) batch.Stream[string] { return s })
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var kept batch.Result[string]
			answer(batch.Tap(named(t.Context(), batch.Continue, "a"), func(r batch.Result[string]) { kept = r }))
			<-kept.Context().Done()
			out := batch.Then(kept, func(context.Context, string) (string, error) { t.Error("called"); return "", nil })
			is.True(errors.Is(out.Err(), batch.ErrNotStarted))
		})
	}
}

func TestErrorsOfUnprocessedRecordsNameThemAndTheirReason(t *testing.T) {
	is := is.New(t)
	all := unprocessed()
	is.True(strings.Contains(all[batch.ErrBlocked].Err().Error(), `"b"`))
	is.True(strings.Contains(all[batch.ErrBlocked].Err().Error(), `"a"`)) // what blocked it
	is.True(strings.Contains(all[batch.ErrNotStarted].Err().Error(), `"a"`))
	is.True(errors.Is(all[batch.ErrNotStarted].Err(), errBoom)) // the cause of the context
	_, failures := batch.Partition(func(yield func(batch.Result[string]) bool) {
		for r := range batch.Of("x", "y") {
			yield(r)
			return
		}
	})
	is.True(errors.Is(failures[0].Err, batch.ErrUnreached))
	is.True(strings.Contains(failures[0].Err.Error(), `"1"`))
}

func TestAStageThatTriesAgainSettlesItsOwnFailure(t *testing.T) {
	is := is.New(t)
	attempts := map[string]int{}
	flaky := func(_ context.Context, v string) (string, error) {
		if attempts[v]++; attempts[v] == 1 {
			return "", errBoom
		}
		return v, nil
	}
	twice := func(s batch.Stream[string]) batch.Stream[string] {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				out := batch.Then(r, flaky)
				if out.Err() != nil {
					out = batch.Then(r, flaky)
				}
				if !yield(out) {
					return
				}
			}
		}
	}
	held := slices.Values(slices.Collect(twice(named(t.Context(), batch.StopBatch, "a", "b", "c"))))
	response, err := batch.Collect(held)
	is.NoErr(err)
	is.Equal(listed(response), []string{}) // the first attempt did not go on: it blocks nobody
	is.Equal(attempts, map[string]int{"a": 2, "b": 2, "c": 2})
}
