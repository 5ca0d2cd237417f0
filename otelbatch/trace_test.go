package otelbatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/otelbatch"
	"github.com/matryer/is"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var errBoom = errors.New("boom")

func TestARecordHasASpanThatFunctionsSee(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	seen := make(map[string]trace.SpanContext)
	look := func(ctx context.Context, m events.SQSMessage) error {
		seen[m.MessageId] = trace.SpanContextFromContext(ctx)
		_, child := spans.provider.Tracer("test").Start(ctx, "charge")
		child.End()
		return nil
	}
	invoke(t, t.Context(), batch.SQSHandler(each(look), spans.option()), messages(queue, "a", "b"))

	ended := spans.byID(t)
	is.Equal(len(ended), 2)
	for id, span := range ended {
		is.Equal(span.Name(), "process orders")
		is.Equal(span.SpanKind(), trace.SpanKindConsumer)
		is.Equal(span.SpanContext().SpanID(), seen[id].SpanID())
		is.Equal(span.Status().Code, codes.Unset)
		is.Equal(len(span.Events()), 0)
		is.Equal(span.InstrumentationScope().Name, "github.com/lambdabatch/batch/otelbatch")
		is.True(span.InstrumentationScope().SchemaURL != "")
	}
	children := 0
	for _, span := range spans.Ended() {
		if span.Name() == "charge" {
			children++
			is.True(span.Parent().Equal(seen["m0"]) || span.Parent().Equal(seen["m1"]))
		}
	}
	is.Equal(children, 2)
}

func TestSpansOfSeveralInvocationsAreIndependent(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	var barrier sync.WaitGroup
	const invocations = 8
	barrier.Add(invocations)
	h := batch.SQSHandler(each(func(_ context.Context, m events.SQSMessage) error {
		barrier.Done()
		barrier.Wait() // until every invocation is processing its record
		if m.Body == "1" {
			return errBoom
		}
		return nil
	}), spans.option(), batch.WithLogger(nil))
	var all sync.WaitGroup
	parents := make([]trace.SpanContext, invocations)
	for i := range invocations {
		parents[i] = spanContext(byte(i+1), trace.FlagsSampled)
		ctx := trace.ContextWithSpanContext(t.Context(), parents[i])
		all.Go(func() { invoke(t, ctx, h, messages(queue, string(rune('0'+i%2)))) })
	}
	all.Wait()
	is.Equal(len(spans.Ended()), invocations)
	for _, span := range spans.Ended() {
		n := int(span.Parent().SpanID()[7]) - 1
		is.True(span.Parent().Equal(parents[n]))
		is.Equal(span.Status().Code == codes.Error, n%2 == 1)
	}
}

func TestTheSpanLastsUntilTheLastResultOfTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		spans := newTracer()
		stage := func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
			parts := batch.FlatMap(s, func(m events.SQSMessage) []string { return []string{"0s", m.Body} })
			return batch.Parallel(parts, 4, func(s batch.Stream[string]) batch.Stream[string] {
				return batch.TryEach(s, func(_ context.Context, part string) error {
					d, err := time.ParseDuration(part)
					time.Sleep(d)
					return err
				})
			})
		}
		invoke(t, t.Context(), batch.SQSHandler(stage, spans.option()), messages(queue, "1ms", "2ms"))
		ended := spans.byID(t) // one span per record, although its parts run at the same time
		is.Equal(ended["m0"].EndTime().Sub(ended["m0"].StartTime()), time.Millisecond)
		is.Equal(ended["m1"].EndTime().Sub(ended["m1"].StartTime()), 2*time.Millisecond)
	})
}

func TestTheSpanOfARecordThatDidNotArriveEndsWithTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		spans := newTracer()
		release := make(chan struct{})
		h := batch.SQSHandler(each(func(ctx context.Context, m events.SQSMessage) error {
			switch m.Body {
			case "stuck":
				<-release
			case "slow":
				<-ctx.Done()
			}
			return nil
		}), spans.option(), batch.WithReserve(time.Second), batch.WithLogger(nil))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		invoke(t, ctx, h, messages(queue, "ok", "stuck", "ok"))
		answered := time.Now()
		ended := spans.byID(t)
		is.Equal(statusOf(ended["m0"]), "Unset")
		is.Equal(ended["m0"].EndTime(), begin)
		is.Equal(statusOf(ended["m1"]), "Error running")
		is.Equal(ended["m1"].EndTime(), answered)
		is.Equal(len(ended["m1"].Events()), 0)
		is.Equal(statusOf(ended["m2"]), "no span")
		close(release)
		synctest.Wait()
		is.Equal(len(spans.Started()), 2) // a function that returns late opens no span
	})
}

