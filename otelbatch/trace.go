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

// Trace opens a span for each record before the first function is called for it, with the
// name "process" and the queue, stream, table or topic. Functions get it in their context.
// It ends when the record's last Result reached the collector, or with the answer for what
// did not come so far. A failed record's span has the status Error, error.type and, if the
// record itself failed, an event with the error and the stack of a panic. A record for
// which no function is called has no span.
//
// Spans go to the global provider unless told otherwise; that may be set later than Trace is called.
// What the propagators find in a message, such as baggage, is in the functions' context.
func Trace(opts ...Option) batch.Option {
	c := configOf(opts)
	t := &tracing{
		tracer:           c.tracers.Tracer(scope, trace.WithSchemaURL(schema)),
		propagators:      c.propagators,
		producerAsParent: c.producerAsParent,
	}
	return batch.WithScope(t.open)
}

type tracing struct {
	tracer           trace.Tracer
	propagators      propagation.TextMapPropagator
	producerAsParent bool
	destinations     destinations
}

var consumer = trace.WithSpanKind(trace.SpanKindConsumer)

// open reads the record now: functions may write to it later.
func (t *tracing) open(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
	d := t.destinations.of(r)
	ctx, links := t.parentAndLinks(ctx, r)
	start := [3]trace.SpanStartOption{consumer, trace.WithAttributes(d.attributesOf(r)...)}
	used := start[:2]
	if len(links) > 0 {
		used = append(used, trace.WithLinks(links...))
	}
	ctx, span := t.tracer.Start(ctx, d.spanName, used...)
	return ctx, func(o batch.Outcome) { end(span, o) }
}

// end ends the span whatever the error's methods do.
func end(span trace.Span, o batch.Outcome) {
	defer endAt(span, o.Finished)
	if o.Err != nil && span.IsRecording() {
		fail(span, o.Err)
	}
}

func endAt(span trace.Span, at time.Time) {
	if at.IsZero() {
		span.End()
		return
	}
	span.End(trace.WithTimestamp(at))
}

func fail(span trace.Span, err error) {
	class, message := errorTypeOf(err), textOf(err)
	span.SetStatus(codes.Error, message)
	span.SetAttributes(semconv.ErrorTypeKey.String(class))
	if !isUnprocessed(class) {
		span.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(exceptionOf(err, class, message)...))
	}
}
