package otelbatch_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// spanOf returns the span of the first record of a batch that the stage processes.
func spanOf[T any](t *testing.T, arn string, stage batch.Stage[events.SQSMessage, T], bodies ...string) sdktrace.ReadOnlySpan {
	t.Helper()
	spans := newTracer()
	invoke(t, t.Context(), batch.SQSHandler(stage, spans.option(), batch.WithLogger(nil)), messages(arn, bodies...))
	return spans.byID(t)["m0"]
}

func returning(err error) batch.Stage[events.SQSMessage, events.SQSMessage] {
	return each(func(context.Context, events.SQSMessage) error { return err })
}

type classified struct{ error }

func (classified) ErrorType() string { return "card_refused" }

func TestAFailureIsClassified(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"by its type":                 {errBoom, "*errors.errorString"},
		"through fmt's wrappers":      {fmt.Errorf("charge: %w", fmt.Errorf("card: %w", context.Canceled)), "*errors.errorString"},
		"by its own method":           {fmt.Errorf("charge: %w", classified{errBoom}), "card_refused"},
		"as undecodable":              {fmt.Errorf("order: %w", &batch.DecodeError{Err: errBoom}), "decode_error"},
		"as a panic, even if wrapped": {fmt.Errorf("shared: %w", &batch.PanicError{Value: errBoom}), "panic"},
		"by a type with a package":    {plainError{}, "github.com/lambdabatch/batch/otelbatch_test.plainError"},
		"whatever its ErrorType does": {methodPanics{}, "_OTHER"},
		"whatever its Unwrap does":    {unwrapPanics{}, "_OTHER"},
		"even with a nil receiver":    {(*nilReceiver)(nil), "*otelbatch_test.nilReceiver"},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			span := spanOf(t, queue, returning(c.err), "")
			is.Equal(statusOf(span), "Error "+c.want)
			is.Equal(len(span.Events()), 1)
			is.Equal(span.Events()[0].Name, "exception")
		})
	}
}

type plainError struct{}

func (plainError) Error() string { return "refused" }

type methodPanics struct{ plainError }

func (methodPanics) ErrorType() string { panic("ErrorType") }

type unwrapPanics struct{ plainError }

func (unwrapPanics) Unwrap() error { panic("Unwrap") }

type nilReceiver struct{ text string }

func (e *nilReceiver) Error() string { return e.text }

type errorPanics struct{}

func (errorPanics) Error() string { panic("Error") }

// evil's text panics with a value whose text panics.
type evil struct{}

func (e evil) Error() string { panic(e) }

type errorExits struct{}

func (errorExits) Error() string { runtime.Goexit(); return "" }

func TestTheErrorIsTheDescriptionAndAnEvent(t *testing.T) {
	is := is.New(t)
	span := spanOf(t, queue, returning(fmt.Errorf("charge \xff: %w", errBoom)), "")
	is.Equal(span.Status().Description, "charge \uFFFD: boom") // an exporter would refuse the invalid byte, and all other spans with it
	event := asStrings(span.Events()[0].Attributes)
	is.Equal(event["exception.type"], "*errors.errorString")
	is.Equal(event["exception.message"], "charge \uFFFD: boom")
	is.Equal(event["exception.stacktrace"], "")
}

func TestAPanicLeavesItsStack(t *testing.T) {
	is := is.New(t)
	span := spanOf(t, queue, each(func(context.Context, events.SQSMessage) error {
		var none []int
		_ = none[len(none)]
		return nil
	}), "")
	is.Equal(statusOf(span), "Error panic")
	event := asStrings(span.Events()[0].Attributes)
	is.Equal(event["exception.type"], "runtime.boundsError")
	is.True(strings.HasPrefix(event["exception.message"], "panic: runtime error: index out of range"))
	is.True(strings.Contains(event["exception.stacktrace"], "TestAPanicLeavesItsStack"))
}

