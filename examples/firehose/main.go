// Firehose is example 10: a transformation for a Firehose stream. Clicks are delivered as lines, with
// partition keys. Health checks are dropped. Clicks that cannot be transformed are stored under the
// error prefix.
//
//	go run ./examples/firehose [event.json]
//
// In Lambda it serves the stream. Anywhere else it processes the event in the file, or a built-in one,
// and prints the response on stdout and what became of each record on stderr.
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
	handler := batch.FirehoseHandler(process)
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(local.Tell(handler, builtIn, os.Args, os.Stdout, os.Stderr))
	}
	slog.SetDefault(lambdacontext.NewLogger())
	lambda.Start(handler)
}
