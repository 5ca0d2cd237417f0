package otelbatch

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"
)

// Metrics measures with two instruments:
//
//   - messaging.client.consumed.messages counts every record of the batch once for each answer.
//   - messaging.process.duration is how long each record for which a function was called was
//     processed, in seconds: as long as its span in [Trace].
//
// Both have the system, the destination and, for records that are reported, error.type. Give
// Metrics after Trace, so that exemplars find the span, and before the report function
// that flushes.
//
// Measurements go to the global provider unless told otherwise; that may be set later than
// Metrics is called.
func Metrics(opts ...Option) batch.Option {
	m := newMeasuring(configOf(opts).meters.Meter(scope, metric.WithSchemaURL(schema)))
	return both(batch.WithScope(m.open), batch.WithReport(m.count))
}

// both is one option for two. The type that they set has no name outside of its package.
func both[S any](first, second func(S)) func(S) {
	return func(s S) { first(s); second(s) }
}

type measuring struct {
	duration     metric.Float64Histogram
	consumed     metric.Int64Counter
	destinations destinations
	uncounted    uncounted
}

func newMeasuring(meter metric.Meter) *measuring {
	duration, err := messagingconv.NewProcessDuration(meter, metric.WithExplicitBucketBoundaries(
		0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10))
	if err != nil {
		otel.Handle(err)
	}
	consumed, err := messagingconv.NewClientConsumedMessages(meter)
	if err != nil {
		otel.Handle(err)
	}
	return &measuring{duration: duration.Inst(), consumed: consumed.Inst()}
}

func (m *measuring) open(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
	d, begin := m.destinations.of(r), time.Now()
	return ctx, func(o batch.Outcome) {
		end := o.Finished
		if end.IsZero() {
			end = time.Now()
		}
		if o.Err != nil {
			m.duration.Record(ctx, end.Sub(begin).Seconds(), d.failed(errorTypeOf(o.Err)))
			return // count has the failures
		}
		m.duration.Record(ctx, end.Sub(begin).Seconds(), d.counted)
		m.consumed.Add(ctx, 1, d.counted)
		m.uncounted.less()
	}
}

// failed is what the measurements of a failed record have.
func (d *destination) failed(errorType string) metric.MeasurementOption {
	all := append(d.measured.ToSlice(), semconv.ErrorTypeKey.String(errorType))
	return metric.WithAttributeSet(attribute.NewSet(all...))
}

// count counts the failures of an answer, and what was acknowledged without a scope.
func (m *measuring) count(ctx context.Context, r batch.Report) {
	type kind struct {
		*destination
		errorType string
	}
	failures := make(map[kind]int64)
	for _, f := range r.Failures {
		failures[kind{m.destinations.of(f.Record), errorTypeOf(f.Err)}]++
	}
	for k, n := range failures {
		m.consumed.Add(ctx, n, k.failed(k.errorType))
	}
	if n := m.uncounted.of(int64(r.Acknowledged)); n > 0 {
		m.consumed.Add(ctx, n, m.destinations.latest().counted)
	}
}

// uncounted is how many acknowledged records have had no scope, such as those that a stage of
// the user's acknowledges by itself. A report does not say whether the scopes that were closed before it
// were its own or those of an invocation that goes on at the same time, so the numbers are set
// off against each other: never more than zero is left, and in the end all are counted once.
type uncounted struct{ balance atomic.Int64 }

// less takes note of an acknowledged record that has been counted.
func (u *uncounted) less() { u.balance.Add(-1) }

// of returns how many are to be counted now.
func (u *uncounted) of(acknowledged int64) int64 {
	for {
		before := u.balance.Load()
		after := before + acknowledged
		if u.balance.CompareAndSwap(before, min(after, 0)) {
			return max(after, 0)
		}
	}
}
