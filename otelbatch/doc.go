// Package otelbatch adds OpenTelemetry spans and metrics to batch handlers:
//
//	lambda.Start(batch.SQSHandler(process, otelbatch.Trace(), otelbatch.Metrics(), batch.WithReport(flush)))
//
// [Trace] opens a span per record. Your functions receive it in their context, so instrumented
// clients add child spans to it. [Metrics] counts records and measures how long each one took.
// Names and attributes follow OpenTelemetry's semantic conventions for messaging. The
// conventions are still in development: names may change, and this package will follow.
//
// # Spans
//
// A span covers the work on one record in one invocation. It starts before the first function is
// called for the record. A record for which no function is called has no span. The functions of
// [batch.Catch] and [batch.Tap] count: after a Tap, records that were held back have one, too.
//
//   - Name: "process" and the queue, stream, table or topic, such as "process orders".
//   - Kind: consumer.
//   - Parent: the span in the invocation's context, for example from an instrumented handler.
//     If there is none, the parent is the Lambda service's span, provided it is sampled.
//     Otherwise the span starts a new trace.
//   - Links: the producer's span, which is the span that sent the record.
//   - Attributes: the source, the record's ID, and details such as the partition. The README
//     lists them by source.
//   - Status: Error for a reported record, with the error's text, and unset for an acknowledged
//     one. error.type classifies the error. If the record itself failed, an exception event
//     describes the error and has the stack of a panic.
//   - End: when the record's last result reaches the collector. If a result does not arrive, the
//     span ends when the response is decided.
//
// Without active tracing, the Lambda service sends a trace header that says "not sampled". A
// sampler that follows its parent would then drop every span. So this package ignores that
// header.
//
// An SQS message may name its producer in the AWSTraceHeader system attribute, in the format of
// X-Ray, and in message attributes. A Kafka record names it in headers. Message attributes and
// headers may have any format that the propagators read. If an SQS message names two different
// spans, the span has two links. [WithProducerAsParent] swaps the parent and the link.
//
// # Metrics
//
// Both instruments have the system and destination as attributes, and error.type for reported records:
//
//   - messaging.client.consumed.messages counts every record of a batch, once per delivery.
//   - messaging.process.duration is the time in seconds that each record took. Records for which
//     no function is called are not measured.
//
// # Providers
//
// Spans and measurements go to the global providers, and message attributes and headers are read
// with the global propagators. The global propagators read nothing until the program sets some.
// [WithTracerProvider], [WithPropagators] and [WithMeterProvider] choose others. The providers
// export what they receive: without an SDK's provider, nothing is exported.
//
// # Flushing
//
// Lambda freezes the process once the handler has responded, so export everything before that.
// Flush in a report function. It is called after all spans have ended:
//
//	func flush(ctx context.Context, _ batch.Report) { _ = provider.ForceFlush(ctx) }
//
// Report functions are called in the order of the options, and [Metrics] counts in one, so put
// the flush after Metrics.
package otelbatch
