package main

// The code in the README of otelbatch.

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/otelbatch"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

var _ = []any{started, setUp}

func started(process batch.Stage[events.SQSMessage, Order], provider *sdktrace.TracerProvider) {
	lambda.Start(batch.SQSHandler(process,
		otelbatch.Trace(), otelbatch.Metrics(),
		batch.WithReport(func(ctx context.Context, _ batch.Report) { _ = provider.ForceFlush(ctx) })))
}

func setUp(ctx context.Context) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithInsecure()) // localhost:4318, or OTEL_EXPORTER_OTLP_ENDPOINT
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(10_000)))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{}) // what your senders write
}
