package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestFunctionsCanReadTheirRecordAndItsSourceFromTheContext(t *testing.T) {
	is := is.New(t)
	event := events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m-0", Body: "5"},
		{MessageId: "m-1", Body: "7", Attributes: map[string]string{"MessageGroupId": "g", "ApproximateReceiveCount": "3"}},
	}}
	calls := 0
	check := func(ctx context.Context) {
		calls++
		r, ok := batch.RecordFrom(context.WithValue(ctx, ctxKey{}, 1))
		is.True(ok)
		m, ok := batch.SourceFrom[events.SQSMessage](ctx)
		is.True(ok)
		is.True(m == &event.Records[r.Index]) // the same pointer
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
		is.True(!ok) // a chunk belongs to several records
		return nil
	})
	is.Equal(len(slices.Collect(s)), 2)
}

// Other goroutines write to the entry that the context is made of, so fmt must not read its fields.
func TestAPrintedContextNamesItsRecord(t *testing.T) {
	is := is.New(t)
	var printed []string
	see := func(ctx context.Context) { printed = append(printed, fmt.Sprint(ctx)) }
	scope := batch.WithScope(func(ctx context.Context, _ batch.Record) (context.Context, func(batch.Outcome)) {
		see(ctx)
		return ctx, nil
	})
	_, err := batch.Run(grouped(t.Context(), []string{""}, scope), batch.Each(func(ctx context.Context, _ string) error {
		see(ctx)
		return nil
	}))
	is.NoErr(err)
	is.Equal(printed, []string{`batch.Record("r0")`, `batch.Record("r0")`})
}

func TestTheContextOfARecordDerivesFromThatOfTheInvocation(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), ctxKey{}, "value"), time.Hour)
	defer cancel()
	r := one(oneGroup(ctx, batch.Continue, "a"))
	is.Equal(r.Context().Value(ctxKey{}), "value")
	deadline, ok := r.Context().Deadline()
	is.True(ok)
	end, _ := ctx.Deadline()
	is.True(deadline.Before(end))
	cancel()
	<-r.Context().Done()
	is.Equal(r.Context().Err(), context.Canceled)
	is.Equal(context.Cause(r.Context()), context.Canceled)
}

func TestTheContextOfARecordEndsWithTheResponseAndNotWithTheRange(t *testing.T) {
	is := is.New(t)
	kept := slices.Collect(oneGroup(t.Context(), batch.Continue, "a", "b"))
	is.NoErr(kept[0].Context().Err())
	v, ok := batch.Then(kept[1], func(_ context.Context, v string) (string, error) { return v + "!", nil }).Value()
	is.True(ok) // a result that a stage kept can still be processed
	is.Equal(v, "b!")

	for name, answer := range map[string]func(texts){
		"Collect":   func(s texts) { _, _ = batch.Collect(s) },
		"Partition": func(s texts) { _, _ = batch.Partition(s) },
		"Run": func(s texts) {
			_, _ = batch.Run(s, func(s texts) texts { return s })
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var kept batch.Result[string]
			answer(batch.Tap(oneGroup(t.Context(), batch.Continue, "a"), func(r batch.Result[string]) { kept = r }))
			<-kept.Context().Done()
			out := batch.Then(kept, func(context.Context, string) (string, error) { t.Error("called"); return "", nil })
			is.True(errors.Is(out.Err(), batch.ErrNotStarted))
		})
	}
}

func TestAPipelineInsideAFunctionHasItsOwnRecords(t *testing.T) {
	is := is.New(t)
	s := batch.TryEach(oneGroup(t.Context(), batch.Continue, "outer"), func(ctx context.Context, _ string) error {
		inner := batch.TryEach(oneGroup(ctx, batch.Continue, "inner"), func(ctx context.Context, _ string) error {
			r, _ := batch.RecordFrom(ctx)
			is.Equal(r.ID, "inner")
			return nil
		})
		_, err := batch.Collect(inner)
		r, _ := batch.RecordFrom(ctx)
		is.Equal(r.ID, "outer")
		is.NoErr(ctx.Err()) // Collect has ended only the inner contexts
		return err
	})
	_, err := batch.Collect(s)
	is.NoErr(err)
}

func TestAFunctionMayWriteToItsMessage(t *testing.T) {
	is := is.New(t)
	event := sqsEvent(fifoQueue, "g", "h", "g")
	response, err := batch.Run(batch.SQS(t.Context(), event), batch.Each(func(ctx context.Context, m events.SQSMessage) error {
		original, _ := batch.SourceFrom[events.SQSMessage](ctx)
		if m.MessageId != "m0" {
			return nil
		}
		*original = events.SQSMessage{MessageId: "m1", Attributes: map[string]string{"MessageGroupId": "h"}}
		m.Attributes["MessageGroupId"] = "h"
		return errBoom
	}))
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0", "m2"})
}

// If the library read that map, the race detector or the runtime would report it.
func TestAFunctionLeftRunningMayWriteToItsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var stop atomic.Bool
		writes := func(_ context.Context, m events.SQSMessage) error {
			for !stop.Load() {
				m.Attributes["MessageGroupId"] = "x"
				time.Sleep(time.Millisecond)
			}
			return nil
		}
		var report batch.Report
		_, err := batch.Run(batch.SQS(ctx, sqsEvent(fifoQueue, "g", "g"), reportInto(&report)), batch.Each(writes))
		is.True(err != nil)
		is.Equal(report.Failures[0].Record.Group, "g")
		stop.Store(true)
		time.Sleep(time.Second)
	})
}

func TestFirehoseReturnsUnprocessedDataUnchanged(t *testing.T) {
	is := is.New(t)
	handler := batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.TryMap(s, func(ctx context.Context, r events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
			original, _ := batch.SourceFrom[events.KinesisFirehoseEventRecord](ctx)
			original.RecordID = "other"
			copy(r.Data, "XXXXX")
			return batch.FirehoseRecord{}, errBoom
		})
	})
	answer, err := handler.Invoke(t.Context(), []byte(`{"deliveryStreamArn":"d","records":[{"recordId":"1","data":"aGVsbG8="}]}`))
	is.NoErr(err)
	is.Equal(string(answer), `{"records":[{"recordId":"1","result":"ProcessingFailed","data":"aGVsbG8="}]}`)
}
