package otelbatch

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name of the instrumentation, and schema the version of the conventions.
const (
	scope  = "github.com/lambdabatch/batch/otelbatch"
	schema = semconv.SchemaURL
)

// An Option changes what [Trace] or [Metrics] does by default. Each takes what concerns it
// and ignores the rest, so that both may get the same.
type Option func(*config)

type config struct {
	tracers          trace.TracerProvider
	propagators      propagation.TextMapPropagator
	producerAsParent bool
	meters           metric.MeterProvider
}

func configOf(opts []Option) config {
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

// WithTracerProvider sets where [Trace] has its tracer from, in place of the global provider.
func WithTracerProvider(provider trace.TracerProvider) Option {
	require(provider != nil, "WithTracerProvider", "provider is nil")
	return func(c *config) { c.tracers = provider }
}

// WithPropagators sets what [Trace] reads message attributes and Kafka headers with, in place
// of the global propagators, which read nothing until the program sets some.
func WithPropagators(propagators propagation.TextMapPropagator) Option {
	require(propagators != nil, "WithPropagators", "propagators is nil")
	return func(c *config) { c.propagators = propagators }
}

// WithProducerAsParent makes the span that sent a message the parent of the message's span,
// which then belongs to the producer's trace and is sampled as that is. The span that
// would have been the parent becomes a link. A message that says nothing of its producer
// keeps its parent.
//
// The conventions advise against it where there is an invocation's span. It suits
// backends that follow a message through parents only.
func WithProducerAsParent() Option {
	return func(c *config) { c.producerAsParent = true }
}

// WithMeterProvider sets where [Metrics] has its meter from, in place of the global provider.
func WithMeterProvider(provider metric.MeterProvider) Option {
	require(provider != nil, "WithMeterProvider", "provider is nil")
	return func(c *config) { c.meters = provider }
}

// require panics unless ok. Bad arguments are found where a pipeline is built.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("otelbatch: " + function + ": " + complaint)
	}
}
