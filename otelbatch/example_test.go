package otelbatch_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/otelbatch"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

var twoOrders = events.SQSEvent{Records: []events.SQSMessage{
	{MessageId: "m-1", Body: "book", EventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:orders"},
	{MessageId: "m-2", Body: "lamp", EventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:orders"},
}}

func ship(_ context.Context, m events.SQSMessage) error {
	if m.Body == "lamp" {
		return errors.New("out of stock")
	}
	return nil
}

func ExampleTrace() {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	flush := func(ctx context.Context, _ batch.Report) {
		_ = provider.ForceFlush(ctx)
		for _, span := range exporter.GetSpans() {
			fmt.Printf("%s: %v %q\n", span.Name, span.Status.Code, span.Status.Description)
		}
	}
	source := batch.SQS(context.Background(), twoOrders,
		otelbatch.Trace(otelbatch.WithTracerProvider(provider)), batch.WithReport(flush))
	_, _ = batch.Run(source, batch.Each(ship))
	// Output:
	// process orders: Unset ""
	// process orders: Error "out of stock"
}

func ExampleMetrics() {
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	source := batch.SQS(context.Background(), twoOrders, otelbatch.Metrics(otelbatch.WithMeterProvider(provider)))
	_, _ = batch.Run(source, batch.Each(ship))

	var data metricdata.ResourceMetrics
	_ = reader.Collect(context.Background(), &data)
	for _, metric := range data.ScopeMetrics[0].Metrics {
		fmt.Println(metric.Name, metric.Unit)
	}
	// Unordered output:
	// messaging.client.consumed.messages {message}
	// messaging.process.duration s
}

func ExampleWithTracerProvider() {
	provider := sdktrace.NewTracerProvider() // with the exporter of your backend
	handler := batch.SQSHandler(batch.Each(ship), otelbatch.Trace(otelbatch.WithTracerProvider(provider)))
	_, err := handler.Invoke(context.Background(), []byte(`{"Records":[{"messageId":"m-1","body":"book","eventSource":"aws:sqs"}]}`))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithMeterProvider() {
	provider := sdkmetric.NewMeterProvider() // with the reader of your backend
	handler := batch.SQSHandler(batch.Each(ship), otelbatch.Metrics(otelbatch.WithMeterProvider(provider)))
	_, err := handler.Invoke(context.Background(), []byte(`{"Records":[{"messageId":"m-1","body":"book","eventSource":"aws:sqs"}]}`))
	fmt.Println(err)
	// Output: <nil>
}

// sentInTrace is a message that carries its sender's trace context in the W3C format.
func sentInTrace() events.SQSEvent {
	parent := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	return events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "m-1", EventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:orders",
		MessageAttributes: map[string]events.SQSMessageAttribute{"traceparent": {StringValue: &parent, DataType: "String"}},
	}}}
}

func ExampleWithPropagators() {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	source := batch.SQS(context.Background(), sentInTrace(), otelbatch.Trace(
		otelbatch.WithTracerProvider(provider), otelbatch.WithPropagators(propagation.TraceContext{})))
	_, _ = batch.Run(source, batch.Each(ship))
	fmt.Println("linked to", exporter.GetSpans()[0].Links[0].SpanContext.TraceID())
	// Output: linked to 0af7651916cd43dd8448eb211c80319c
}

func ExampleWithProducerAsParent() {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	source := batch.SQS(context.Background(), sentInTrace(), otelbatch.Trace(otelbatch.WithProducerAsParent(),
		otelbatch.WithTracerProvider(provider), otelbatch.WithPropagators(propagation.TraceContext{})))
	_, _ = batch.Run(source, batch.Each(ship))
	fmt.Println("in the trace", exporter.GetSpans()[0].SpanContext.TraceID())
	// Output: in the trace 0af7651916cd43dd8448eb211c80319c
}