func TestAnErrorWhoseMethodsPanicEndsTheSpanAllTheSame(t *testing.T) {
	is := is.New(t)
	span := spanOf(t, queue, returning(errorPanics{}), "")
	is.Equal(statusOf(span), "Error github.com/lambdabatch/batch/otelbatch_test.errorPanics")
	is.True(strings.Contains(span.Status().Description, "PANIC=Error method: Error"))
	span = spanOf(t, queue, returning(evil{}), "")
	is.Equal(statusOf(span), "Error github.com/lambdabatch/batch/otelbatch_test.evil")
	is.Equal(span.Status().Description, "a otelbatch_test.evil whose text cannot be made")

	span = spanOf(t, queue, each(func(_ context.Context, m events.SQSMessage) error {
		if m.Body == "exits" {
			return errorExits{}
		}
		return nil
	}), "exits", "fine") // if all failed, the text of the AllFailedError would end the handler
	is.True(!span.EndTime().IsZero())
}

func TestAHandledErrorIsNotAFailure(t *testing.T) {
	filtered := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return batch.Filter(s, func(events.SQSMessage) bool { return false })
	}
	caught := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return batch.Catch(returning(errBoom)(s), func(context.Context, error) error { return nil })
	}
	for _, stage := range []batch.Stage[events.SQSMessage, events.SQSMessage]{each(succeed), filtered, caught} {
		span := spanOf(t, queue, stage, "")
		is.New(t).Equal(statusOf(span), "Unset")
		is.New(t).Equal(len(span.Events()), 0)
	}
}

// isUnprocessed fails the test unless the span says that the record did not fail itself.
func isUnprocessed(t *testing.T, span sdktrace.ReadOnlySpan, errorType, description string) {
	t.Helper()
	is := is.New(t)
	is.Equal(statusOf(span), "Error "+errorType)
	is.Equal(span.Status().Description, description)
	is.Equal(len(span.Events()), 0)
}

func TestARecordThatIsBlockedAfterAFunctionWasCalledSaysSo(t *testing.T) {
	spans := newTracer()
	stage := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		s = batch.Tap(s, func(batch.Result[events.SQSMessage]) {})
		return returning(errBoom)(s)
	}
	invoke(t, t.Context(), batch.SQSHandler(stage, spans.option(), batch.WithLogger(nil)), messages(fifoQueue, "", ""))
	isUnprocessed(t, spans.byID(t)["m1"], "blocked", `blocked by record "m0"`)
}

func TestARecordThatAStageDropsIsUnreached(t *testing.T) {
	dropping := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return func(func(batch.Result[events.SQSMessage]) bool) {
			for range each(succeed)(s) {
			}
		}
	}
	isUnprocessed(t, spanOf(t, queue, dropping, ""), "unreached", "unreached: dropped by a stage, or waiting when the response was due")
}

func TestARecordWhoseContextEndedBetweenFunctionsWasNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spans := newTracer()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		stage := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
			return each(succeed)(each(func(ctx context.Context, _ events.SQSMessage) error { <-ctx.Done(); return nil })(s))
		}
		invoke(t, ctx, batch.SQSHandler(stage, spans.option(), batch.WithLogger(nil)), messages(queue, ""))
		isUnprocessed(t, spans.byID(t)["m0"], "not_started", "not started: context deadline exceeded")
	})
}

func TestARecordThatRanABatchOfItsOwnHasFailedItself(t *testing.T) {
	lines := func(ctx context.Context, m events.SQSMessage) error {
		source := batch.From(ctx, strings.Fields(m.Body), func(line string) batch.Record { return batch.Record{ID: line} }, batch.WithPolicy(batch.StopBatch))
		_, err := batch.Run(source, batch.Each(func(context.Context, string) error { return errBoom }))
		return err
	}
	is := is.New(t)
	spans, m := newTracer(), newMeter()
	invoke(t, t.Context(), batch.SQSHandler(each(lines), spans.option(), m.option(), batch.WithLogger(nil)), messages(queue, "a b", ""))
	span := spans.byID(t)["m0"]
	is.True(strings.Contains(span.Status().Description, "blocked"))
	is.Equal(statusOf(span), "Error *batch.AllFailedError")
	is.Equal(len(span.Events()), 1)
	is.Equal(m.consumed(t), map[string]int64{"orders": 1, "orders *batch.AllFailedError": 1})
}

func TestAContextErrorReturnedByAFunctionIsItsOwnError(t *testing.T) {
	is := is.New(t)
	span := spanOf(t, queue, returning(errors.Join(context.DeadlineExceeded)), "")
	is.Equal(statusOf(span), "Error *errors.joinError")
	is.Equal(len(span.Events()), 1)
}
