// Hello is example 1: the smallest handler there is. It calls a function once per SQS message. Only
// messages for which the function fails are redelivered.
//
//	go run ./examples/hello [event.json]
//
// In Lambda it serves the queue. Anywhere else it processes the event in the file, or a built-in one,
// and prints the response on stdout and what became of each message on stderr.
package main

import (
	_ "embed"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/internal/local"
)

//go:embed event.json
var builtIn []byte

func main() {
	handler := batch.SQSHandler(batch.Each(greet))
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(local.Tell(handler, builtIn, os.Args, os.Stdout, os.Stderr))
	}
	slog.SetDefault(lambdacontext.NewLogger())
	lambda.Start(handler)
}
