// Traced is example 9: OpenTelemetry. The orders of an SQS queue are charged and stored. Each message has
// a span, linked to the span that sent it (m-3 has no sender's span), with a child span per call.
//
//	go run -C examples/traced . [-json] [event.json]
//
// In Lambda it serves the queue, and sends its spans to a collector by OTLP. Anywhere else it processes
// the event in the file, or a built-in one. It prints the response on stdout, what became of each
// message on stderr, and then a picture of the spans. With -json it prints the spans in full on stdout.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/lambdabatch/batch/examples/internal/local"
)

//go:embed event.json
var builtIn []byte

func main() {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(runLocally())
	}
	slog.SetDefault(lambdacontext.NewLogger())
	// The collector is an extension on localhost, unless OTEL_EXPORTER_OTLP_ENDPOINT names another.
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithInsecure())
	if err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler(exporter))
}

func runLocally() (status int) {
	inFull := flag.Bool("json", false, "print the spans in full")
	flag.Parse()
	args := append(os.Args[:1:1], flag.Args()...)
	if *inFull {
		exporter, err := stdouttrace.New(stdouttrace.WithPrettyPrint())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return local.Run(handler(exporter), builtIn, args, os.Stdout, os.Stderr)
	}
	spans := tracetest.NewInMemoryExporter()
	status = local.Tell(handler(spans), builtIn, args, os.Stdout, os.Stderr)
	fmt.Fprint(os.Stderr, "\n", picture(spans.GetSpans()))
	return status
}
