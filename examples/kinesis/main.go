// Kinesis is example 4: a stream. Sensor readings are stored in bulk. Poison records, which would fail
// every time, are written to a table of dead letters at once: a record that fails holds back everything
// after it.
//
//	go run ./examples/kinesis [event.json]
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

	"github.com/lambdabatch/batch/examples/internal/local"
)

//go:embed event.json
var builtIn []byte

func main() {
	handler := newStore("boiler", "cellar", "roof").handler()
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(local.Tell(handler, builtIn, os.Args, os.Stdout, os.Stderr))
	}
	slog.SetDefault(lambdacontext.NewLogger())
	lambda.Start(handler)
}
