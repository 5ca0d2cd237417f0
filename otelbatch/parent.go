package otelbatch

// The parent and the links of a record's span.

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"go.opentelemetry.io/contrib/propagators/aws/xray"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// parentAndLinks returns a context that carries the parent span, and the links.
func (t *recordTracer) parentAndLinks(ctx context.Context, r batch.Record) (context.Context, []trace.Link) {
	invocation := invocationOf(ctx)
	ctx, producers := t.producersOf(ctx, r)
	parent, linked := invocation, producers
	if t.producerAsParent && len(producers) > 0 {
		parent, linked = producers[0], append(producers[1:], invocation) // an invalid link is ignored
	}
	if !parent.Equal(trace.SpanContextFromContext(ctx)) {
		ctx = trace.ContextWithSpanContext(ctx, parent)
	}
	links := make([]trace.Link, len(linked))
	for i, span := range linked {
		links[i].SpanContext = span
	}
	return ctx, links
}

// invocationOf returns the span of the invocation. It is invalid if there is none.
func invocationOf(ctx context.Context) trace.SpanContext {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		return span
	}
	header, _ := ctx.Value("x-amzn-trace-id").(string) // set by package lambda
	if span := fromXRay(header); span.IsSampled() {
		return span
	}
	return trace.SpanContext{}
}

// producersOf returns the spans that sent the record: none, one, or two different ones. The
// returned context carries anything else that the propagators found, such as baggage.
func (t *recordTracer) producersOf(ctx context.Context, r batch.Record) (context.Context, []trace.SpanContext) {
	var producers []trace.SpanContext
	add := func(span trace.SpanContext) {
		if span.IsValid() && !(len(producers) > 0 && same(span, producers[0])) {
			producers = append(producers, span)
		}
	}
	if carrier := carrierOf(r); carrier != nil {
		read := t.propagators.Extract(trace.ContextWithSpan(ctx, noSpan), carrier)
		add(trace.SpanContextFromContext(read))
		ctx = trace.ContextWithSpan(read, trace.SpanFromContext(ctx))
	}
	if m, ok := r.Source.(*events.SQSMessage); ok {
		add(fromXRay(m.Attributes["AWSTraceHeader"]))
	}
	return ctx, producers
}

var noSpan = trace.SpanFromContext(context.Background())

func same(a, b trace.SpanContext) bool {
	return a.TraceID() == b.TraceID() && a.SpanID() == b.SpanID()
}

// fromXRay reads an AWS trace header. The result is invalid if the header names no span.
func fromXRay(header string) trace.SpanContext {
	if header == "" {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(xray.Propagator{}.Extract(context.Background(), xrayHeader(header)))
}

// carrierOf returns the part of a record in which a producer can leave its context. It is nil if
// there is none.
func carrierOf(r batch.Record) propagation.TextMapCarrier {
	switch m := r.Source.(type) {
	case *events.SQSMessage:
		if len(m.MessageAttributes) > 0 {
			return sqsAttributes(m.MessageAttributes)
		}
	case *events.KafkaRecord:
		if len(m.Headers) > 0 {
			return kafkaHeaders(m.Headers)
		}
	}
	return nil
}

// The carriers below are only read, so Set does nothing.

type xrayHeader string

func (h xrayHeader) Get(string) string { return string(h) }
func (h xrayHeader) Set(_, _ string)   {}
func (h xrayHeader) Keys() []string    { return xray.Propagator{}.Fields() }

type sqsAttributes map[string]events.SQSMessageAttribute

func (a sqsAttributes) Get(key string) string {
	if value := a[key].StringValue; value != nil {
		return *value
	}
	return ""
}

func (a sqsAttributes) Set(_, _ string) {}

func (a sqsAttributes) Keys() []string {
	keys := make([]string, 0, len(a))
	for key := range a {
		keys = append(keys, key)
	}
	return keys
}

type kafkaHeaders []map[string]events.JSONNumberBytes

// Get returns the last header with that name, because Kafka lets the last one win.
func (h kafkaHeaders) Get(key string) (value string) {
	for _, header := range h {
		if bytes, ok := header[key]; ok {
			value = string(bytes)
		}
	}
	return value
}

func (h kafkaHeaders) Set(_, _ string) {}

func (h kafkaHeaders) Keys() (keys []string) {
	for _, header := range h {
		for key := range header {
			keys = append(keys, key)
		}
	}
	return keys
}
