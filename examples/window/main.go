// Window is example 11: a tumbling window over a Kinesis stream. Sales are added up per product over a
// minute. Each invocation passes its totals to the next one, and the last one publishes them.
//
//	go run ./examples/window [events.json]
//
// In Lambda it serves the stream. Anywhere else it processes a list of events, the invocations of one
// window. It reads the list from the file, or uses a built-in one. It prints the responses on stdout and what
// became of each record on stderr.
package main

import (
	_ "embed"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdabatch/batch/examples/internal/local"
)

//go:embed events.json
var builtIn []byte

func main() {
	handler := new(Board).handler()
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(local.TellWindow(handler, builtIn, os.Args, os.Stdout, os.Stderr))
	}
	slog.SetDefault(lambdacontext.NewLogger())
	lambda.Start(handler)
}
