// Orders is a Lambda function that charges and stores the orders of an SQS queue.
//
// In Lambda it serves the queue. Anywhere else it processes one event, the one in
// the file named on the command line or the one built in, and prints the response
// on the standard output and the log on the standard error:
//
//	go run ./examples/orders [event.json]
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdabatch/batch"
)

//go:embed event.json
var builtIn []byte

func main() {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		slog.SetDefault(lambdacontext.NewLogger())
		lambda.Start(new(Store).handler())
		return
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err := once(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

// once processes one event.
func once(args []string, stdout, stderr io.Writer) error {
	event := builtIn
	if len(args) > 0 {
		var err error
		if event, err = os.ReadFile(args[0]); err != nil {
			return err
		}
	}
	response, err := new(Store).handler().Invoke(context.Background(), event)
	// The service takes this error as the full response, which is shown here.
	if allFailed, ok := errors.AsType[*batch.AllFailedError](err); ok {
		fmt.Fprintln(stderr, "orders:", err)
		response, err = json.Marshal(responseOf(allFailed))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n", response)
	return err
}

func responseOf(e *batch.AllFailedError) (r batch.Response) {
	for _, failure := range e.Failures {
		r.BatchItemFailures = append(r.BatchItemFailures, batch.ItemFailure{ItemIdentifier: failure.Record.ID})
	}
	return r
}
