// Router is a Lambda function for a queue with several kinds of messages: orders,
// refunds and heartbeats, told apart by a message attribute. Each kind has a pipeline
// of its own.
//
// In Lambda it serves the queue. Anywhere else it processes one event, the one in
// the file named on the command line or the one built in, and prints the response
// on the standard output and the log on the standard error:
//
//	go run ./examples/router [event.json]
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
	handler := batch.SQSHandler(new(Books).process)
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(local.Tell(handler, builtIn, os.Args, os.Stdout, os.Stderr))
	}
	slog.SetDefault(lambdacontext.NewLogger())
	lambda.Start(handler)
}
