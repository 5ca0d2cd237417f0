// Package otelbatch makes OpenTelemetry traces and metrics of batches:
//
//	lambda.Start(batch.SQSHandler(process, otelbatch.Trace(), otelbatch.Metrics(), batch.WithReport(flush)))
//
// [Trace] opens a span for each record that a function is called for, and ends it with what
// became of the record. Functions find it in their context, and so do instrumented clients.
// [Metrics] counts the records of each batch and measures how long each was processed.
// Lambda freezes the process when the answer has left, so flush what exports them in a report
// function, which is called when all spans have ended:
//
//	func flush(ctx context.Context, _ batch.Report) { _ = provider.ForceFlush(ctx) }
//
// Names and attributes are those of OpenTelemetry's semantic conventions for messaging, which
// are in development: they may change, and this package follows. The README has a table of
// them by source, and of the values of error.type.
//
// # Parents and links
//
// A span is a child of the one in the invocation's context, such as an instrumented handler
// has put there. If there is none, it is a child of the Lambda service's own span, but
// only if that is sampled, so that X-Ray has it: without active tracing the service sends a
// header all the same, which says "not sampled", and a provider that heeds its parents
// would drop every span. Otherwise it is the root of a trace.
//
// It is linked to the span that sent the message. For SQS that is in the AWSTraceHeader
// system attribute, in the format of X-Ray, and in message attributes, for Kafka in
// headers, in whatever format the propagators read. If both are there and differ, there are two links.
// [WithProducerAsParent] has parents and links the other way round.
package otelbatch
