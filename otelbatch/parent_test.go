package otelbatch_test

import (
	"context"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/otelbatch"
	"github.com/matryer/is"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var (
	sampled    = trace.FlagsSampled
	invocation = spanContext(1, sampled)
	service    = spanContext(2, sampled) // the Lambda service's own span
	producer   = spanContext(3, sampled)
	forwarder  = spanContext(4, sampled)
)

// messageFrom is a message whose attributes name these producers.
func messageFrom(w3c, xray trace.SpanContext) events.SQSEvent {
	event := messages(queue, "")
	if w3c.IsValid() {
		value := w3cHeader(w3c)
		event.Records[0].MessageAttributes = map[string]events.SQSMessageAttribute{"traceparent": {StringValue: &value, DataType: "String"}}
	}
	if xray.IsValid() {
		event.Records[0].Attributes["AWSTraceHeader"] = xrayHeader(xray)
	}
	return event
}

// spanFor processes an event of one message and returns its span.
func spanFor(t *testing.T, ctx context.Context, event events.SQSEvent, opts ...otelbatch.Option) sdktrace.ReadOnlySpan {
	t.Helper()
	spans := newTracer()
	invoke(t, ctx, batch.SQSHandler(each(succeed), spans.option(opts...)), event)
	span := spans.byID(t)["m0"]
	is.New(t).True(span != nil)
	return span
}

func withService(ctx context.Context, header string) context.Context {
	//lint:ignore SA1029 package lambda uses this key
	return context.WithValue(ctx, "x-amzn-trace-id", header)
}

var noProducer trace.SpanContext

func TestTheSpanIsAChildOfTheInvocationAndLinkedToTheProducers(t *testing.T) {
	is := is.New(t)
	ctx := trace.ContextWithSpanContext(withService(t.Context(), xrayHeader(service)), invocation)
	for _, c := range []struct {
		w3c, xray trace.SpanContext
		links     []string
	}{
		{noProducer, noProducer, nil},
		{producer, noProducer, ids(producer)},
		{noProducer, producer, ids(producer)},
		{producer, forwarder, ids(producer, forwarder)},
		{producer, producer, ids(producer)},
	} {
		span := spanFor(t, ctx, messageFrom(c.w3c, c.xray))
		is.True(span.Parent().Equal(invocation))
		is.Equal(span.SpanContext().TraceID(), invocation.TraceID())
		is.Equal(linksOf(span), c.links)
	}
}

func TestTheSampledSpanOfTheLambdaServiceIsTheParentIfThereIsNoOther(t *testing.T) {
	is := is.New(t)
	is.True(spanFor(t, withService(t.Context(), xrayHeader(service)), messageFrom(noProducer, noProducer)).Parent().Equal(service))

	for _, header := range []string{
		xrayHeader(spanContext(2, 0)), // no active tracing
		"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1", "Root=1;Parent=2", "", ";", "\x00",
	} {
		span := spanFor(t, withService(t.Context(), header), messageFrom(producer, noProducer))
		is.True(!span.Parent().IsValid()) // the root of a new trace, which the provider samples
		is.Equal(linksOf(span), ids(producer))
	}
	is.True(!spanFor(t, t.Context(), messageFrom(noProducer, noProducer)).Parent().IsValid())
}

func TestTheProducerIsTheParentIfTheOptionIsSet(t *testing.T) {
	is := is.New(t)
	ctx := trace.ContextWithSpanContext(t.Context(), invocation)
	asParent := otelbatch.WithProducerAsParent()

	span := spanFor(t, ctx, messageFrom(producer, noProducer), asParent)
	is.True(span.Parent().Equal(producer))
	is.Equal(linksOf(span), ids(invocation))

	span = spanFor(t, ctx, messageFrom(producer, forwarder), asParent)
	is.True(span.Parent().Equal(producer)) // the application's span is more precise than the service's
	is.Equal(linksOf(span), ids(invocation, forwarder))

	span = spanFor(t, ctx, messageFrom(noProducer, noProducer), asParent)
	is.True(span.Parent().Equal(invocation))
	is.Equal(len(span.Links()), 0)

	span = spanFor(t, withService(t.Context(), xrayHeader(service)), messageFrom(noProducer, forwarder), asParent)
	is.True(span.Parent().Equal(forwarder))
	is.Equal(linksOf(span), ids(service))

	span = spanFor(t, t.Context(), messageFrom(producer, noProducer), asParent)
	is.True(span.Parent().Equal(producer))
	is.Equal(len(span.Links()), 0)
}

func TestAMessageWithoutAValidProducerHasNoLink(t *testing.T) {
	is := is.New(t)
	event := messages(queue, "")
	broken := "00-xyz"
	event.Records[0].MessageAttributes = map[string]events.SQSMessageAttribute{
		"traceparent": {StringValue: &broken}, "picture": {BinaryValue: []byte{1}, DataType: "Binary"},
	}
	event.Records[0].Attributes["AWSTraceHeader"] = "Root=?"
	span := spanFor(t, trace.ContextWithSpanContext(t.Context(), invocation), event)
	is.True(span.Parent().Equal(invocation))
	is.Equal(len(span.Links()), 0)
}

func TestBaggageOfTheMessageReachesFunctions(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	event := messages(queue, "")
	value := "customer=ada"
	event.Records[0].MessageAttributes = map[string]events.SQSMessageAttribute{"baggage": {StringValue: &value}}
	var seen string
	invoke(t, trace.ContextWithSpanContext(t.Context(), invocation), batch.SQSHandler(each(func(ctx context.Context, _ events.SQSMessage) error {
		seen = baggage.FromContext(ctx).Member("customer").Value()
		return nil
	}), spans.option()), event)
	is.Equal(seen, "ada")
	is.True(spans.byID(t)["m0"].Parent().Equal(invocation))
}

func TestTheProducerOfAKafkaRecordIsInItsHeaders(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{"orders-0": {{
		Topic: "orders", Value: "e30=", Headers: []map[string]events.JSONNumberBytes{
			{"traceparent": events.JSONNumberBytes(w3cHeader(forwarder))},
			{"binary": {0xff, 0x80}},
			{"traceparent": events.JSONNumberBytes(w3cHeader(producer))}, // the last header with a name wins
		},
	}}}}
	process := batch.Each(func(context.Context, events.KafkaRecord) error { return nil })
	invoke(t, t.Context(), batch.KafkaHandler(process, spans.option()), kafkaPayload{event, "aws:kafka"})
	is.Equal(linksOf(spans.byID(t)["orders-0/0"]), ids(producer))
}

// kafkaPayload adds the member eventSource, which the service writes and package events leaves out.
type kafkaPayload struct {
	events.KafkaEvent
	EventSource string `json:"eventSource"`
}
