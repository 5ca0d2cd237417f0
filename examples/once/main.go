// Once is example 8: idempotency. The orders of an SQS queue are charged once, however often their
// messages are delivered.
//
//	go run -C examples/once . [event.json]
//
// In Lambda it serves the queue, and a DynamoDB table has the orders that are charged. Anywhere else it
// keeps them in memory and processes the event in the file, or a built-in one. It prints the response on
// stdout and what became of each message on stderr.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/lambdabatch/batch/examples/internal/local"
	"github.com/lambdabatch/batch/once"
)

//go:embed event.json
var builtIn []byte

func main() {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(runLocally())
	}
	slog.SetDefault(lambdacontext.NewLogger())
	aws, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler(once.DynamoDB(dynamodb.NewFromConfig(aws), os.Getenv("TABLE")), new(payments)))
}

func runLocally() (status int) {
	var p payments
	status = local.Tell(handler(once.Memory(), &p), builtIn, os.Args, os.Stdout, os.Stderr)
	fmt.Fprintf(os.Stderr, "\nThe payment service charged %d orders: %s.\n", len(p.charged), strings.Join(p.charged, ", "))
	return status
}
