package otelbatch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/otelbatch"
	"github.com/matryer/is"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// Helpers of the other test files.

const (
	queue     = "arn:aws:sqs:eu-west-1:123456789012:orders"
	fifoQueue = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
)

// messages are SQS messages m0, m1 and so on with these bodies, all in one group if they have one.
func messages(arn string, bodies ...string) events.SQSEvent {
	var event events.SQSEvent
	for i, body := range bodies {
		attributes := map[string]string{"ApproximateReceiveCount": "2"}
		if strings.HasSuffix(arn, ".fifo") {
			attributes["MessageGroupId"] = "g"
		}
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("m%d", i), Body: body, EventSource: "aws:sqs", EventSourceARN: arn, Attributes: attributes,
		})
	}
	return event
}

// A tracer records the spans that otelbatch.Trace opens.
type tracer struct {
	*tracetest.SpanRecorder
	provider *sdktrace.TracerProvider
}

func newTracer() tracer {
	recorder := tracetest.NewSpanRecorder()
	return tracer{recorder, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))}
}

// option reads the producers' contexts as W3C has them.
func (t tracer) option(more ...otelbatch.Option) batch.Option {
	propagators := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	return otelbatch.Trace(append([]otelbatch.Option{
		otelbatch.WithTracerProvider(t.provider), otelbatch.WithPropagators(propagators),
	}, more...)...)
}

// byID returns the spans that have ended, by the record's ID. It fails the test if a record has
// two, or if one that was started has not ended.
func (t tracer) byID(tb testing.TB) map[string]sdktrace.ReadOnlySpan {
	tb.Helper()
	is := is.New(tb)
	is.Equal(len(t.Started()), len(t.Ended()))
	spans := make(map[string]sdktrace.ReadOnlySpan)
	for _, span := range t.Ended() {
		if strings.HasPrefix(span.Name(), "process") {
			id := attributesOf(span)["messaging.message.id"]
			is.True(spans[id] == nil)
			spans[id] = span
		}
	}
	return spans
}

func attributesOf(span sdktrace.ReadOnlySpan) map[string]string { return texts(span.Attributes()) }

func texts(all []attribute.KeyValue) map[string]string {
	found := make(map[string]string)
	for _, a := range all {
		found[string(a.Key)] = a.Value.String()
	}
	return found
}

// told is the status of a span and its error.type.
func told(span sdktrace.ReadOnlySpan) string {
	if span == nil {
		return "no span"
	}
	status := span.Status()
	return strings.TrimSpace(fmt.Sprintf("%v %s", status.Code, attributesOf(span)["error.type"]))
}

// each is a pipeline of one function.
func each(f func(context.Context, events.SQSMessage) error) batch.Stage[events.SQSMessage, events.SQSMessage] {
	return batch.Each(f)
}

func nothing(context.Context, events.SQSMessage) error { return nil }

// invoke has a handler process an event.
func invoke(t testing.TB, ctx context.Context, h *batch.Handler, event any) {
	t.Helper()
	payload, err := json.Marshal(event)
	is.New(t).NoErr(err)
	_, _ = h.Invoke(ctx, payload) // an error says that all failed
}

// spanContext is the context of a span with that number.
func spanContext(n byte, flags trace.TraceFlags) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0: 0x5f, 15: n}, SpanID: trace.SpanID{0: 0xee, 7: n}, TraceFlags: flags, Remote: true,
	})
}

func traceparent(span trace.SpanContext) string {
	return fmt.Sprintf("00-%s-%s-%02x", span.TraceID(), span.SpanID(), byte(span.TraceFlags()))
}

func xrayHeader(span trace.SpanContext) string {
	id := span.TraceID().String()
	return fmt.Sprintf("Root=1-%s-%s;Parent=%s;Sampled=%d;Lineage=1:a1b2c3:0", id[:8], id[8:], span.SpanID(), span.TraceFlags()&1)
}

func ids(spans ...trace.SpanContext) (all []string) {
	for _, span := range spans {
		all = append(all, span.TraceID().String()+"/"+span.SpanID().String())
	}
	slices.Sort(all)
	return all
}

func linksOf(span sdktrace.ReadOnlySpan) []string {
	var linked []trace.SpanContext
	for _, l := range span.Links() {
		linked = append(linked, l.SpanContext)
	}
	return ids(linked...)
}
