// Once is a Lambda function that charges the orders of an SQS queue once, however often
// they come.
//
// In Lambda it serves the queue, and keeps in a DynamoDB table which orders are charged. Anywhere else it
// keeps them in memory, processes one event, the one in the file named on the command line or the one
// built in, and prints the response on the standard output and the story on the standard error:
//
//	go run -C examples/once . [event.json]
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"

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
		os.Exit(byHand())
	}
	slog.SetDefault(lambdacontext.NewLogger())
	aws, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler(once.DynamoDB(dynamodb.NewFromConfig(aws), os.Getenv("TABLE")), new(payments)))
}

func byHand() (status int) {
	var p payments
	status = local.Tell(handler(once.Memory(), &p), builtIn, os.Args, os.Stdout, os.Stderr)
	fmt.Fprintf(os.Stderr, "\nCards were charged %d times: %v\n", len(p.charged), p.charged)
	return status
}
