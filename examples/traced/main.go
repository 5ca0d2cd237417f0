// Traced is a Lambda function that charges and stores the orders of an SQS queue, and
// makes a trace of it.
//
// In Lambda it serves the queue and sends its spans to a collector by OTLP. Anywhere else it
// processes one event, the one in the file named on the command line or the one built in,
// and prints the response and a picture of the spans, or with -json the spans in full:
//
//	go run -C examples/traced . [-json] [event.json]
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
		os.Exit(byHand())
	}
	slog.SetDefault(lambdacontext.NewLogger())
	// The endpoint is that of a collector extension, unless OTEL_EXPORTER_OTLP_ENDPOINT names another.
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithInsecure())
	if err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler(exporter))
}

func byHand() (status int) {
	full := flag.Bool("json", false, "print the spans in full")
	flag.Parse()
	args := append(os.Args[:1:1], flag.Args()...)
	if *full {
		exporter, err := stdouttrace.New(stdouttrace.WithPrettyPrint())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return local.Run(handler(exporter), builtIn, args, os.Stdout, os.Stderr)
	}
	spans := tracetest.NewInMemoryExporter()
	status = local.Run(handler(spans), builtIn, args, os.Stdout, os.Stderr)
	fmt.Print("\n", picture(spans.GetSpans()))
	return status
}
