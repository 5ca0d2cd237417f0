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

// Helpers for all tests: events, a recorder of spans, and the contexts of producers.

const (
	queue     = "arn:aws:sqs:eu-west-1:123456789012:orders"
	fifoQueue = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
)

// messages returns SQS messages m0, m1 and so on with these bodies. On a FIFO queue they share one group.
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

// option is otelbatch.Trace, reading the producers' contexts in the W3C format.
func (t tracer) option(more ...otelbatch.Option) batch.Option {
	propagators := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	return otelbatch.Trace(append([]otelbatch.Option{
		otelbatch.WithTracerProvider(t.provider), otelbatch.WithPropagators(propagators),
	}, more...)...)
}

// byID returns the spans that have ended, by the record's ID. It fails the test if a record has
// two spans, or if a span has started and not ended.
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

func attributesOf(span sdktrace.ReadOnlySpan) map[string]string { return asStrings(span.Attributes()) }

func asStrings(all []attribute.KeyValue) map[string]string {
	found := make(map[string]string)
	for _, a := range all {
		found[string(a.Key)] = a.Value.String()
	}
	return found
}

// statusOf returns the status of a span and its error.type.
func statusOf(span sdktrace.ReadOnlySpan) string {
	if span == nil {
		return "no span"
	}
	status := span.Status()
	return strings.TrimSpace(fmt.Sprintf("%v %s", status.Code, attributesOf(span)["error.type"]))
}

// each is batch.Each for SQS messages.
func each(f func(context.Context, events.SQSMessage) error) batch.Stage[events.SQSMessage, events.SQSMessage] {
	return batch.Each(f)
}

func succeed(context.Context, events.SQSMessage) error { return nil }

// invoke makes the handler process the event.
func invoke(t testing.TB, ctx context.Context, h *batch.Handler, event any) {
	t.Helper()
	payload, err := json.Marshal(event)
	is.New(t).NoErr(err)
	_, _ = h.Invoke(ctx, payload) // the error is not nil if all records failed
}

// spanContext returns the context of span number n.
func spanContext(n byte, flags trace.TraceFlags) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0: 0x5f, 15: n}, SpanID: trace.SpanID{0: 0xee, 7: n}, TraceFlags: flags, Remote: true,
	})
}

func w3cHeader(span trace.SpanContext) string {
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
