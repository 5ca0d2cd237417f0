package batch_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo/it"
)

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

func TestThenCallsItsFunctionForReadyResultsOnly(t *testing.T) {
	is := is.New(t)
	double := func(_ context.Context, n int) (int, error) { return 2 * n, nil }
	never := func(context.Context, int) (int, error) { t.Error("called"); return 0, nil }
	r := one(batch.Of(21))
	v, ok := batch.Then(r, double).Value()
	is.True(ok)
	is.Equal(v, 42)
	is.True(batch.Then(r.Fail(errBoom), never).Err() == errBoom)
	is.NoErr(batch.Then(r.Ack(), never).Err())
	is.True(errors.Is(batch.Then(one(batch.From(endedContext(), []int{1}, func(int) batch.Record { return batch.Record{ID: "a"} })), never).Err(), batch.ErrNotStarted))
	is.True(batch.Then(r, func(context.Context, int) (int, error) { return 1, errBoom }).Err() == errBoom)
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
	twice := func(s texts) texts {
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
	held := slices.Values(slices.Collect(twice(oneGroup(t.Context(), batch.StopBatch, "a", "b", "c"))))
	response, err := batch.Collect(held)
	is.NoErr(err)
	is.Equal(listed(response), []string{}) // the failed first attempt was not sent, so it blocks no record
	is.Equal(attempts, map[string]int{"a": 2, "b": 2, "c": 2})
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
	pipeline := func(s texts) texts {
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

func TestADroppedFailureIsNotSettledByACopyThatHadItsOwn(t *testing.T) {
	is := is.New(t)
	copied := func(yield func(batch.Result[string]) bool) {
		for r := range grouped(t.Context(), []string{"", ""}) {
			for range 2 {
				if !yield(r) {
					return
				}
			}
		}
	}
	failures := 0
	firstDropped := func(yield func(batch.Result[string]) bool) {
		for r := range batch.TryEach(copied, failingOn("0")) {
			if r.Err() != nil {
				if failures++; failures == 1 {
					continue
				}
			}
			if !yield(r) {
				return
			}
		}
	}
	response, err := batch.Collect(batch.Catch(firstDropped, func(context.Context, error) error { return nil }))
	is.NoErr(err)
	is.Equal(failures, 2)
	is.Equal(listed(response), []string{"r0"})
}

// The part descends from a failure that was settled. One copy of it goes through a lane and fails there after it; its
// failure is dropped. The other copy goes past the lane.
func TestADroppedFailureIsNotSettledByACopyThatWentPastTheLanes(t *testing.T) {
	is := is.New(t)
	s := it.Map(grouped(t.Context(), []string{"", ""}), func(r batch.Result[string]) batch.Result[string] { return r.Fail(errBoom) })
	s = batch.OrElse(s, func(ctx context.Context, _ error) (string, error) {
		r, _ := batch.RecordFrom(ctx)
		return r.ID, nil
	})
	s = batch.FlatMap(s, func(v string) []string { return []string{v} })
	copies := slices.Collect(s)
	for r := range batch.TryEach(batch.Parallel(slices.Values(copies), 1, batch.Each(succeed)), failingOn("r0")) {
		is.Equal(r.Err() != nil, r.Record().ID == "r0") // and goes no further
	}
	response, err := batch.Collect(slices.Values(copies))
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0"})
}
