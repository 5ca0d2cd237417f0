package otelbatch

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"
)

// Metrics records measurements with two instruments:
//
//   - messaging.client.consumed.messages counts every record of a batch, once per delivery.
//   - messaging.process.duration is the time in seconds that each record took, which is as long as its
//     span in [Trace]. Records for which no function is called are not measured.
//
// Both have the system and destination as attributes, and error.type for reported records.
// Put Metrics after Trace, so that exemplars name the record's span, and before the report
// function that flushes.
//
// Measurements go to the global provider unless [WithMeterProvider] sets another. The global
// provider may be set after Metrics is called.
//
// Metrics panics if an option is nil.
func Metrics(opts ...Option) batch.Option {
	m := newRecordMeter(newConfig(opts).meters.Meter(instrumentationName, metric.WithSchemaURL(schemaURL)))
	return both(batch.WithScope(m.open), batch.WithReport(m.count))
}

// both combines two options. It is generic because batch.Option takes an unexported type.
func both[S any](first, second func(S)) func(S) {
	return func(s S) { first(s); second(s) }
}

type recordMeter struct {
	duration     metric.Float64Histogram
	consumed     metric.Int64Counter
	destinations destinationCache
	unscoped     unscopedCount
}

func newRecordMeter(meter metric.Meter) *recordMeter {
	duration, err := messagingconv.NewProcessDuration(meter, metric.WithExplicitBucketBoundaries(
		0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10))
	if err != nil {
		otel.Handle(err)
	}
	consumed, err := messagingconv.NewClientConsumedMessages(meter)
	if err != nil {
		otel.Handle(err)
	}
	return &recordMeter{duration: duration.Inst(), consumed: consumed.Inst()}
}

func (m *recordMeter) open(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
	d, begin := m.destinations.of(r), time.Now()
	m.unscoped.exclude()
	return ctx, func(o batch.Outcome) {
		end := o.Finished
		if end.IsZero() {
			end = time.Now()
		}
		if o.Err != nil {
			m.duration.Record(ctx, end.Sub(begin).Seconds(), d.onFailure(errorTypeOf(o.Err)))
			m.addUnscoped(ctx, 1) // it was not acknowledged: count adds it to the failures
			return
		}
		m.duration.Record(ctx, end.Sub(begin).Seconds(), d.onSuccess)
		m.consumed.Add(ctx, 1, d.onSuccess)
	}
}

// count counts the reported records of a batch, and those that were acknowledged without a scope.
func (m *recordMeter) count(ctx context.Context, r batch.Report) {
	type kind struct {
		*destination
		errorType string
	}
	failures := make(map[kind]int64)
	for _, f := range r.Failures {
		failures[kind{m.destinations.of(f.Record), errorTypeOf(f.Err)}]++
	}
	for k, n := range failures {
		m.consumed.Add(ctx, n, k.onFailure(k.errorType))
	}
	m.addUnscoped(ctx, int64(r.Acknowledged))
}

func (m *recordMeter) addUnscoped(ctx context.Context, acknowledged int64) {
	if n := m.unscoped.settle(acknowledged); n > 0 {
		m.consumed.Add(ctx, n, m.destinations.latest().onSuccess)
	}
}

// An unscopedCount counts acknowledged records for which no scope was opened, such as those that
// a stage of the user's acknowledges by itself. A report does not say which of the open scopes
// belong to it: some may belong to an invocation that runs at the same time, and some close only
// after the report. So all scopes and all reports share one balance, from which each scope takes
// its record when it opens. Only a balance above zero is counted, and once every invocation has
// responded and every scope is closed, each record has been counted once.
type unscopedCount struct{ balance atomic.Int64 }

// exclude notes that a record has a scope, which counts it if it is acknowledged.
func (u *unscopedCount) exclude() { u.balance.Add(-1) }

// settle adds the acknowledged records of a report, or the record of a scope that was not
// acknowledged, and returns how many to count now.
func (u *unscopedCount) settle(n int64) int64 {
	for {
		before := u.balance.Load()
		after := before + n
		if u.balance.CompareAndSwap(before, min(after, 0)) {
			return max(after, 0)
		}
	}
}
