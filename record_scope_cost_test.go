package batch_test

// What a scope costs per record, with a hook that does nothing.

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func noopHook(ctx context.Context, _ batch.Record) (context.Context, func(batch.Outcome)) {
	return ctx, noopClose
}

func noopClose(o batch.Outcome) {
	if o.Err != nil {
		costSink++
	}
}

func BenchmarkScope(b *testing.B) {
	for _, n := range costSizes {
		event := costEvent(n)
		with := func() {
			_, _ = batch.Collect(costPipeline(batch.SQS(context.Background(), event, batch.WithScope(noopHook))))
		}
		without := func() { _, _ = batch.Collect(costPipeline(batch.SQS(context.Background(), event))) }
		b.Run(fmt.Sprintf("collect/%d", n), func(b *testing.B) { perRecord(b, n, with) })
		// Measure both in turn, as BenchmarkStages does.
		b.Run(fmt.Sprintf("scope/%d", n), func(b *testing.B) {
			scoped, plain := math.MaxFloat64, math.MaxFloat64
			for b.Loop() {
				scoped, plain = min(scoped, nanoseconds(with)), min(plain, nanoseconds(without))
			}
			b.ReportMetric((scoped-plain)/float64(n), "ns/scope")
			b.ReportMetric(plain/float64(n), "ns/record")
		})
	}
}

func TestAScopeAllocatesNothingPerRecord(t *testing.T) {
	is := is.New(t)
	event := costEvent(1000)
	allocations := func(opts ...batch.Option) float64 {
		return testing.AllocsPerRun(10, func() { _, _ = batch.Collect(costPipeline(batch.SQS(context.Background(), event, opts...))) })
	}
	is.True(allocations(batch.WithScope(noopHook))-allocations() < 20)
}
