package otelbatch_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/otelbatch"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// discarding is an exporter that drops all spans.
type discarding struct{}

func (discarding) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discarding) Shutdown(context.Context) error                             { return nil }

// BenchmarkTrace runs a pipeline of one function over 1,000 messages, with and without spans.
func BenchmarkTrace(b *testing.B) {
	const records = 1000
	event := messages(queue, make([]string, records)...)
	for i := range event.Records {
		event.Records[i].MessageId = fmt.Sprintf("m%d", i)
	}
	linked := messages(queue, make([]string, records)...)
	for i := range linked.Records {
		linked.Records[i].Attributes["AWSTraceHeader"] = xrayHeader(producer)
	}
	sdk := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(
		sdktrace.NewBatchSpanProcessor(discarding{}, sdktrace.WithMaxQueueSize(2*records))))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	flush := batch.WithReport(func(ctx context.Context, _ batch.Report) { _ = sdk.ForceFlush(ctx) })
	for _, c := range []struct {
		name  string
		event events.SQSEvent
		opts  []batch.Option
	}{
		{"without", event, nil},
		{"no-op", event, []batch.Option{otelbatch.Trace(otelbatch.WithTracerProvider(noop.NewTracerProvider()))}},
		{"sdk", event, []batch.Option{otelbatch.Trace(otelbatch.WithTracerProvider(sdk)), flush}},
		{"sdk, linked", linked, []batch.Option{otelbatch.Trace(otelbatch.WithTracerProvider(sdk)), flush}},
		{"metrics", event, []batch.Option{otelbatch.Metrics(otelbatch.WithMeterProvider(meters))}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := batch.Run(batch.SQS(b.Context(), c.event, c.opts...), each(succeed)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
		})
	}
}