func TestARecordForWhichNoFunctionIsCalledHasNoSpan(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	failing := func(context.Context, events.SQSMessage) error { return errBoom }
	invoke(t, t.Context(), batch.SQSHandler(each(failing), spans.option(), batch.WithLogger(nil)), messages(fifoQueue, "a", "b"))
	ended := spans.byID(t)
	is.Equal(statusOf(ended["m0"]), "Error *errors.errorString")
	is.Equal(statusOf(ended["m1"]), "no span") // blocked
}

func TestARecordThatDidNotDecodeHasASpanIfAFunctionIsCalledForIt(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	tapped := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return batch.Tap(s, func(batch.Result[events.SQSMessage]) {})
	}
	h := batch.SQSHandler(tapped, spans.option(), batch.WithLogger(nil))
	_, err := h.Invoke(t.Context(), []byte(`{"Records":[
		{"messageId":"m0","eventSource":"aws:sqs","eventSourceARN":"`+queue+`","body":7},
		{"messageId":"m1","eventSource":"aws:sqs","eventSourceARN":7,"body":7},
		{"messageId":"m2","eventSource":"aws:sqs","eventSourceARN":"`+queue+`","body":"fine"}]}`))
	is.NoErr(err)
	ended := spans.byID(t)
	is.Equal(statusOf(ended["m0"]), "Error decode_error")
	is.Equal(ended["m0"].Name(), "process orders")
	is.Equal(asStrings(ended["m0"].Events()[0].Attributes)["exception.type"], "*batch.DecodeError")
	is.Equal(ended["m1"].Name(), "process")
	is.Equal(statusOf(ended["m2"]), "Unset")
}

func TestRecordsOfAnyTypeHaveSpans(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	describe := func(n json.Number) batch.Record { return batch.Record{ID: "r" + n.String(), Attempt: 3} }
	source := batch.From(t.Context(), []json.Number{"1", "2"}, describe, spans.option())
	_, err := batch.Run(source, batch.Each(func(context.Context, json.Number) error { return nil }))
	is.NoErr(err)
	ended := spans.byID(t)
	is.Equal(ended["r1"].Name(), "process")
	is.Equal(attributesOf(ended["r2"]), map[string]string{
		"messaging.operation.name": "process", "messaging.operation.type": "process",
		"messaging.message.id": "r2", "batch.record.attempt": "3",
	})
}

func TestBadArgumentsPanicWhereTheOptionIsMade(t *testing.T) {
	for complaint, f := range map[string]func(){
		"otelbatch: WithTracerProvider: provider is nil": func() { otelbatch.WithTracerProvider(nil) },
		"otelbatch: WithMeterProvider: provider is nil":  func() { otelbatch.WithMeterProvider(nil) },
		"otelbatch: WithPropagators: propagators is nil": func() { otelbatch.WithPropagators(nil) },
		"otelbatch: Option: it is nil":                   func() { otelbatch.Trace(nil) },
	} {
		func() {
			defer func() { is.New(t).Equal(recover(), complaint) }()
			f()
		}()
	}
}

// hanging is an exporter whose Collector does not respond.
type hanging struct{ released chan struct{} }

func (h hanging) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	<-h.released
	return nil
}
func (hanging) Shutdown(context.Context) error { return nil }

func TestAHangingCollectorDoesNotDelayTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		exporter := hanging{make(chan struct{})}
		provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		invoke(t, ctx, batch.SQSHandler(each(succeed), otelbatch.Trace(otelbatch.WithTracerProvider(provider))), messages(queue, "ok"))
		is.NoErr(ctx.Err()) // the response left before the deadline
		close(exporter.released)
	})
}
