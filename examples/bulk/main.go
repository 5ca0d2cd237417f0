// Bulk is example 5: slow calls side by side, then bulk writes. Its messages name products that have
// changed. Lanes look the products up, eight messages at a time. After the lanes, documents are written
// to a search index in bulk, and the index may reject single ones.
//
//	go run ./examples/bulk [event.json]
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
	handler := batch.SQSHandler(new(Index).process)
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(local.Tell(handler, builtIn, os.Args, os.Stdout, os.Stderr))
	}
	slog.SetDefault(lambdacontext.NewLogger())
	lambda.Start(handler)
}
