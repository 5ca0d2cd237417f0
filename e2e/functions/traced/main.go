// Traced is a Lambda function that exports spans. The body of a message says what happens to
// it.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/otelbatch"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(os.Getenv("COLLECTOR")))
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	lambda.Start(batch.SQSHandler(worker{provider.Tracer("traced")}.process,
		otelbatch.Trace(otelbatch.WithTracerProvider(provider), otelbatch.WithPropagators(propagation.TraceContext{})),
		batch.WithReport(func(ctx context.Context, _ batch.Report) {
			if err := provider.ForceFlush(ctx); err != nil {
				log.Print(err)
			}
		})))
}

type worker struct{ tracer trace.Tracer }

// process taps every message first, so that messages that are held back have a span, too.
func (w worker) process(messages batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
	return batch.TryEach(batch.Tap(messages, func(batch.Result[events.SQSMessage]) {}), w.work)
}

func (w worker) work(ctx context.Context, m events.SQSMessage) error {
	_, span := w.tracer.Start(ctx, "work")
	defer span.End()
	switch m.Body {
	case "fail":
		return errors.New("refused")
	case "panic":
		panic("broken")
	}
	return nil
}
