package otelbatch

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

const (
	instrumentationName = "github.com/lambdabatch/batch/otelbatch"
	schemaURL           = semconv.SchemaURL
)

// An Option changes a default of [Trace] or [Metrics]. Each of the two ignores options that do
// not concern it, so both may be given the same options.
type Option func(*config)

type config struct {
	tracers          trace.TracerProvider
	propagators      propagation.TextMapPropagator
	producerAsParent bool
	meters           metric.MeterProvider
}

func newConfig(opts []Option) config {
	c := config{
		tracers:     otel.GetTracerProvider(),
		propagators: otel.GetTextMapPropagator(),
		meters:      otel.GetMeterProvider(),
	}
	for _, option := range opts {
		require(option != nil, "Option", "it is nil")
		option(&c)
	}
	return c
}

// WithTracerProvider makes [Trace] use provider instead of the global one. It panics if provider is nil.
func WithTracerProvider(provider trace.TracerProvider) Option {
	require(provider != nil, "WithTracerProvider", "provider is nil")
	return func(c *config) { c.tracers = provider }
}

// WithPropagators makes [Trace] read message attributes and Kafka headers with propagators
// instead of the global ones. The global ones read nothing until the program sets some.
// WithPropagators panics if propagators is nil.
func WithPropagators(propagators propagation.TextMapPropagator) Option {
	require(propagators != nil, "WithPropagators", "propagators is nil")
	return func(c *config) { c.propagators = propagators }
}

// WithProducerAsParent makes the span that sent a record the parent of the record's span. The
// record's span then belongs to the producer's trace and is sampled as that trace is. The span
// that would have been the parent becomes a link. A record that names no producer keeps its
// parent.
//
// The conventions advise against this if the invocation has a span. It suits backends that
// follow a message through parents only.
func WithProducerAsParent() Option {
	return func(c *config) { c.producerAsParent = true }
}

// WithMeterProvider makes [Metrics] use provider instead of the global one. It panics if provider is nil.
func WithMeterProvider(provider metric.MeterProvider) Option {
	require(provider != nil, "WithMeterProvider", "provider is nil")
	return func(c *config) { c.meters = provider }
}

// require panics unless ok, so that bad arguments are found when the handler is built.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("otelbatch: " + function + ": " + complaint)
	}
}
