package otelbatch

import (
	"context"
	"time"

	"github.com/lambdabatch/batch"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Trace opens a span per record. It starts before the first function is called for the record,
// and is named "process" and the queue, stream, table or topic. Functions receive the span in
// their context. A record for which no function is called has no span.
//
// The span ends when the record's last result reaches the collector. If a result does not
// arrive, it ends when the response is decided. The span of a reported record has the status
// Error and error.type. If the record itself failed, an event has the error and the stack of a
// panic.
//
// Spans go to the global provider unless [WithTracerProvider] sets another. The global provider
// may be set after Trace is called. Anything else that the propagators find in a message, such
// as baggage, is in the functions' context as well.
//
// Trace panics if an option is nil.
func Trace(opts ...Option) batch.Option {
	c := newConfig(opts)
	t := &recordTracer{
		tracer:           c.tracers.Tracer(instrumentationName, trace.WithSchemaURL(schemaURL)),
		propagators:      c.propagators,
		producerAsParent: c.producerAsParent,
	}
	return batch.WithScope(t.open)
}

type recordTracer struct {
	tracer           trace.Tracer
	propagators      propagation.TextMapPropagator
	producerAsParent bool
	destinations     destinationCache
}

var consumerKind = trace.WithSpanKind(trace.SpanKindConsumer)

// open reads all it needs from the record at once, because functions may change the record later.
func (t *recordTracer) open(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
	d := t.destinations.of(r)
	ctx, links := t.parentAndLinks(ctx, r)
	start := [3]trace.SpanStartOption{consumerKind, trace.WithAttributes(d.attributesOf(r)...)}
	used := start[:2]
	if len(links) > 0 {
		used = append(used, trace.WithLinks(links...))
	}
	ctx, span := t.tracer.Start(ctx, d.spanName, used...)
	return ctx, func(o batch.Outcome) { endSpan(span, o) }
}

// endSpan ends the span even if a method of the error panics.
func endSpan(span trace.Span, o batch.Outcome) {
	defer endAt(span, o.Finished)
	if o.Err != nil && span.IsRecording() {
		markFailed(span, o.Err)
	}
}

func endAt(span trace.Span, at time.Time) {
	if at.IsZero() {
		span.End()
		return
	}
	span.End(trace.WithTimestamp(at))
}

func markFailed(span trace.Span, err error) {
	errorType, text := errorTypeOf(err), textOf(err)
	span.SetStatus(codes.Error, text)
	span.SetAttributes(semconv.ErrorTypeKey.String(errorType))
	if !isUnprocessed(errorType) {
		span.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(exceptionAttributes(err, errorType, text)...))
	}
}
