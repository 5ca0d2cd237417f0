package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/otelbatch"
)

// An Order is the body of a message.
type Order struct {
	ID       string `json:"id"`
	Cents    int    `json:"cents"`
	Parcels  int    `json:"parcels"`
	Customer string `json:"customer"`
}

var errRefused = errors.New("card refused")

// A shop charges and stores orders. Each call has its own span, a child of the message's span.
type shop struct {
	startSpan func(ctx context.Context, name string) (end func(error))
}

// charge stands in for a payment service. It has a bug: it panics for an order without parcels.
func (s shop) charge(ctx context.Context, o Order) (_ Order, err error) {
	end := s.startSpan(ctx, "charge")
	defer func() { end(err) }()
	time.Sleep(2 * time.Millisecond)
	if o.Customer == "blocked" {
		return o, fmt.Errorf("order %s: %w", o.ID, errRefused)
	}
	o.Cents /= o.Parcels
	return o, nil
}

// store stands in for a database.
func (s shop) store(ctx context.Context, _ Order) error {
	end := s.startSpan(ctx, "store")
	defer end(nil)
	time.Sleep(time.Millisecond)
	return nil
}

func (s shop) process(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
	orders := batch.Decode[Order](messages, json.Unmarshal)
	charged := batch.TryMap(orders, s.charge)
	return batch.TryEach(charged, s.store)
}

// handler processes a batch, and exports its spans before it responds. Afterwards the process is frozen
// until the next invocation.
func handler(exporter sdktrace.SpanExporter) *batch.Handler {
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(maxSpans)))
	tracer := provider.Tracer("github.com/lambdabatch/batch/examples/traced")
	s := shop{func(ctx context.Context, name string) (end func(error)) {
		_, span := tracer.Start(ctx, name)
		return func(err error) {
			if err != nil {
				span.SetStatus(codes.Error, err.Error())
			}
			span.End()
		}
	}}
	return batch.SQSHandler(s.process,
		otelbatch.Trace(otelbatch.WithTracerProvider(provider), otelbatch.WithPropagators(propagation.TraceContext{})),
		batch.WithReport(func(ctx context.Context, _ batch.Report) {
			if err := provider.ForceFlush(ctx); err != nil {
				otel.Handle(err)
			}
		}))
}

// maxSpans is three per message, and a batch has up to 100 messages: see template.yaml. Spans that do not
// fit into the exporter's queue are dropped.
const maxSpans = 3 * 100
